// A relay's data as an archive, read as of one moment, line by line: memory does not grow with the log.
import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { ExportedHeads, type SignedHead } from './exported-heads.ts'
import { archiveFormat, kindNames, kinds, leftOut, noCounts, olderFormat, sumOf, type KindName, type LeftOut } from './archive.ts'
import { signArchive } from './archive-signature.ts'
import { checkSteps, databaseOf, metaOf, ownerOf, reading, type Steps } from './database.ts'
import { KeepingError } from './failure.ts'
import { mustNotExist, publishFile } from './files.ts'
import type { Exported, ExportOptions } from './orders.ts'

const pieceChars = 64 * 1024

export const exportArchive = ({ data, channels, write, now, onProgress, signal }: ExportOptions, steps: Steps): Promise<Exported> =>
  reading(databaseOf(data), async db => {
    checkSteps(db, steps, true)
    // Everything below sees the same moment, however much a relay writes meanwhile.
    db.exec('BEGIN')
    const filter = channels === undefined ? [] : [JSON.stringify(channels)]
    const missing = channels?.find(name => db.prepare('SELECT 1 FROM channels WHERE name = ?').get(name) === undefined)
    if (missing !== undefined) throw new KeepingError('notFound', `There is no channel ${missing}`)
    const selectOf = (kind: KindName): string | null => channels === undefined ? kinds[kind].select : kinds[kind].selectOf
    const expected = noCounts()
    for (const kind of kindNames) {
      const select = selectOf(kind)
      if (select !== null) expected[kind] = db.prepare<string[], { n: number }>(`SELECT count(*) AS n FROM (${select})`).get(...filter)!.n
    }

    const hash = createHash('sha256')
    const total = sumOf(expected)
    const counts = noCounts()
    let piece = ''
    let done = 0
    const line = (record: object) => {
      piece += `${JSON.stringify(record)}\n`
    }
    const head = (signed: SignedHead | undefined) => {
      if (signed !== undefined) line({ kind: 'head', ...signed })
    }
    const flush = async () => {
      hash.update(piece)
      await write(piece)
      piece = ''
      onProgress?.(done, total)
      // Whoever wants to end it has to be heard.
      await setImmediate()
      signal?.throwIfAborted()
    }

    const left = Object.fromEntries(
      Object.entries(leftOut).map(([name, select]) => [name, db.prepare<[], { n: number }>(select).get()!.n]),
    ) as Record<keyof LeftOut, number>
    const key = metaOf(db, 'relay_private_key')
    const epoch = metaOf(db, 'epoch')!
    // A relay that has never started has no key, and nobody to sign for it.
    const heads = key === undefined ? undefined : new ExportedHeads(db, { key, epoch })
    line({
      format: heads === undefined ? olderFormat : archiveFormat,
      epoch,
      server_id: ownerOf(db) ?? null,
      ...(heads !== undefined && { server_pubkey: heads.publicKey }),
      exported_at: now,
      counts: expected,
      left_out: left,
    })
    for (const kind of kindNames) {
      const select = selectOf(kind)
      if (select === null) continue
      for (const row of db.prepare<string[], Record<string, unknown>>(select).iterate(...filter)) {
        const text = Buffer.isBuffer(row['text']) ? row['text'].toString() : undefined
        if (kind === 'event') head(await heads?.add(row['stream'] as string, row['seq'] as number, text!))
        line({ kind, ...row, ...(text !== undefined && { text }) })
        if (kind === 'event') { for (const each of heads?.cosigned() ?? []) line({ kind: 'cosigned', ...each }) }
        counts[kind]++
        done++
        if (piece.length >= pieceChars) await flush()
      }
      if (kind === 'event') head(heads?.finish())
    }
    await flush()
    const sha256 = hash.digest('hex')
    await write(`${JSON.stringify({ kind: 'end', counts, sha256, ...(key !== undefined && { signature: signArchive(key, sha256) }) })}\n`)
    return { counts, leftOut: left }
  })

/** The same into a file, that appears when it is whole. */
export const exportToFile = async (file: string, options: Omit<ExportOptions, 'write'>, steps: Steps): Promise<Exported> => {
  mustNotExist(file)
  return publishFile(file, { replace: false }, async temporary => {
    const fd = openSync(temporary, 'w', 0o600)
    try {
      return await exportArchive({
        ...options,
        write: text => {
          for (let rest = Buffer.from(text); rest.length > 0;) rest = rest.subarray(writeSync(fd, rest))
        },
      }, steps)
    } finally {
      closeSync(fd)
    }
  })
}
