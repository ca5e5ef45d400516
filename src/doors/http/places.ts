// Where a reader of an event stream stands, as the id of each event says it and Last-Event-ID brings it back.
import { Problem } from './problem.ts'

/** Where a reader stands: an epoch, a seq for each channel, an inbox number. */
export interface Place {
  readonly epoch: string
  readonly channels: ReadonlyMap<string, number>
  readonly inbox?: number | undefined
}

/** Longer than any that is given out. */
const maxChars = 2_048
const word = /^([A-Za-z0-9_-]{1,31}):(\d{1,16})$/

/** @example "1ccab52848cd301d~i12~general:41~core:7" */
export const textOf = ({ epoch, channels, inbox }: Place): string =>
  [epoch, ...(inbox === undefined ? [] : [`i${inbox}`]), ...[...channels].map(([name, seq]) => `${name.slice(1)}:${seq}`)].join('~')

/** undefined: nothing was sent. @throws Problem */
export const placeOf = (text: string | undefined): Place | undefined => {
  if (text === undefined || text === '') return undefined
  const [epoch, ...parts] = text.length > maxChars ? [''] : text.split('~')
  if (epoch === undefined || !/^[0-9a-f]{1,64}$/.test(epoch)) throw unknown()
  const channels = new Map<string, number>()
  let inbox: number | undefined
  for (const part of parts) {
    const entry = /^i(\d{1,16})$/.exec(part)
    const found = word.exec(part)
    if (entry !== null) inbox = Number(entry[1])
    else if (found !== null) channels.set(`#${found[1]!}`, Number(found[2]))
    else throw unknown()
  }
  return { epoch, channels, inbox }
}

const unknown = (): Problem => new Problem('INVALID_MSG', 'Last-Event-ID: not one that this relay gives')
