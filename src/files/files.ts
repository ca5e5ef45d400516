// Files as the relay has them: uploads become whole here, and nowhere else. One at a time becomes whole or goes, so that none goes that
// was just brought again; where another process has it go, the store says so, and it becomes whole a little later.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Verdict } from './check.ts'
import type { Uploads } from './uploads.ts'
import type { Range, Vault } from './vault.ts'

export interface FilesOptions {
  readonly uploads: Uploads
  readonly vault: Vault
  /** undefined: every file is taken. */
  readonly check: ((path: string) => Promise<Verdict>) | undefined
  /** Called when it is closed. */
  readonly closed: () => Promise<void>
}

/**
 * whole: it is kept. other: it is not the file that was said, and is gone. refused, failed: the operator's command said so; gone, and not.
 * gone: another process did it meanwhile, or it was given up. going: another process has the bytes of such a file go at this moment.
 */
export type Finished = 'whole' | 'other' | 'refused' | 'failed' | 'gone' | 'going'

/** What the store says of bytes that are kept. gone: the upload was given up meanwhile, and they go again. */
export type Noted = 'noted' | 'going' | 'gone'

export class Files {
  readonly uploads: Uploads
  readonly #vault: Vault
  readonly #check: FilesOptions['check']
  readonly #closed: FilesOptions['closed']
  #last: Promise<unknown> = Promise.resolve()
  /** Uploads that become whole or are discarded at the moment: none goes while it is looked at. */
  readonly #busy = new Map<string, Promise<unknown>>()

  constructor({ uploads, vault, check, closed }: FilesOptions) {
    this.uploads = uploads
    this.#vault = vault
    this.#check = check
    this.#closed = closed
  }

  /** An upload has all its bytes. `note` says so in the store, once they are kept; or that they go. */
  finish(upload: string, sha256: string, bytes: number, note: () => Promise<Noted>): Promise<Finished> {
    return this.#inTurn(upload, () => this.#finish(upload, sha256, bytes, note))
  }

  async #finish(upload: string, sha256: string, bytes: number, note: () => Promise<Noted>): Promise<Finished> {
    const whole = await this.uploads.whole(upload)
    if (whole === undefined) return 'gone'
    try {
      const verdict = await this.#judge(whole.path, sha256)
      if (verdict === 'other' || verdict === 'refused') await this.uploads.discard(upload)
      if (verdict !== 'ok') return verdict
      return await this.#alone(async () => {
        await this.#vault.put(sha256, whole.path, bytes)
        const noted = await note()
        if (noted === 'going') return 'going'
        // Another process may have had it go before that was noted; from now on none does.
        if (noted === 'noted' && !await this.#vault.has(sha256)) await this.#vault.put(sha256, whole.path, bytes)
        // A process that is killed before finds it here, whole, and does this again.
        await this.uploads.discard(upload)
        return noted === 'gone' ? 'gone' : 'whole'
      })
    } finally {
      await whole.done()
    }
  }

  async #judge(path: string, sha256: string): Promise<'other' | Verdict> {
    if (await hashOf(path) !== sha256) return 'other'
    return await this.#check?.(path) ?? 'ok'
  }

  has(sha256: string): Promise<boolean> {
    return this.#vault.has(sha256)
  }

  open(sha256: string, range: Range): Promise<Readable | undefined> {
    return this.#vault.open(sha256, range)
  }

  discard(upload: string): Promise<void> {
    return this.#inTurn(upload, () => this.uploads.discard(upload))
  }

  hasRoom(bytes: number): Promise<boolean> {
    return this.uploads.hasRoom(bytes)
  }

  /** The bytes of a file go if they `mayGo`, as the store says then; and `note` says that they went. */
  remove(sha256: string, mayGo: () => Promise<boolean>, note: () => Promise<unknown>): Promise<void> {
    return this.#alone(async () => {
      if (!await mayGo()) return
      await this.#vault.remove(sha256)
      await note()
    })
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#last
    await this.#closed()
  }

  #inTurn<T>(upload: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#busy.get(upload) ?? Promise.resolve()).then(work)
    const last: Promise<unknown> = done.catch(() => undefined).finally(() => {
      if (this.#busy.get(upload) === last) this.#busy.delete(upload)
    })
    this.#busy.set(upload, last)
    return done
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }
}

/** SHA-256 of a file, in hex. Read a piece at a time, so that nobody waits for all of it. */
const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 128 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
