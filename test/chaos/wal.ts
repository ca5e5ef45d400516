// What a crash may leave of a write-ahead log. Everything up to the last commit frame is acknowledged data and stays; behind it
// the file is cut at a random byte, and garbage is written there, some of it under the header of a frame that looks right:
// recovery has to stop at the checksum.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Random } from './random.ts'

const headerBytes = 32
const frameHeaderBytes = 24
const maxGarbageBytes = 10_000

/** Where the last commit ends: frames of this life of the log carry its two salts, and a commit frame the size of the database. */
export const committedEnd = (wal: Buffer): number => {
  let end = headerBytes
  if (wal.length < headerBytes) return wal.length
  const frameBytes = frameHeaderBytes + wal.readUInt32BE(8)
  const salts = wal.subarray(16, 24)
  for (let at = headerBytes; at + frameBytes <= wal.length && wal.subarray(at + 8, at + 16).equals(salts); at += frameBytes) {
    if (wal.readUInt32BE(at + 4) !== 0) end = at + frameBytes
  }
  return end
}

export const tearWal = (file: string, random: Random): void => {
  const wal = readFileSync(file)
  if (wal.length < headerBytes) return
  const committed = committedEnd(wal)
  const cutAt = random.between(committed, wal.length + 1)
  const garbage = random.bytes(random.between(0, maxGarbageBytes))
  // At the very end of the commits: a frame of page 1 that claims to commit.
  if (cutAt === committed && garbage.length >= frameHeaderBytes) {
    garbage.writeUInt32BE(1, 0)
    wal.copy(garbage, 8, 16, 24)
  }
  const handle = openSync(file, 'r+')
  ftruncateSync(handle, cutAt)
  writeSync(handle, garbage, 0, garbage.length, cutAt)
  closeSync(handle)
}
