// Every field name of the protocol: what --field may ask for though the value at hand does not have it.
import * as z from 'zod'
import { frames, type FrameType } from '../../lib/protocol/index.ts'

const collect = (schema: unknown, names: Set<string>): void => {
  if (typeof schema !== 'object' || schema === null) return
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') { for (const name of Object.keys(value as object)) names.add(name) }
    collect(value, names)
  }
}

/** What a frame may have, in the order of the table. */
export const fieldsOfFrame = (type: FrameType): readonly string[] => ['type', ...Object.keys(frames[type].body.shape)]

export const vocabulary = (): ReadonlySet<string> => {
  const names = new Set(['type', 'ts', 're', 'seq', 'replay', 'prev_seq', 'signature'])
  for (const { body } of Object.values(frames)) collect(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }), names)
  return names
}
