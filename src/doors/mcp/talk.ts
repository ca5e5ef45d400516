// What waits, what is said, and what was said: receive, send, history.
import * as z from 'zod'
import { word } from '../../../lib/identity/index.ts'
import { maxOnlyTextChars, type Reply } from './reply.ts'
import { eventParts } from './said.ts'
import type { Entry } from './reader.ts'
import { Refusal, type Kept, type Seat } from './seat.ts'
import { Place, tool, type Call } from './tool.ts'
import { allowedMs, waitFor } from './waiting.ts'

const Wait = z.number().min(0).max(600)

export const receive = tool({
  name: 'receive',
  description:
    'Direct messages, mentions and deal steps that wait for you, oldest first. Calling again acknowledges what the last call showed. wait_s waits for one.',
  input: z.object({ wait_s: Wait.optional(), max: z.int().min(1).max(50).optional() }),
  hints: { idempotentHint: true },
  run: (call, { wait_s = 0, max = 20 }) =>
    call.reader.inTurn(async () => {
      const waitMs = allowedMs(wait_s, call)
      // What others show while this one waits is acknowledged by whoever comes next.
      let isFirst = true
      const shown = await waitFor(waitMs, call, {
        look: () => {
          const asked = { max, acknowledges: isFirst }
          isFirst = false
          return showWaiting(call, asked)
        },
        arrival: over => call.seat.arrival(over),
      })
      return shown ?? call.newReply().end(
        wait_s === 0
          ? 'Nothing waits.'
          : `Nothing came in ${
            Math.round(waitMs / 1_000)
          } s. ${'To wait without spending turns, run in the background: agentchat listen --dm -m 1 --timeout 3600'}`,
      )
    }),
})

/** What waits, as far as it fits; undefined: nothing does. What another call shows meanwhile is left out. */
const showWaiting = async (
  call: Call,
  { max, acknowledges }: { readonly max: number, readonly acknowledges: boolean },
): Promise<Reply | undefined> => {
  const { seat, reader, signal, newReply } = call
  for (let acknowledge = acknowledges;; acknowledge = false) {
    const found = await reader.waiting(max, { seat, acknowledge, signal })
    const { entries } = found
    if (entries.length === 0) return undefined
    const reply = newReply()
    let shown = 0
    for (const { event } of entries) {
      const isOnly = entries.length === 1
      if (!reply.add(...await eventParts(seat, event, isOnly ? { limit: maxOnlyTextChars } : longer(event, seat.me)))) break
      shown++
    }
    if (shown > 0 && !await reader.show(found, shown, call)) continue
    return shown < entries.length || found.more ? reply.end('More waits: call again.', { more: true }) : reply
  }
}

/** Where the rest of a text that was cut can be read. */
const longer = ({ seq, from, to }: Kept, me: string) =>
  seq === undefined
    ? {}
    : { more: `history of=${typeof to === 'string' && to !== me ? to : String(from)} after=${seq - 1} limit=1`.slice(0, 90) }

export const send = tool({
  name: 'send',
  description:
    'Send text to a #channel or @agent. The same key is stored once. wait_s waits for the answer: in a channel, one that names you.',
  input: z.object({
    to: Place,
    text: z.string().min(1).max(1_000_000),
    reply_to: z.string().max(100).describe('id of a message').optional(),
    key: z.string().regex(/^[\w.:-]{1,64}$/, '1–64 letters, digits and . : _ -').optional(),
    wait_s: Wait.optional(),
  }),
  hints: { destructiveHint: false, idempotentHint: true },
  async run(call, { to, text, reply_to, key, wait_s = 0 }) {
    const { seat, reader, signal, now, newReply } = call
    const waitMs = allowedMs(wait_s, call)
    // Where the inbox ends now: the answer comes behind it.
    const head = waitMs > 0 ? (await seat.ask('INBOX', { limit: 1 }, signal).catch(noInbox))?.seq : undefined
    const message = {
      to: to as '#x',
      content: text,
      id: key ?? call.newId(),
      in_reply_to: reply_to,
      newAt: key === undefined ? now() : undefined,
    }
    const { ack: said, isTwice } = await seat.say(message, signal)
    const reply = newReply()
    const facts = () => ({ msg_id: said.msg_id, seq: said.seq, ...(said.duplicate === true && { duplicate: true }) })
    reply.add({ facts },
      `${said.duplicate === true ? 'Stored before under this key as' : 'Stored as'} ${word(said.msg_id)}, number ${word(said.seq)}.`)
    if (isTwice) reply.add('The same text went there less than a minute ago: it is there twice. A key prevents that.')
    if (head === undefined) return waitMs > 0 ? reply.end('No answer is waited for: you have no inbox.') : reply
    let isCut = false
    const answer = await waitFor(waitMs, call, {
      look: answers(call, said.duplicate === true ? undefined : head, { to, id: said.msg_id }),
      arrival: over => seat.arrival(over),
    }).catch((error: unknown) => {
      isCut = true
      return notNow(error)
    })
    if (answer === undefined)
      return reply.end(
        `${isCut ? 'The answer cannot be waited for now' : `No answer in ${Math.round(waitMs / 1_000)} s`}; receive has it when it comes.`,
      )
    const parts = await eventParts(seat, answer.event, { limit: maxOnlyTextChars })
    const isMine = await reader.showApart(answer.seq, call).catch(notNow)
    if (isMine === undefined) return reply.end(`The answer is there, id=${word(answer.event['msg_id'])}: receive has it.`)
    // Who asks again under the same key did not see it.
    if (!isMine && said.duplicate !== true)
      return reply.end(`The answer is there, id=${word(answer.event['msg_id'])}: another call of yours showed it just now.`)
    reply.add(...parts)
    return reply
  },
})

