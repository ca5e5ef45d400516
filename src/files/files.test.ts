// What may break off between the last byte of an upload and the file that is kept: each time it is done again, and nothing is lost.
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Files } from './files.ts'
import { FolderUploads } from './folder-uploads.ts'
import { FolderVault } from './folder-vault.ts'

const content = 'Hello world'
const sha256 = createHash('sha256').update(content).digest('hex')
const id = '0'.repeat(32)
let folder: string
let breaks: string | undefined

/** A vault that breaks off behind a step, once. */
class Breaking extends FolderVault {
  override async put(...of: Parameters<FolderVault['put']>): Promise<void> {
    if (breaks === 'before put') throw new Error('killed')
    await super.put(...of)
    if (breaks === 'behind put') throw new Error('killed')
  }
}

const opened = () =>
  new Files({
    uploads: new FolderUploads(join(folder, 'uploads'), folder),
    vault: new Breaking(join(folder, 'files')),
    check: undefined,
    closed: () => Promise.resolve(),
  })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'))
  mkdirSync(join(folder, 'uploads'))
  writeFileSync(join(folder, 'uploads', id), content)
  breaks = undefined
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each(['before put', 'behind put', 'in the note'])('killed %s: the upload is still there, and becomes whole', async step => {
  breaks = step
  let notes = 0
  const note = () =>
    breaks === 'in the note' ? Promise.reject(new Error('killed')) : Promise.resolve(++notes > 0 ? 'noted' as const : 'going' as const)
  await expect(opened().finish(id, sha256, content.length, note)).rejects.toThrow('killed')
  breaks = undefined
  const files = opened()
  expect(await files.uploads.size(id)).toBe(content.length)
  expect(await files.finish(id, sha256, content.length, note)).toBe('whole')
  expect([notes, await files.has(sha256), await files.uploads.size(id)]).toEqual([1, true, 0])
})

test('another content than was said goes, and nothing is noted', async () => {
  const files = opened()
  expect(await files.finish(id, '0'.repeat(64), content.length, () => Promise.reject(new Error('noted')))).toBe('other')
  expect(existsSync(join(folder, 'uploads', id))).toBe(false)
})

test('an upload that was given up while it was looked at is not whole, and nothing of it is left', async () => {
  const files = opened()
  let discarding: Promise<void> | undefined
  const note = () => {
    // It waits until the upload is not looked at any more.
    discarding = files.discard(id)
    return Promise.resolve('gone' as const)
  }
  expect(await files.finish(id, sha256, content.length, note)).toBe('gone')
  await discarding
  expect(existsSync(join(folder, 'uploads', id))).toBe(false)
})

test('a file that is brought again while it goes stays', async () => {
  const files = opened()
  let isNeeded = false
  const finishing = files.finish(id, sha256, content.length, () => {
    isNeeded = true
    return Promise.resolve('noted' as const)
  })
  const going = files.remove(sha256, () => Promise.resolve(!isNeeded), () => Promise.resolve())
  await Promise.all([finishing, going])
  // Whoever was first, what is needed is there.
  expect(await files.has(sha256)).toBe(isNeeded)
  await files.remove(sha256, () => Promise.resolve(true), () => Promise.resolve())
  expect(await files.has(sha256)).toBe(false)
})
