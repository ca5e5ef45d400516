// Saying a message anew, and taking it back: each is an event behind the message, in the same stream.
import { mayWrite, type Policies } from '../../../domain/policies.ts'
import { redact } from '../../../domain/redaction.ts'
import { predecessors } from '../../../store/agents.ts'
import type { Root } from '../../../store/links.ts'
import type { Fate } from '../../../store/log.ts'
import type { Db } from '../../../store/store.ts'
import {
  againstPolicy,
  channelOfMember,
  checkRight,
  Fail,
  goBy,
  mayReadStream,
  noMessage,
  pageReply,
  statusNotices,
  type Append,
  type Asker,
  type Feature,
  type Outcome,
  type VerifyMessage,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { contentHashOf, editText, retractText } from '../../../../lib/identity/index.ts'
import { limits, type Frame, type RequestBody } from '../../../../lib/protocol/index.ts'
import { addressing, checkSize, type Addressed, type AddressingOptions } from './addressing.ts'

export interface EditOptions extends AddressingOptions {
  readonly maxContentBytes: number
  readonly policies: Policies
  readonly maxPage: number
  readonly maxPageBytes: number
  readonly redact: boolean
  readonly serverId: string
  readonly verifyMessage: VerifyMessage
  /** Notes that an edit names files which its message has. */
  readonly keepFiles: (ctx: WriteCtx, files: Files, stream: string) => Promise<void>
}

type Files = NonNullable<Frame<'MSG'>['files']>

/** The message that is meant, as it was said first. */
interface Original {
  readonly stream: string
  readonly seq: number
  readonly ts: number
  readonly author: string
  readonly bytes: number
  readonly said: Frame<'MSG'> & { readonly msg_id: string }
}

type Change = RequestBody<'EDIT'> | RequestBody<'RETRACT'>

/** What is signed says which message it is about in the words in which all are told of it. @throws Fail */
const namesItself = ({ said }: Original, { msg_id, sig }: Change): void => {
  if (sig !== undefined && msg_id !== said.msg_id)
    throw new Fail('INVALID_MSG', `msg_id: what is signed names the message itself, ${said.msg_id}, and not what changed it`)
}

/** The message of an id; of an edit or a retraction, the one that it changes. */
const originalOf = async ({ links }: Db, msgId: string): Promise<Original | undefined> => {
  const named = await links.find(msgId)
  const first = named && saidBy(named.text)
  if (first?.type !== 'MSG') return undefined
  const of = first.edit?.of ?? first.retract?.of
  const found = of === undefined ? named : await links.find(of)
  if (found === undefined) return undefined
  const { stream, seq, ts, author, text } = found
  return { stream, seq, ts, author, bytes: text.length, said: saidBy(text) as Original['said'] }
}

/** @throws Fail where its channel lets nobody edit any more what was said so long ago */
const inTime = ({ roster, now }: WriteCtx, { stream, ts }: Original): void => {
  const windowMs = roster.channel(stream)?.info.editWindowMs ?? null
  if (windowMs === null || now - ts < windowMs) return
  throw new Fail('AUTH_REQUIRED', windowMs === 0
    ? `Nothing is edited in ${stream} (edit_window_ms of the channel)`
    : `In ${stream} a message is edited for ${windowMs} ms at most (edit_window_ms of the channel); it can be retracted, or say a new one`)
}

/** The files of an edit: those the message has, or those of them that the edit names. @throws Fail where it names others */
const filesOf = ({ files: named }: RequestBody<'EDIT'>, { files: had = [] }: Frame<'MSG'>): Files => {
  const places = named?.map(file => had.findIndex(each => isSameFile(each, file)))
  if (places?.some((place, i) => place === -1 || places.indexOf(place) !== i))
    throw new Fail('INVALID_MSG',
      'files: an edit names some of those that its message has, as they are there, each once; say a new message for others')
  return named ?? had
}

const isSameFile = (one: Files[number], other: Files[number]): boolean =>
  one.sha256 === other.sha256 && one.bytes === other.bytes && one.name === other.name && one.mime === other.mime

/** Which thread the message is in, where it does not begin one. */
const threadMark = ({ said }: Original, thread: Root | undefined): { readonly thread?: string } =>
  thread === undefined || thread.msgId === said.msg_id ? {} : { thread: thread.msgId }

const saidBy = (text: Buffer): Frame<'MSG'> => JSON.parse(text.toString()) as Frame<'MSG'>

export const edits = (options: EditOptions): Feature<'EDIT' | 'RETRACT' | 'EDITS'> => {
  const addressed = addressing(options)

  const isAuthor = async ({ me, tx }: WriteCtx, { author, stream }: Original): Promise<boolean> =>
    author === me.id || (stream.startsWith('#') && (await predecessors(tx, me.id)).includes(author))

  /** What receivers check a signature with. */
  const signatureOf = ({ sig, ts, nonce }: Change) => sig === undefined ? {} : { relay: options.serverId, sig, sig_ts: ts!, nonce: nonce! }

  const stored = (
    { me }: WriteCtx,
    { seq, said: { to, msg_id: of } }: Original,
    { id }: Change,
    append: Addressed,
    change: Pick<Append<'MSG'>['body'], 'content' | 'files' | 'edit' | 'retract' | 'redacted' | 'thread'>,
  ): Outcome<'ACK'> => ({
    append: {
      type: 'MSG',
      body: { from: me.id, from_name: me.name, to, verified: me.verified, in_reply_to: of, ...change },
      ...append,
      link: { kind: 'change', target: seq },
      ...(id !== undefined && { key: { agent: me.id, id } }),
    },
    reply: ({ stamp, duplicate }) => ({
      type: 'ACK',
      body: { ts: stamp.ts, msg_id: stamp.msgId, to, seq: stamp.seq, ...(duplicate && { duplicate: true as const }) },
    }),
  })

  /** The edit that holds, by the links of the log. */
  const newestOf = async ({ links }: Db, { stream, seq }: Original) =>
    (await links.newest(stream, 'change', { from: seq, to: seq }))[0] ?? { seq, count: 0 }

  /** @throws Fail */
  const edit = async (ctx: WriteCtx, original: Original | undefined, request: RequestBody<'EDIT'>): Promise<Outcome<'ACK'>> => {
    const { me, tx, roster } = ctx
    const { msg_id, content, prev } = request
    if (original === undefined || !mayReadStream(me, original.stream, roster) || original.said.erased) throw noMessage(msg_id)
    const { stream, seq, said } = original
    if (!await isAuthor(ctx, original)) throw new Fail('AUTH_REQUIRED', 'Only its author says a message anew')
    if (said.invite !== undefined) throw new Fail('INVALID_MSG', 'An invitation is not edited; UNINVITE takes it back')
    inTime(ctx, original)
    namesItself(original, request)
    checkPolicy(ctx, said.to, request)
    const newest = await newestOf(tx, original)
    const [current] = newest.count === 0 ? [] : await tx.links.texts(stream, [newest.seq], 1)
    const before = current === undefined ? said : saidBy(current.text)
    const replaced = contentHashOf(before.content)
    if (prev !== undefined && prev !== replaced)
      throw new Fail('EDIT_CONFLICT', 'prev: the message says something else by now; EDITS tells what')
    if (newest.count >= limits.maxEdits)
      throw new Fail('LIMIT_REACHED', `A message is edited ${limits.maxEdits} times at most (maxEdits); say a new one`)
    if (original.bytes + await tx.links.size(stream, 'change', seq, limits.maxEdits) + content.length > limits.maxEditedBytes)
      throw new Fail('LIMIT_REACHED', `A message and its edits take ${limits.maxEditedBytes} bytes at most (maxEditedBytes); say a new one`)
    const files = filesOf(request, before)
    const isKept = request.files === undefined && files.length > 0
    const clean = options.redact ? redact(content) : content
    const isWhole = clean === content
    const thread = await tx.links.rootOf(stream, said.msg_id)
    return stored(ctx, original, request, await whereTo(ctx, original, content, thread), {
      content: clean,
      ...((isKept || request.files !== undefined) && { files: [...files] }),
      ...threadMark(original, thread),
      edit: {
        of: said.msg_id,
        n: newest.count + 1,
        prev: replaced,
        ...(isKept && { kept: true as const }),
        // A signature over what is no longer there would only look forged.
        ...(isWhole && signatureOf(request)),
      },
      ...(!isWhole && { redacted: true as const }),
    })
  }

  /** @throws Fail */
  const checkPolicy = ({ me }: WriteCtx, to: string, request: RequestBody<'EDIT'>): void => {
    const { write } = options.policies
    if (write !== undefined && !mayWrite(write, me, { ...request, to, in_reply_to: request.msg_id, edit: true }))
      throw againstPolicy('policyWrite')
  }

  /** As a message of these words would go, now. @throws Fail */
  const whereTo = (ctx: WriteCtx, { said: { to } }: Original, content: string, thread: Root | undefined) => {
    if (!to.startsWith('#')) return addressed.direct(ctx, to)
    const channel = channelOfMember(ctx.me, to, ctx.roster)
    checkRight('postBy', ctx.me, channel, ctx.isAdmin)
    return addressed.inChannel(ctx, channel, content, { thread, isNew: false })
  }

  /** @throws Fail */
  const retract = async (ctx: WriteCtx, original: Original | undefined, request: RequestBody<'RETRACT'>): Promise<Outcome<'ACK'>> => {
    const { me, tx, roster, isAdmin, now } = ctx
    if (original === undefined) throw noMessage(request.msg_id)
    const { stream, seq, said } = original
    const isTheirs = await isAuthor(ctx, original)
    if (said.erased) throw noMessage(request.msg_id)
    const isOfChannel = stream.startsWith('#')
    const passkeyAsked = isOfChannel ? ctx.passkeyAsked : undefined
    // Taking back what one said is possible from where one has left, too.
    if (!isTheirs && !mayReadStream(me, stream, roster) && !(isAdmin && isOfChannel)) throw passkeyAsked ?? noMessage(request.msg_id)
    const isOwner = roster.channel(stream)?.info.owner === me.id
    if (!isTheirs && !isOwner && !(isAdmin && isOfChannel))
      throw passkeyAsked ?? new Fail('AUTH_REQUIRED', 'Only its author takes a message back; in a channel its owner and admins do, too')
    if (!isTheirs && request.sig !== undefined)
      throw new Fail('VERIFICATION_FAILED', 'sig: only the author of a message signs that it is taken back')
    namesItself(original, request)
    const to = await heard(ctx, original)
    const changes = await tx.links.page(stream, 'change', seq, { after: seq, limit: limits.maxEdits, maxBytes: Infinity })
    const fates: Fate[] = []
    for (const place of [seq, ...changes.map(change => change.seq)]) fates.push(...await tx.keep.blank(stream, place, now) ?? [])
    return {
      ...stored(ctx, original, request, to, {
        content: '',
        ...threadMark(original, await tx.links.rootOf(stream, said.msg_id)),
        retract: { of: said.msg_id, ...signatureOf(request) },
      }),
      notify: statusNotices(fates),
      ...(!isTheirs && !isOwner && { byRight: true as const }),
    }
  }

  /** Who hears that it is taken back: in whose inbox there is no room, or who is not there any more, hears of it where it was said. */
  const heard = async (ctx: WriteCtx, { stream, said: { to } }: Original): Promise<Addressed> => {
    if (stream.startsWith('#')) return { stream }
    try {
      return await addressed.direct(ctx, to)
    } catch (error) {
      if (!(error instanceof Fail)) throw error
      return { stream, agents: [...new Set([to, ctx.me.id])] }
    }
  }

  /** A repeat of what is stored gets its acknowledgement, though it would be refused now: the message was changed by it. */
  const orRepeated = async <R extends Change>(
    ctx: WriteCtx,
    request: R,
    decide: (ctx: WriteCtx, original: Original | undefined, request: R) => Promise<Outcome<'ACK'>>,
  ): Promise<Outcome<'ACK'>> => {
    const { me, tx } = ctx
    const original = await originalOf(tx, request.msg_id)
    if (original !== undefined) goBy(ctx, original.stream)
    try {
      return await decide(ctx, original, request)
    } catch (error) {
      if (!(error instanceof Fail) || original === undefined || request.id === undefined) throw error
      if (!await tx.log.isPublished({ agent: me.id, id: request.id })) throw error
      const { stream, said: { msg_id: of } } = original
      const append = stream.startsWith('#') ? { stream } : { stream, agents: [me.id] }
      return stored(ctx, original, request, append, 'content' in request ? repeatedEdit(request, of) : { content: '', retract: { of } })
    }
  }

  /** With the files of the edit. A repeat of what is stored names them already. */
  const naming = async (ctx: WriteCtx, { id }: RequestBody<'EDIT'>, outcome: Outcome<'ACK'>): Promise<Outcome<'ACK'>> => {
    const { stream, body: { files = [] } } = outcome.append as Append<'MSG'>
    const isStored = files.length === 0 || (id !== undefined && await ctx.tx.log.isPublished({ agent: ctx.me.id, id }))
    if (!isStored) await options.keepFiles(ctx, files, stream)
    return outcome
  }

  const checkSignature = (
    asker: Asker,
    request: Change,
    textOf: (by: string, ts: number, nonce: string) => string,
  ): Promise<undefined> | undefined => {
    const { agent } = asker
    const { sig, ts, nonce } = request
    if (sig === undefined || agent === undefined) return undefined
    return (async () => {
      if (agent.pubkey === null) throw new Fail('VERIFICATION_FAILED', 'A signature needs the key you identified with, and you have none')
      if (ts === undefined) throw new Fail('VERIFICATION_FAILED', 'ts: missing; it is part of what is signed')
      if (nonce === undefined) throw new Fail('VERIFICATION_FAILED', 'nonce: missing; it is part of what is signed')
      if (!await options.verifyMessage(asker, agent.pubkey, textOf(agent.id, ts, nonce), sig))
        throw new Fail('VERIFICATION_FAILED', 'sig: not your signature over this change; nothing was stored')
      return undefined
    })()
  }

  return {
    scope: 'talk',
    handlers: {
      EDIT: {
        prepare: (asker, request) =>
          checkSignature(asker, request, (by, ts, nonce) => {
            const { msg_id, content, prev, files } = request
            if (prev === undefined) throw new Fail('VERIFICATION_FAILED', 'prev: missing; it is part of what is signed')
            return editText({ by, relay: options.serverId, msg_id, content, prev, files, ts, nonce })
          }),
        async write(ctx, request) {
          checkSize(request.content, options.maxContentBytes)
          return naming(ctx, request, await orRepeated(ctx, request, edit))
        },
      },
      RETRACT: {
        prepare: (asker, request) =>
          checkSignature(asker, request,
            (by, ts, nonce) => retractText({ by, relay: options.serverId, msg_id: request.msg_id, ts, nonce })),
        write: (ctx, request) => orRepeated(ctx, request, retract),
      },
      EDITS: {
        async read({ me, db, roster }, { msg_id, after, limit = options.maxPage }) {
          const original = await originalOf(db, msg_id)
          if (original === undefined || !mayReadStream(me, original.stream, roster)) throw noMessage(msg_id)
          const { stream, seq, said, bytes } = original
          const first = after === undefined ? await db.links.texts(stream, [seq], 1) : []
          const newest = await newestOf(db, original)
          const changes = await db.links.page(stream, 'change', seq, {
            after: after ?? seq,
            limit: Math.max(1, Math.min(limit, options.maxPage) - first.length),
            maxBytes: Math.max(1, options.maxPageBytes - (first.length > 0 ? bytes : 0)),
          })
          const last = changes.at(-1)?.seq ?? newest.seq
          return pageReply('EDITS', { msg_id: said.msg_id, more: last < newest.seq }, 'events',
            [...first, ...changes].map(({ text }) => text))
        },
      },
    },
  }
}

const repeatedEdit = ({ content, files }: RequestBody<'EDIT'>, of: string) => ({
  content,
  ...(files !== undefined && { files }),
  edit: { of },
})
