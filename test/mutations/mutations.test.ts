// That the table of what can be broken fits the sources: each line stands there once, and each test is there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Mutation {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
  readonly test: string
  readonly name: string
}

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
const table = JSON.parse(read('test/mutations/table.json')) as readonly Mutation[]

test.each(table)('$what', ({ file, from, to, test, name }) => {
  expect(read(file).split(from)).toHaveLength(2)
  expect(to).not.toBe(from)
  expect(read(test)).toContain(`test('${name}`)
})
