// A line of a file, from a place on. It is looked up anew each time: what others write behind it meanwhile is there with the next.
import { open, type FileHandle } from 'node:fs/promises'

export interface Line {
  readonly start: number
  /** Where the next one begins. */
  readonly end: number
  /** Its end was written, too. */
  readonly isWhole: boolean
  /** Without its end; undefined where there is a `problem`. */
  readonly text: string | undefined
  readonly problem: string | undefined
}

const newline = 10
/** What is read at once: at first, and of a line that is longer. */
const [firstBytes, moreBytes] = [4_096, 65_536] as const

/** undefined: the file ends there. Of a line that is too long no more than `maxBytes` are ever held. */
export const lineAt = async (file: FileHandle, start: number, maxBytes: number): Promise<Line | undefined> => {
  const parts: Uint8Array[] = []
  let end = start
  for (let bytes: number = firstBytes;; bytes = moreBytes) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, end)
    if (bytesRead === 0 && end === start) return undefined
    const read = buffer.subarray(0, bytesRead)
    const at = read.indexOf(newline)
    const part = at === -1 ? read : read.subarray(0, at)
    end += part.length
    const isLong = end - start > maxBytes
    if (!isLong) parts.push(part)
    if (at === -1 && bytesRead > 0) continue
    const text = isLong ? undefined : decoded(parts)
    const problem = isLong ? `longer than ${maxBytes} bytes` : text === undefined ? 'not UTF-8' : undefined
    return { start, end: end + (at === -1 ? 0 : 1), isWhole: at !== -1, text, problem }
  }
}

const decoded = (parts: readonly Uint8Array[]): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts))
  } catch {
    return undefined
  }
}

/** Lines of a file that are not blank, from a place on; none where there is no file. Looks, and changes nothing. */
export const countLines = async (path: string, maxBytes: number, from = 0): Promise<number> => {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return 0
  try {
    let count = 0
    for (let line = await lineAt(file, from, maxBytes); line !== undefined; line = await lineAt(file, line.end, maxBytes))
      if (line.text?.trim() !== '') count++
    return count
  } finally {
    await file.close()
  }
}
