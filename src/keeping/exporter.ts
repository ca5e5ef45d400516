// A relay's data as an archive, read as of one moment, line by line: memory does not grow with the log.
import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { archiveFormat, kindNames, kinds, leftOut, noCounts, sumOf, type KindName, type LeftOut } from './archive.ts'
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
    line({
      format: archiveFormat,
      epoch: metaOf(db, 'epoch'),
      server_id: ownerOf(db) ?? null,
      exported_at: now,
      counts: expected,
      left_out: left,
    })
    for (const kind of kindNames) {
      const select = selectOf(kind)
      if (select === null) continue
      for (const row of db.prepare<string[], Record<string, unknown>>(select).iterate(...filter)) {
        line({ kind, ...row, ...(Buffer.isBuffer(row['text']) && { text: row['text'].toString() }) })
        counts[kind]++
        done++
        if (piece.length >= pieceChars) await flush()
      }
    }
    await flush()
    const sha256 = hash.digest('hex')
    const key = metaOf(db, 'relay_private_key')
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
