// What can be wrong with a data directory: no database in it, no directory, none that may be written, one that others may read. Each is a
// sentence with what to do next.
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { StorageError, startRelay } from '../src/app.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, testConfig } from './kit/relay.ts'
import { expectExchange } from './kit/vitals.ts'

/** The error that keeps a relay from starting. */
const failure = async (data: string): Promise<StorageError> => {
  try {
    await (await startRelay(testConfig({ data }))).drain()
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    return error as StorageError
  }
  throw new Error('the relay started')
}

test('a database that is none is told; once it is out of the way the relay starts', async () => {
  using data = newFolder()
  writeFileSync(data.at('agentchat.db'), 'garbage, and not a little of it. '.repeat(1_000))
  expect((await failure(data.path)).hint).toContain('not a database')
  rmSync(data.at('agentchat.db'))
  await using relay = await startTestRelay({ data: data.path })
  await expectExchange(relay.url)
})

test('a data directory that is a file is told', async () => {
  using data = newFolder()
  writeFileSync(data.at('file'), '')
  expect((await failure(data.at('file'))).hint).toContain('--data')
})

test.skipIf(process.getuid?.() === 0)('a data directory that cannot be written is told (not as root, who can write everywhere)',
  async () => {
    using data = newFolder()
    mkdirSync(data.at('sealed'))
    chmodSync(data.at('sealed'), 0o500)
    expect((await failure(data.at('sealed'))).hint).toContain('--data')
  })

test('the data directory is private to its owner', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ data: folder.at('made') })
  expect(existsSync(folder.at('made/agentchat.db'))).toBe(true)
  expect(statSync(folder.at('made')).mode & 0o777).toBe(0o700)
  await expectExchange(relay.url)
})
