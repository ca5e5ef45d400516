import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { newFolder } from '../../../test/kit/folder.ts'
import { driverProblem, holdFile, isHeld, openDatabase } from './driver.ts'
import { StorageError } from '../store.ts'

/** As the packages say it of themselves. */
const version12 = { version: '12.11.1', engines: { node: '20.x || 22.x || 23.x || 24.x || 25.x || 26.x' } }
const version13 = { version: '13.2.0', engines: { node: '>=22' } }

const failureOf = (open: () => unknown): unknown => {
  try {
    open()
    return undefined
  } catch (error) {
    return error
  }
}

describe('a driver that is for another Node', () => {
  test('is not opened: one sentence says what is wrong, and one what to install', () => {
    const problem = driverProblem(version13, '20.19.0')
    expect(problem).toBeInstanceOf(StorageError)
    expect(problem!.message).toBe('better-sqlite3 13.2.0 needs Node 22 or newer, and this is Node 20.19.0')
    expect(problem!.hint).toContain('npm install better-sqlite3@12')
  })

  test.each(['20.19.0', '22.0.0', '24.1.0'])('nothing is said against 12 on Node %s', node => {
    expect(driverProblem(version12, node)).toBeUndefined()
  })

  test.each(['22.0.0', '24.1.0'])('nothing is said against 13 on Node %s', node => {
    expect(driverProblem(version13, node)).toBeUndefined()
  })

  test('what the sentence names is in the range of the package', () => {
    const { dependencies, engines } = createRequire(import.meta.url)('../../../package.json') as {
      dependencies: Record<string, string>
      engines: { node: string }
    }
    expect(dependencies['better-sqlite3']!.split(' || ').map(part => /^\^(\d+)\./.exec(part)?.[1])).toEqual(['12', '13'])
    expect(engines.node).toBe('>=20.19')
  })
})

describe('a compiled part that does not load', () => {
  test('is told with what to do, whatever it is', () => {
    using folder = newFolder()
    writeFileSync(folder.at('foreign.node'), 'of another machine')
    for (const nativeBinding of [folder.at('foreign.node'), folder.at('missing.node')]) {
      const error = failureOf(() => openDatabase(':memory:', { nativeBinding }))
      expect(error).toBeInstanceOf(StorageError)
      expect((error as StorageError).message).toMatch(/^better-sqlite3 \d+\.\d+\.\d+ does not load: [^\n]+$/)
      expect((error as StorageError).hint).toContain('npm rebuild better-sqlite3')
    }
  })

  test('is not mixed up with a file that cannot be opened', () => {
    using folder = newFolder()
    expect(failureOf(() => openDatabase(folder.at('missing.db'), { fileMustExist: true }))).toMatchObject({ code: 'SQLITE_CANTOPEN' })
  })
})

test('a file is held by one at a time; what is no lock is not taken for one that is held', () => {
  using folder = newFolder()
  const held = holdFile(folder.at('lock.db'))
  expect(held).toBeDefined()
  expect(holdFile(folder.at('lock.db'))).toBeUndefined()
  expect(isHeld(folder.at('lock.db'))).toBe(true)
  held![Symbol.dispose]()
  expect(isHeld(folder.at('lock.db'))).toBe(false)
  const again = holdFile(folder.at('lock.db'))
  expect(again).toBeDefined()
  again![Symbol.dispose]()
  writeFileSync(folder.at('other.db'), 'something else, and long enough for it to be looked at: '.repeat(20))
  expect(() => holdFile(folder.at('other.db'))).toThrow(/not a database/)
})
