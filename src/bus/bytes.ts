// What the bus carries, as bytes: who says it and what, as JSON, and behind it the buffers that stand in it.

/** Raised with what an older process could misread; what is of another version is not read. */
const version = 1
const headBytes = 5

/** A buffer's place in the JSON: no record of ours has this name. */
const placeName = '\u0000b'

/** @param message plain: texts, numbers, lists, records and buffers; what is undefined is left out */
export const bytesOf = (from: string, message: unknown): Buffer => {
  const parts: Buffer[] = []
  const lengths: number[] = []
  const text = JSON.stringify([from, message, lengths], function(this: unknown, name: string, value: unknown) {
    // JSON asks a buffer for its own form before it comes here.
    const own = name === '' ? value : (this as Record<string, unknown>)[name]
    if (!Buffer.isBuffer(own)) return value
    parts.push(own)
    lengths.push(own.length)
    return { [placeName]: parts.length - 1 }
  })
  const json = Buffer.from(text)
  const head = Buffer.alloc(headBytes)
  head[0] = version
  head.writeUInt32BE(json.length, 1)
  return Buffer.concat([head, json, ...parts])
}

/** Undefined: it is of another version, or not whole. */
export const messageOf = (bytes: Uint8Array): { readonly from: string, readonly message: unknown } | undefined => {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (all.length < headBytes || all[0] !== version) return undefined
  const end = headBytes + all.readUInt32BE(1)
  if (end > all.length) return undefined
  try {
    const [from, message, lengths] = JSON.parse(all.toString('utf8', headBytes, end)) as [unknown, unknown, unknown]
    if (typeof from !== 'string' || !Array.isArray(lengths)) return undefined
    const parts: Buffer[] = []
    let at = end
    for (const length of lengths as readonly number[]) {
      if (!Number.isSafeInteger(length) || length < 0 || at + length > all.length) return undefined
      parts.push(all.subarray(at, at += length))
    }
    return { from, message: withParts(message, parts) }
  } catch {
    return undefined
  }
}

/** Buffers in their places. What is read was parsed a moment ago: it is nobody else's. */
const withParts = (value: unknown, parts: readonly Buffer[]): unknown => {
  if (typeof value !== 'object' || value === null) return value
  const record = value as Record<string, unknown>
  const place = record[placeName]
  if (typeof place === 'number') return parts[place]
  for (const name of Object.keys(record)) {
    const part = record[name]
    if (typeof part === 'object' && part !== null) record[name] = withParts(part, parts)
  }
  return record
}
