// The body of a request: JSON, so large and no larger, in time.
import { isModestJson } from '../../../lib/protocol/bounded.ts'
import { limits, sizePrice } from '../../../lib/protocol/index.ts'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { DoorVisit } from '../../relay/inside.ts'
import { Problem } from './problem.ts'

const bodyTimeoutMs = 10_000
const cut = { connection: 'close' }

/** The JSON object that was sent; {} where nothing was. `check` sees its bytes first. @throws Problem */
export const readJson = async (
  visit: DoorVisit,
  maxBytes: number,
  check: (bytes: Uint8Array) => void = () => undefined,
): Promise<Readonly<Record<string, unknown>>> => {
  const { request } = visit
  const bytes = await readBytes(visit, maxBytes)
  check(bytes)
  if (bytes.length === 0) return {}
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (type !== 'application/json') throw new Problem('NOT_JSON', 'Send JSON: content-type: application/json')
  // It is read here, whatever comes of it.
  visit.charge(sizePrice(bytes.length))
  const text = bytes.toString()
  if (!isModestJson(text, limits.maxFrameValues, limits.maxFrameLevels))
    throw new Problem('INVALID_MSG', `More than ${limits.maxFrameValues} values, or nested deeper than ${limits.maxFrameLevels} levels`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Problem('INVALID_MSG', 'The body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Problem('INVALID_MSG', 'The body is not a JSON object')
  return value as Record<string, unknown>
}

/** All of it, and no more than may be. @throws Problem */
export const readBytes = ({ request, owe }: DoorVisit, maxBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let size = 0
    const stop = (problem?: Problem) => {
      clearTimeout(timer)
      request.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
      if (problem === undefined) return
      request.pause()
      reject(problem)
    }
    const timer = setTimeout(
      () => stop(new Problem('BODY_LATE', `The body did not arrive within ${bodyTimeoutMs / 1_000} seconds`, cut)),
      timerMs(bodyTimeoutMs),
    )
    if (Number(request.headers['content-length'] ?? 0) > maxBytes)
      return stop(new Problem('BODY_TOO_LARGE', `A request is at most ${maxBytes} bytes`, cut))
    request.on('data', (part: Buffer) => {
      size += part.length
      if (size > maxBytes) return stop(new Problem('BODY_TOO_LARGE', `A request is at most ${maxBytes} bytes`, cut))
      parts.push(part)
      owe(part.length)
    })
    request.on('end', () => {
      stop()
      resolve(Buffer.concat(parts))
    })
    request.on('error', () => stop(new Problem('INVALID_MSG', 'The body broke off', cut)))
    request.on('close', () => stop(new Problem('INVALID_MSG', 'The body broke off', cut)))
  })