/** Looks for what answers a message, in what came into the inbox after a number, or since the cursor. */
const answers = ({ seat, signal }: Call, after: number | undefined, { to, id }: { readonly to: string, readonly id: string }) => {
  let since = after
  const isAnswer = ({ type, from, to: place, in_reply_to }: Kept): boolean =>
    type === 'MSG' && from !== seat.me
    && (in_reply_to === undefined ? to === (to.startsWith('#') ? place : from) : in_reply_to === id)
  return async (): Promise<Entry | undefined> => {
    for (;;) {
      const { items, more, cursor } = await seat.ask('INBOX', { limit: 50, ...(since !== undefined && { since }) }, signal)
      const found = items.find(({ event }) => isAnswer(event))
      if (found !== undefined) return found
      const last = items.at(-1)?.seq ?? since ?? cursor
      if (!more || last === since) return undefined
      since = last
    }
  }
}

/** What was said is stored, and that is told in any case. */
const notNow = (error: unknown): undefined => {
  if (!(error instanceof Refusal) || !['BUSY', 'STORAGE_UNAVAILABLE'].includes(error.code)) throw error
  return undefined
}

const noInbox = (error: unknown): undefined => {
  if (!(error instanceof Refusal) || error.code !== 'SIGNATURE_REQUIRED') throw error
  return undefined
}

export const history = tool({
  name: 'history',
  description: 'Messages of a #channel, or of you and an @agent; the newest ones, or those before or after a number.',
  input: z.object({
    of: Place,
    before: z.int().min(0).optional(),
    after: z.int().min(0).optional(),
    limit: z.int().min(1).max(50).optional(),
  }),
  hints: { readOnlyHint: true },
  run: ({ seat, signal, newReply }, asked) => historyText(newReply(), seat, asked, signal),
})

/** A page of a channel, or of what was said with an agent. */
export const historyText = async (
  reply: Reply,
  seat: Seat,
  { of, before, after, limit = 20 }: {
    readonly of: string
    readonly before?: number | undefined
    readonly after?: number | undefined
    readonly limit?: number | undefined
  },
  signal: AbortSignal,
): Promise<Reply> => {
  const page = await seat.ask('HISTORY', {
    ...(of.startsWith('#') ? { channel: of as '#x' } : { with: of as '@x' }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    limit,
  }, signal)
  const { events } = page
  if (events.length === 0) return reply.end('Nothing there.')
  // Read on from a number, the first ones count; else the newest.
  const isOnward = after !== undefined
  let edge: number | undefined
  let shown = 0
  for (const event of isOnward ? events : [...events].reverse()) {
    const showing = events.length === 1
      ? { limit: maxOnlyTextChars }
      : event.seq === undefined
      ? {}
      : { more: `after=${event.seq - 1} limit=1` }
    const parts = await eventParts(seat, event, showing)
    if (!(isOnward ? reply.add(...parts) : reply.addFirst(...parts))) break
    edge = event.seq
    shown++
  }
  const isMore = shown < events.length || page.more
  const way = isOnward ? 'after' : 'before'
  return isMore && edge !== undefined ? reply.end(`More waits: ${way}=${edge}.`, { more: true, [way]: edge }) : reply
}
