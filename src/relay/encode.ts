// Frame → bytes, once. A frame's buffer is its WebSocket header and its JSON text, ready to be written to any number of sockets.
import type { FrameBody, FrameType } from '../../lib/protocol/index.ts'
import { encode } from '../../lib/protocol/index.ts'

/** RFC 6455: FIN + text, never masked from a server. */
const finText = 0x81

const headerBytes = (payload: number): number => payload < 126 ? 2 : payload < 65_536 ? 4 : 10

const writeHeader = (frame: Buffer, payload: number): void => {
  frame[0] = finText
  if (payload < 126) {
    frame[1] = payload
  } else if (payload < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(payload, 2)
  } else {
    frame[1] = 127
    frame.writeUInt32BE(Math.floor(payload / 2 ** 32), 2)
    frame.writeUInt32BE(payload >>> 0, 6)
  }
}

/** The whole frame of a text. */
export const frameOfText = (text: string): Buffer => {
  const payload = Buffer.byteLength(text)
  const header = headerBytes(payload)
  const frame = Buffer.allocUnsafe(header + payload)
  writeHeader(frame, payload)
  frame.write(text, header)
  return frame
}

/** The text inside a frame made here: the bytes that are stored. */
export const textOfFrame = (frame: Buffer): Buffer => frame.subarray(frame[1]! < 126 ? 2 : frame[1] === 126 ? 4 : 10)

export const frameOf = <T extends FrameType>(type: T, body: FrameBody<T>): Buffer => frameOfText(encode(type, body))

const refusalName = 'refusal '
/** Payload of the ping that asks a client whether it has read so many refusals. */
export const refusalMark = (refusals: number): Buffer => Buffer.from(`${refusalName}${refusals}`)
export const isRefusalMark = (payload: Buffer): boolean => payload.toString('latin1', 0, refusalName.length) === refusalName
/** That ping, as it is written to a socket. */
export const refusalPing = (refusals: number): Buffer => {
  const mark = refusalMark(refusals)
  return Buffer.concat([Buffer.from([0x89, mark.length]), mark])
}

/** The answer to a client's ping. */
export const pongFrame = (payload: Buffer): Buffer => Buffer.concat([Buffer.from([0x8a, payload.length]), payload])

/** Parts of a text, framed without decoding them. */
const frameOfParts = (parts: readonly Buffer[]): Buffer => {
  let payload = 0
  for (const part of parts) payload += part.length
  const frame = Buffer.allocUnsafe(headerBytes(payload) + payload)
  writeHeader(frame, payload)
  let at = headerBytes(payload)
  for (const part of parts) at += part.copy(frame, at)
  return frame
}

/** A stored text sent late, as it was to be sent. */
export const frameOfStored = (text: Buffer): Buffer => frameOfParts([text])

const replayMark = Buffer.from(',"replay":true}')

/** A stored text sent again: the same bytes, with the mark spliced in before the closing brace. */
export const replayFrame = (text: Buffer): Buffer => frameOfParts([text.subarray(0, -1), replayMark])

/** A stored text sent to a session behind others that were left out: the same bytes, with what it was sent before spliced in. */
export const frameBehind = (text: Buffer, prevSeq: number): Buffer =>
  frameOfParts([text.subarray(0, -1), Buffer.from(`,"prev_seq":${prevSeq}}`)])

/** The frames in bytes that were joined. */
export function* framesIn(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]!
    const payload = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const end = at + headerBytes(payload) + payload
    yield bytes.subarray(at, end)
    at = end
  }
}

/** An inbox entry in a list: its number, and the stored text as it is. */
export const inboxItem = (seq: number, text: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{"seq":${seq},"event":`), text, Buffer.from('}')])

const comma = Buffer.from(',')

/** A reply with a list of stored texts under `key`, spliced in as the bytes they are. */
export const frameOfList = (type: FrameType, body: object, key: string, items: readonly Buffer[]): Buffer => {
  const head = JSON.stringify({ type, ...body })
  const parts: Buffer[] = [Buffer.from(`${head.slice(0, -1)},${JSON.stringify(key)}:[`)]
  items.forEach((item, i) => {
    if (i > 0) parts.push(comma)
    parts.push(item)
  })
  parts.push(Buffer.from(']}'))
  return frameOfParts(parts)
}
