import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFolder } from './folder.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentchat-folder-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

test('what is missing is made, with its mode; what is there stays', () => {
  makeFolder(join(dir, 'a', 'b'), 0o700)
  makeFolder(join(dir, 'a', 'b'))
  expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'a', 'b')).mode & 0o777).toBe(0o700)
})

test('a place that cannot be made is an error at once: below a file, and in a file system that makes nothing', () => {
  writeFileSync(join(dir, 'file'), '')
  expect(() => makeFolder(join(dir, 'file', 'x'))).toThrow(/ENOTDIR|EEXIST/)
  expect(() => makeFolder('/proc/x/y')).toThrow('ENOENT')
})
