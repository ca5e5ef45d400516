// Directories for tests, gone when their scope ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Folder extends Disposable {
  readonly path: string
  /** The path of something in it. */
  at(name: string): string
}

/** @example using data = newFolder() */
export const newFolder = (): Folder => {
  const path = mkdtempSync(join(tmpdir(), 'agentchat-test-'))
  return { path, at: name => join(path, name), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
