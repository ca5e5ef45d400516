// Saying something, in a channel or to an agent.
import { mayWrite, type Policies } from '../../../domain/policies.ts'
import { redact } from '../../../domain/redaction.ts'
import { isBlocked } from '../../../store/blocks.ts'
import type { Root } from '../../../store/links.ts'
import { pairStream, type Awaitable } from '../../../store/log.ts'
import {
  againstPolicy,
  channelOfMember,
  checkPost,
  Fail,
  notify,
  reply,
  type Append,
  type Asker,
  type Channel,
  type Effect,
  type Feature,
  type Outcome,
  type VerifyMessage,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { addressing, checkSize, toAgent, type Addressed, type AddressingOptions } from './addressing.ts'
import { signedTextOf } from '../../../../lib/identity/index.ts'
import type { RequestBody } from '../../../../lib/protocol/index.ts'

/** While it is made. */
type Built<T> = { -readonly [K in keyof T]: T[K] }

export interface MessageOptions extends AddressingOptions {
  readonly maxContentBytes: number
  readonly policies: Policies
  /** Before an answer, where circles are looked for. @throws Fail CIRCLE_STOPPED */
  readonly inCircle: ((ctx: WriteCtx, thread: Root, stream: string) => Pick<Outcome, 'notify' | 'effects'>) | undefined
  /** Cut secrets out of contents. */
  readonly redact: boolean
  /** The relay's identity. */
  readonly serverId: string
  /** Refuse signatures of the first form too that are not the sender's. */
  readonly verifyMessages: boolean
  readonly verifyMessage: VerifyMessage
  /** The sender of an answer may have the floor of what it answers. @throws Fail LEASE_OVER */
  readonly answerFloor: (ctx: WriteCtx, request: RequestBody<'MSG'>) => Promise<Pick<Outcome, 'notify' | 'effects'>>
  /** Notes what a message names. @throws Fail FILE_MISSING */
  readonly nameFiles: (ctx: WriteCtx, files: NonNullable<RequestBody<'MSG'>['files']>, stream: string) => Promise<void>
}

export const messages = (options: MessageOptions): Feature<'MSG' | 'FILE_CHUNK'> => {
  const places = addressing(options)
  const { write } = options.policies

  /** What receivers check a signature with. */
  const signatureOf = ({ sig, sig_v, ts, nonce, id, seen }: RequestBody<'MSG'>) =>
    sig_v === undefined
      ? { sig, ...(ts !== undefined && { sig_ts: ts }) }
      : { sig, sig_v, sig_ts: ts, nonce, relay: options.serverId, ...(id !== undefined && { pub_id: id }), ...(seen && { seen }) }

  const bodyOf = ({ me }: WriteCtx, request: RequestBody<'MSG'>, thread: Root | undefined): Append<'MSG'>['body'] => {
    const { to, content, sig, in_reply_to, stream, files } = request
    const clean = options.redact ? redact(content) : content
    // Field by field, in this order: copying what is nearly always absent costs more than all else here.
    const body: Built<Append<'MSG'>['body']> = { from: me.id, from_name: me.name, to, content: clean, verified: me.verified }
    // A signature over what is no longer there would only look forged.
    if (sig !== undefined && clean === content) Object.assign(body, signatureOf(request))
    if (in_reply_to !== undefined) body.in_reply_to = in_reply_to
    if (thread !== undefined && thread.msgId !== in_reply_to) body.thread = thread.msgId
    if (stream !== undefined) body.stream = stream
    if (files !== undefined) body.files = files
    if (clean !== content) body.redacted = true
    return body
  }

  /** The answer to every stored message. `thread`: what it answers belongs to. */
  const stored = (
    ctx: WriteCtx,
    request: RequestBody<'MSG'>,
    addressed: Addressed,
    thread?: Root,
    effects?: readonly Effect[],
  ): Outcome<'ACK'> => {
    const { id, ttl_ms, receipts } = request
    const { stream, agents, inbox, muted } = addressed
    const append: Built<Append<'MSG'>> = { type: 'MSG', body: bodyOf(ctx, request, thread), stream }
    if (agents !== undefined) append.agents = agents
    if (inbox !== undefined) append.inbox = inbox
    if (muted !== undefined) append.muted = muted
    if (id !== undefined) append.key = { agent: ctx.me.id, id }
    if (ttl_ms !== undefined) append.ttlMs = ttl_ms
    if (receipts !== undefined) append.receipts = receipts
    if (thread !== undefined) append.link = { kind: 'reply', target: thread.seq }
    const reply = acknowledging(request.to)
    return effects === undefined ? { append, reply } : { append, reply, effects }
  }

  /** What answers nothing is in no thread, and nothing is looked up for it. */
  const decide = (ctx: WriteCtx, request: RequestBody<'MSG'>): Awaitable<Outcome<'ACK'>> => {
    const { to, in_reply_to } = request
    if (write !== undefined && !mayWrite(write, ctx.me, request)) throw againstPolicy('policyWrite')
    const say = to.startsWith('#') ? toChannel : toAnAgent
    if (in_reply_to === undefined) return say(ctx, request, undefined)
    const stream = to.startsWith('#') ? to : pairStream(ctx.me.id, to)
    const thread = ctx.tx.links.rootOf(stream, in_reply_to)
    if (options.inCircle !== undefined) return circling(ctx, request, thread, stream)
    return thread instanceof Promise ? thread.then(root => say(ctx, request, root)) : say(ctx, request, thread)
  }

  const circling = async (
    ctx: WriteCtx,
    request: RequestBody<'MSG'>,
    found: Awaitable<Root | undefined>,
    stream: string,
  ): Promise<Outcome<'ACK'>> => {
    const thread = await found
    const { notify: notices = [], effects = [] }: Pick<Outcome, 'notify' | 'effects'> = thread === undefined
      ? {}
      : options.inCircle!(ctx, thread, stream)
    const outcome = await (request.to.startsWith('#') ? toChannel : toAnAgent)(ctx, request, thread)
    const all = [...(outcome.notify ?? []), ...notices]
    const more = [...(outcome.effects ?? []), ...effects]
    return { ...outcome, ...(more.length > 0 && { effects: more }), ...(all.length > 0 && { notify: all }) }
  }

  const toAnAgent = (ctx: WriteCtx, request: RequestBody<'MSG'>, thread: Root | undefined): Awaitable<Outcome<'ACK'>> => {
    const append = places.direct(ctx, request.to)
    return append instanceof Promise ? append.then(found => stored(ctx, request, found, thread)) : stored(ctx, request, append, thread)
  }

  /** Whether its owner lets the sender speak now; and how long it waits then. @throws Fail */
  const checkSettings = (ctx: WriteCtx, channel: Channel): readonly Effect[] => {
    const who = checkPost(ctx, channel)
    const { name, settings } = channel.info
    return who === undefined ? [] : [{ kind: 'slow', channel: name, who, until: ctx.now + settings!.slowModeMs }]
  }

  const toChannel = (ctx: WriteCtx, request: RequestBody<'MSG'>, thread: Root | undefined): Awaitable<Outcome<'ACK'>> => {
    const { me, roster } = ctx
    const channel = channelOfMember(me, request.to, roster)
    const held = channel.floor.size === 0 ? [] : [...channel.floor].filter(([, claim]) => claim.holder === me.id && claim.isStored !== true)
    const release: Effect[] = held.map(([msgId]) => ({ kind: 'floor', channel: request.to, msgId, claim: undefined }))
    if (channel.info.settings !== null) release.push(...checkSettings(ctx, channel))
    const effects = release.length > 0 ? release : undefined
    const append = places.inChannel(ctx, channel, request.content, { thread, isNew: true })
    if (hasFloor(channel, me.id, request)) return answering(ctx, request, append, thread, release)
    return append instanceof Promise
      ? append.then(found => stored(ctx, request, found, thread, effects))
      : stored(ctx, request, append, thread, effects)
  }

  const answering = async (
    ctx: WriteCtx,
    request: RequestBody<'MSG'>,
    append: Awaitable<Addressed>,
    thread: Root | undefined,
    release: readonly Effect[],
  ): Promise<Outcome<'ACK'>> => {
    const outcome = stored(ctx, request, await append, thread)
    const { notify: notices = [], effects = [] } = await options.answerFloor(ctx, request)
    return { ...outcome, notify: notices, effects: [...release, ...effects] }
  }

  /** A repeat of what is stored gets its acknowledgement, though the sender has left the channel since, or the target has gone. */
  const repeated = async (ctx: WriteCtx, request: RequestBody<'MSG'>, error: unknown): Promise<Outcome<'ACK'>> => {
    const isStored = request.id !== undefined && await ctx.tx.log.isPublished({ agent: ctx.me.id, id: request.id })
    if (!isStored) throw error
    return stored(ctx, request, request.to.startsWith('#') ? { stream: request.to } : toAgent(ctx, request.to, false))
  }

  /** With the files it names. A repeat of what is stored names them already. */
  const naming = async (
    ctx: WriteCtx,
    { files, id }: RequestBody<'MSG'>,
    decided: Outcome<'ACK'> | Promise<Outcome<'ACK'>>,
  ): Promise<Outcome<'ACK'>> => {
    const outcome = await decided
    const isStored = id !== undefined && await ctx.tx.log.isPublished({ agent: ctx.me.id, id })
    if (!isStored) await options.nameFiles(ctx, files!, (outcome.append as Append).stream)
    return outcome
  }

  const decideOrRepeat = (ctx: WriteCtx, request: RequestBody<'MSG'>): Outcome<'ACK'> | Promise<Outcome<'ACK'>> => {
    try {
      const outcome = decide(ctx, request)
      return outcome instanceof Promise ? outcome.catch((error: unknown) => repeated(ctx, request, error)) : outcome
    } catch (error) {
      return repeated(ctx, request, error)
    }
  }

  /** The second form always, the first one where the relay is told to. */
  const checkSignature = (asker: Asker, request: RequestBody<'MSG'>): Promise<undefined> | undefined => {
    const { agent } = asker
    const { sig, sig_v } = request
    if (sig === undefined || agent === undefined || (sig_v === undefined && !options.verifyMessages)) return undefined
    return (async () => {
      const { to, content, ts, nonce, id, in_reply_to, files, seen } = request
      if (agent.pubkey === null) throw new Fail('VERIFICATION_FAILED', 'A signature needs the key you identified with, and you have none')
      if (ts === undefined) throw new Fail('VERIFICATION_FAILED', 'ts: missing; it is part of what is signed')
      if (sig_v === 2 && nonce === undefined) throw new Fail('VERIFICATION_FAILED', 'nonce: missing; it is part of what is signed')
      const text = signedTextOf({
        ...{ from: agent.id, to, content, sig_v, sig_ts: ts },
        ...(sig_v === 2
          && { nonce, relay: options.serverId, pub_id: id, in_reply_to, ...(files !== undefined && { files }), ...(seen && { seen }) }),
      })
      if (text === undefined || !await options.verifyMessage(asker, agent.pubkey, text, sig))
        throw new Fail('VERIFICATION_FAILED', 'sig: not your signature over this message; nothing was stored')
      return undefined
    })()
  }

  return {
    handlers: {
      MSG: {
        prepare: checkSignature,
        write(ctx, request) {
          checkSize(request.content, options.maxContentBytes)
          if (request.floor === true && (request.in_reply_to === undefined || !request.to.startsWith('#')))
            throw new Fail('INVALID_MSG', 'floor: only of an answer in a channel, with in_reply_to')
          const decided = decideOrRepeat(ctx, request)
          return request.files === undefined ? decided : naming(ctx, request, decided)
        },
      },
      FILE_CHUNK: {
        async write(ctx, { to, content }) {
          const { me, roster, tx } = ctx
          checkSize(content, options.maxContentBytes)
          if (write !== undefined && !mayWrite(write, me, { to, content })) throw againstPolicy('policyWrite')
          if (roster.agent(to) === undefined) throw new Fail('AGENT_NOT_FOUND', `${to} is not connected; a file needs both ends`)
          const told = await tx.log.hasBlocks(to) && await isBlocked(tx, me.id, to) ? [] : [to]
          return { reply: reply('OK', {}), notify: [notify({ kind: 'agents', agents: told }, 'FILE_CHUNK', { from: me.id, to, content })] }
        },
      },
    },
  }
}

const acknowledging = (to: string): Extract<Outcome<'ACK'>['reply'], Function> => ({ stamp: { ts, msgId, seq }, duplicate }) => ({
  type: 'ACK',
  body: duplicate ? { ts, msg_id: msgId, to, seq, duplicate } : { ts, msg_id: msgId, to, seq },
})

/** Whether the floor of what a message answers may be the sender's: said by itself, or known in memory. */
const hasFloor = ({ floor }: Channel, me: string, request: RequestBody<'MSG'>): boolean => {
  if (request.floor === true) return true
  const claim = floor.size === 0 || request.in_reply_to === undefined ? undefined : floor.get(request.in_reply_to)
  return claim?.isStored === true && claim.holder === me
}
