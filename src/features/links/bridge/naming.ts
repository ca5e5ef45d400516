// What events of a mirror name: an edit, what it changes, an answer, where its thread begins. So that changes and answers are found from that
// here as they are at their home. The home's ids say where an event stands; whether it does, the event itself tells.
import { storedMsgId } from '../../../store/links.ts'
import { parseMsgId, type NewEvent } from '../../../store/log.ts'
import type { Tx } from '../../../store/store.ts'
import type { HomeEvent } from './peer.ts'

type Link = NonNullable<NewEvent['link']>

interface Said {
  readonly in_reply_to?: string
  readonly thread?: string
  readonly edit?: { readonly of: string }
  readonly retract?: { readonly of: string }
}

/** Whether an event names one, found by its bytes: in what is said, quotes are written otherwise. */
const naming = '"in_reply_to":"'

/** Of each event of a page, in their order. */
export const linksOf = async (tx: Tx, channel: string, events: readonly HomeEvent[]): Promise<readonly (Link | undefined)[]> => {
  const idAt = async (seq: number): Promise<string | undefined> => {
    const first = events[0]!.seq
    if (seq >= first) return events.find(event => event.seq === seq)?.msgId
    const [row] = await tx.log.page(channel, { after: seq - 1, limit: 1, maxBytes: 1 })
    return row?.seq === seq ? storedMsgId(row.text) : undefined
  }
  const linkOf = async ({ seq, text }: HomeEvent): Promise<Link | undefined> => {
    if (!text.includes(naming)) return undefined
    const { in_reply_to, thread, edit, retract } = JSON.parse(text) as Said
    const changed = edit?.of ?? retract?.of
    const named = changed ?? thread ?? in_reply_to ?? ''
    const target = parseMsgId(named, '')?.seq
    if (target === undefined || target >= seq || await idAt(target) !== named) return undefined
    return { kind: changed === undefined ? 'reply' : 'change', target }
  }
  const links: (Link | undefined)[] = []
  for (const event of events) links.push(await linkOf(event))
  return links
}
