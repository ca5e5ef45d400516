// Connections of browsers that are signed in: those end that were signed out, and no others, whatever happens while it is looked up.
import { expect, test } from 'vitest'
import { createLogger } from '../base/log.ts'
import { Bonds } from './bonds.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const settled = () => new Promise(resolve => setImmediate(resolve))

test('who comes in while the others are looked up stays, and who was signed out ends', async () => {
  const there = new Set(['a', 'b'])
  const held: (() => void)[] = []
  const ended: string[] = []
  let waits = false
  const bonds = new Bonds<{ readonly name: string, readonly open: boolean }>({
    of: ({ cookie }) => Promise.resolve(cookie),
    office: () => Promise.resolve(undefined),
    hasOperator: () => Promise.resolve(false),
    among: async names => {
      if (waits) await new Promise<void>(resolve => held.push(resolve))
      return names.filter(name => there.has(name))
    },
  }, ({ name }) => ended.push(name), log)
  void bonds.hold({ name: 'a', open: true }, { cookie: 'a' })
  await settled()
  waits = true
  const check = bonds.check()
  await settled()
  // Its own look has an answer of its own.
  waits = false
  void bonds.hold({ name: 'b', open: true }, { cookie: 'b' })
  await settled()
  for (const resolve of held) resolve()
  await check
  expect(ended).toEqual([])
  there.delete('a')
  await bonds.check()
  expect(ended).toEqual(['a'])
})
