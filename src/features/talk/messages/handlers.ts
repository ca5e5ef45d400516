// Saying something, in a channel or to an agent; and the inbox that keeps direct messages until they are received.
import { redact } from '../../../domain/redaction.ts'
import { findAgent } from '../../../store/agents.ts'
import { pairStream } from '../../../store/log.ts'
import { Fail, notify, pageReply, reply, type Append, type Effect, type Feature, type Outcome, type WriteCtx } from '../../../relay/feature.ts'
import type { RequestBody } from '../../../../lib/protocol/index.ts'

export interface MessageOptions {
  /** Cut secrets out of contents. */
  readonly redact: boolean
  readonly maxPage: number
  readonly maxPageBytes: number
}

export const messages = (options: MessageOptions): Feature<'MSG' | 'FILE_CHUNK' | 'INBOX' | 'RECEIVED'> => {
  const bodyOf = ({ me }: WriteCtx, { to, content, sig, ts, in_reply_to }: RequestBody<'MSG'>): Append['body'] => {
    const clean = options.redact ? redact(content) : content
    const isWhole = clean === content
    return {
      from: me.id, from_name: me.name, to, content: clean, verified: me.verified,
      // A signature over what is no longer there would only look forged.
      ...(sig !== undefined && isWhole && { sig, ...(ts !== undefined && { sig_ts: ts }) }),
      ...(in_reply_to !== undefined && { in_reply_to }),
      ...(!isWhole && { redacted: true as const }),
    }
  }

  /** The answer to every stored message. */
  const stored = (ctx: WriteCtx, request: RequestBody<'MSG'>, append: Pick<Append, 'stream' | 'agents' | 'inbox'>, effects?: readonly Effect[]): Outcome<'ACK'> => ({
    append: { type: 'MSG', body: bodyOf(ctx, request), ...append, ...(request.id !== undefined && { key: { agent: ctx.me.id, id: request.id } }) },
    reply: ({ stamp, duplicate }) => ({
      type: 'ACK',
      body: { ts: stamp.ts, msg_id: stamp.msgId, to: request.to, seq: stamp.seq, ...(duplicate && { duplicate: true as const }) },
    }),
    ...(effects !== undefined && { effects }),
  })

  const toChannel = (ctx: WriteCtx, request: RequestBody<'MSG'>): Outcome<'ACK'> => {
    const { me, roster } = ctx
    const channel = roster.channel(request.to)
    if (channel === undefined) throw new Fail('CHANNEL_NOT_FOUND', `No channel ${request.to}`)
    if (!roster.isMember(me, channel)) throw new Fail('NOT_INVITED', `You are not a member of ${request.to}; JOIN it first`)
    const held = channel.floor.size === 0 ? [] : [...channel.floor].filter(([, claim]) => claim.holder === me.id)
    const release = held.map(([msgId]) => ({ kind: 'floor', channel: request.to, msgId, claim: undefined } as const))
    return stored(ctx, request, { stream: request.to }, release.length > 0 ? release : undefined)
  }

  const toAgent = (ctx: WriteCtx, request: RequestBody<'MSG'>, isKeyed: boolean): Outcome<'ACK'> => stored(ctx, request, {
    stream: pairStream(ctx.me.id, request.to),
    agents: [request.to, ctx.me.id],
    ...(isKeyed && { inbox: [request.to] }),
  })

  /** An agent that is not connected can be written to if it has a key to come back with. */
  const toAbsent = async (ctx: WriteCtx, request: RequestBody<'MSG'>): Promise<Outcome<'ACK'>> => {
    const target = await findAgent(ctx.tx, request.to)
    if (target === undefined) throw new Fail('AGENT_NOT_FOUND', `No agent ${request.to} is known here`)
    if (target.rotated_to !== null) throw new Fail('AGENT_NOT_FOUND', `${request.to} rotated its key and is now ${target.rotated_to}`)
    if (target.revoked_at !== null) throw new Fail('AGENT_NOT_FOUND', `The key of ${request.to} was revoked`)
    return toAgent(ctx, request, true)
  }

  return {
    handlers: {
      MSG: {
        needs: 'session',
        paced: true,
        write(ctx, request) {
          if (request.to.startsWith('#')) return toChannel(ctx, request)
          const target = ctx.roster.agent(request.to)
          return target === undefined ? toAbsent(ctx, request) : toAgent(ctx, request, target.pubkey !== null)
        },
      },
      FILE_CHUNK: {
        needs: 'session',
        paced: true,
        write({ me, roster }, { to, content }) {
          if (roster.agent(to) === undefined) throw new Fail('AGENT_NOT_FOUND', `${to} is not connected; a file needs both ends`)
          return { reply: reply('OK', {}), notify: [notify({ kind: 'agents', agents: [to] }, 'FILE_CHUNK', { from: me.id, to, content })] }
        },
      },
      INBOX: {
        needs: 'session',
        async read({ me, db }, { since, limit = options.maxPage }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
          const head = await db.log.inboxHead(me.id)
          const rows = await db.log.inbox(me.id, { after: since ?? head.cursor, limit, maxBytes: options.maxPageBytes })
          const last = rows.at(-1)?.seq ?? head.seq
          const items = rows.map(row => Buffer.concat([Buffer.from(`{"seq":${row.seq},"event":`), row.text, Buffer.from('}')]))
          return pageReply('INBOX', { more: last < head.seq, seq: head.seq, cursor: head.cursor }, 'items', items)
        },
      },
      RECEIVED: {
        needs: 'session',
        async write({ me, tx }, { seq, msg_id }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
          if ((seq === undefined) === (msg_id === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of seq and msg_id')
          const upTo = seq ?? await tx.log.inboxSeqOf(me.id, msg_id!)
          if (upTo === undefined) throw new Fail('INVALID_MSG', 'No such message is in your inbox')
          if (upTo > (await tx.log.inboxHead(me.id)).seq) throw new Fail('INVALID_MSG', 'Your inbox does not reach that far')
          await tx.log.received(me.id, upTo)
          return { reply: reply('OK', {}) }
        },
      },
    },
  }
}
