// Files: tickets for bringing and fetching them, what a message may name, and what goes when nobody names it any more.
import { ticketOf } from '../../../domain/file-ticket.ts'
import { Fail, mayRead, noMessage, reply, type Feature, type ReadCtx, type SweepCtx, type WriteCtx } from '../../../relay/feature.ts'
import {
  addRef,
  addUpload,
  bringAgain,
  fileUse,
  findOwner,
  goneFiles,
  idleOwners,
  isPlaced,
  isWhole,
  placedRefs,
  refsOf,
  placeRef,
  removeIdle,
  removeOwner,
  removeRef,
  takeGone,
  touchOwner,
  unplacedRefs,
  wentFile,
  type OwnerRow,
  type RefRow,
} from '../../../store/files.ts'
import { isMirror } from '../../../store/links.ts'
import { parseMsgId } from '../../../store/log.ts'
import type { Db, Tx } from '../../../store/store.ts'
import type { FrameBody, RequestBody } from '../../../../lib/protocol/index.ts'

/** Where the bytes are. */
export interface FileBytes {
  /** Whether so many more leave the disk the room it needs. */
  hasRoom(bytes: number): Promise<boolean>
  /** Whether they are there: a database that was put back may know more files than there are. */
  has(sha256: string): Promise<boolean>
  /** An upload that is not whole goes. */
  discard(upload: string): Promise<void>
  /** The bytes of a file go if they `mayGo`; then `note` is called. */
  remove(sha256: string, mayGo: () => Promise<boolean>, note: () => Promise<unknown>): Promise<void>
}

export interface FileOptions {
  /** 0: no files are taken. */
  readonly maxFileBytes: number
  /** Of one agent; four times as much of an address. */
  readonly fileQuotaBytes: number
  readonly filesBytes: number
  readonly maxFilesPerAgent: number
  readonly fileBytes: FileBytes
  readonly resumeSecret: string
  readonly randomHex: (bytes: number) => string
  /** Reads and writes of the sweep's own, outside of its transaction. */
  readonly fileStore: { readonly read: Db, write<T>(fn: (tx: Tx) => Promise<T>): Promise<T> }
}

type FileFacts = NonNullable<FrameBody<'MSG'>['files']>[number]
type FileRefs = NonNullable<RequestBody<'MSG'>['files']>

/** How long an upload, and a file that nobody names, stays. */
export const keepFileMs = 24 * 60 * 60_000
const readMs = 10 * 60_000
/** Agents of one address that may hold as much as they may. */
const agentsPerAddress = 4
const noRoomMs = 60_000
/** What a sweep looks at, of each kind. */
const perSweep = 20
/** Messages that name one file, of which one is looked for that the asker may read. */
const maxLookedAt = 100
/** A message is stored with the note of its files, or never: so long after it nobody looks for it any more. */
const lostMs = 60_000
/** So long one process may take to have bytes go; a bucket that does not answer is tried again then. */
const goingMs = 30_000
const maxPageBytes = 256 * 1024
/** Before every message that names files. */
const first = { stream: '', seq: 0, id: '' }
const mebibytes = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`

/** What one message may name, and what that is noted as: for whoever stores messages. */
export type NameFiles = (ctx: WriteCtx, files: FileRefs, stream: string) => Promise<void>

/** @throws Fail FILE_MISSING unless each of them is there, whole, and its sender's */
export const nameFiles = ({ randomHex }: Pick<FileOptions, 'randomHex'>): NameFiles => async ({ tx, me, now }, files, stream) => {
  if (new Set(files.map(({ sha256 }) => sha256)).size < files.length) throw new Fail('INVALID_MSG', 'files: each of them once')
  for (const { sha256, bytes, name } of files) {
    const owner = await findOwner(tx, sha256, me.id)
    if (owner === undefined || owner.whole === 0) throw notWhole(name)
    if (owner.bytes !== bytes) throw new Fail('INVALID_MSG', `files: ${JSON.stringify(name)} has ${owner.bytes} bytes, not ${bytes}`)
  }
  const { seq: after } = await tx.log.head(stream)
  for (const { sha256, name } of files)
    if (!await addRef(tx, { id: randomHex(8), sha256, agent: me.id, stream, at: now, after })) throw notWhole(name)
}

const notWhole = (name: string): Fail =>
  new Fail('FILE_MISSING', `files: you did not bring ${JSON.stringify(name)} here whole; PUT_FILE first`)

/** What an edit of a message names of what that names; who changed its key since it brought a file keeps it as long as the message itself. */
export const keepFiles =
  ({ randomHex }: Pick<FileOptions, 'randomHex'>) =>
  async ({ tx, me, now }: WriteCtx, files: readonly FileFacts[], stream: string): Promise<void> => {
    const { seq: after } = await tx.log.head(stream)
    for (const { sha256 } of files) {
      if ((await findOwner(tx, sha256, me.id))?.whole === 1)
        await addRef(tx, { id: randomHex(8), sha256, agent: me.id, stream, at: now, after })
    }
  }

export const files = (options: FileOptions): Feature<'PUT_FILE' | 'GET_FILE'> => {
  const { fileBytes, fileStore, resumeSecret } = options
  let cursor: Pick<RefRow, 'stream' | 'seq' | 'id'> = first

  /** @throws Fail LIMIT_REACHED */
  const checkUse = async (tx: Tx, agent: string, address: string, bytes: number): Promise<void> => {
    const { fileQuotaBytes, filesBytes, maxFilesPerAgent } = options
    const use = await fileUse(tx, { agent, address })
    const room = 'those that no message names go after a day'
    if (maxFilesPerAgent > 0 && use.agent.files >= maxFilesPerAgent)
      throw new Fail('LIMIT_REACHED', `You hold ${maxFilesPerAgent} files, as many as one agent may (maxFilesPerAgent); ${room}`)
    for (
      const [whose, held, most, setting] of [
        ['You hold', use.agent, fileQuotaBytes, 'fileQuotaBytes'],
        ['The agents of your address hold', use.address, fileQuotaBytes * agentsPerAddress, 'fileQuotaBytes, four times'],
        ['This relay holds', use.all, filesBytes, 'filesBytes'],
      ] as const
    ) {
      if (most > 0 && held.bytes + bytes > most)
        throw new Fail('LIMIT_REACHED', `${whose} ${mebibytes(held.bytes)} of files, and may ${mebibytes(most)} (${setting}); ${room}`)
    }
  }

  /** `isHere`: its bytes are, whoever brought them. */
  const put = async ({ me, asker, tx, now }: WriteCtx, { sha256, bytes }: RequestBody<'PUT_FILE'>, isHere: boolean) => {
    const { maxFileBytes } = options
    if (maxFileBytes === 0) throw new Fail('FILE_REFUSED', 'This relay takes no files (maxFileBytes)')
    if (bytes > maxFileBytes) throw new Fail('FILE_REFUSED', `A file has at most ${maxFileBytes} bytes here (maxFileBytes)`)
    const owner = await findOwner(tx, sha256, me.id)
    if (owner?.whole === 1 && owner.bytes !== bytes) throw new Fail('INVALID_MSG', `This file has ${owner.bytes} bytes, not ${bytes}`)
    if (owner?.whole === 1 && isHere && await touchOwner(tx, owner, now)) return { reply: reply('FILE_TICKET', { have: true }) }
    const isSame = owner?.bytes === bytes
    // Said wrong before: what came of it is of no use, and counts for nobody any more.
    const wrong = isSame ? undefined : owner
    let upload = owner?.upload
    if (isSame) await bringAgain(tx, owner, now)
    else {
      if (wrong !== undefined) await removeOwner(tx, wrong)
      await checkUse(tx, me.id, asker.address, bytes)
      upload = options.randomHex(16)
      await addUpload(tx, { sha256, agent: me.id, address: asker.address, bytes, at: now, upload })
    }
    const until = now + keepFileMs
    return {
      reply: reply('FILE_TICKET', {
        url: `/uploads/${upload}`,
        ticket: ticketOf(resumeSecret, { use: 'put', of: upload!, bytes, until }),
        expires_at: until,
      }),
      ...(wrong !== undefined && { committed: () => void fileBytes.discard(wrong.upload).catch(() => undefined) }),
    }
  }

  const isOpen = ({ me, roster }: ReadCtx, stream: string): boolean => {
    if (!stream.startsWith('#')) return stream.startsWith(`${me.id}|`) || stream.endsWith(`|${me.id}`)
    const channel = roster.known(me, stream)
    return channel !== undefined && mayRead(me, channel, roster)
  }

  /** What the message names that has an id, for who may read it. @throws Fail MESSAGE_NOT_FOUND */
  const namedBy = async (ctx: ReadCtx, msgId: string): Promise<readonly FileFacts[]> => {
    const { db, epoch } = ctx
    const place = parseMsgId(msgId, epoch)
    const fate = await db.log.fate(msgId)
    const found = place === undefined || fate === undefined || isMirror(fate.stream) || !isOpen(ctx, fate.stream)
      ? undefined
      : await eventAt(db, fate.stream, place.seq)
    if (found?.msg_id !== msgId) throw noMessage(msgId)
    return found.files ?? []
  }

  /** What a message names that names a file, of those who may be read: the newest. @throws Fail FILE_MISSING */
  const naming = async (ctx: ReadCtx, sha256: string): Promise<readonly FileFacts[]> => {
    for (const { stream, seq } of await refsOf(ctx.db, sha256, maxLookedAt)) {
      const named = isOpen(ctx, stream) ? (await eventAt(ctx.db, stream, seq))?.files : undefined
      if (named?.some(each => each.sha256 === sha256) === true) return named
    }
    throw new Fail('FILE_MISSING', 'No message that you may read names such a file; name the message too')
  }

  /** Finds messages that name files, and those that do not any more: erased, gone by age. */
  const followRefs = async (tx: Tx, now: number): Promise<void> => {
    for (const ref of await unplacedRefs(tx, perSweep)) {
      const found = await search(tx, ref)
      if (found.seq > 0) await placeRef(tx, ref.id, { after: -1, seq: found.seq })
      else if (found.isEnd && now - ref.at > lostMs) await removeRef(tx, ref, now)
      else if (found.after > ref.after) await placeRef(tx, ref.id, { after: found.after, seq: 0 })
    }
    const refs = await placedRefs(tx, cursor, perSweep)
    for (const ref of refs) {
      const event = await eventAt(tx, ref.stream, ref.seq)
      if (event?.files?.some(({ sha256 }) => sha256 === ref.sha256) !== true) await removeRef(tx, ref, now)
    }
    const last = refs.at(-1)
    cursor = refs.length < perSweep || last === undefined ? first : last
  }

  const sweep = async ({ tx, now }: SweepCtx) => {
    await followRefs(tx, now)
    const idle: OwnerRow[] = []
    for (const owner of await idleOwners(tx, now - keepFileMs, perSweep)) if (await removeIdle(tx, owner)) idle.push(owner)
    const gone = await goneFiles(tx, now, perSweep)
    if (idle.length === 0 && gone.length === 0) return undefined
    return {
      committed: () => {
        // What fails is in the tables, and tried again by the next sweep; what is left of an upload, by the next start.
        for (const { upload } of idle) fileBytes.discard(upload).catch(() => undefined)
        const until = now + goingMs
        for (const sha256 of gone) {
          const mayGo = () => fileStore.write(writer => takeGone(writer, sha256, now, until))
          fileBytes.remove(sha256, mayGo, () => fileStore.write(writer => wentFile(writer, sha256, until))).catch(() => undefined)
        }
      },
    }
  }

  return {
    handlers: {
      PUT_FILE: {
        prepare: async ({ agent }, body) => {
          if (agent === undefined) return undefined
          if (!await fileBytes.hasRoom(body.bytes))
            throw new Fail('STORAGE_UNAVAILABLE', 'Little room is left on the disk for files', noRoomMs)
          const isHere = await fileBytes.has(body.sha256)
          return ctx => put(ctx, body, isHere)
        },
        write: (ctx, body) => put(ctx, body, true),
      },
      GET_FILE: {
        async read(ctx, { msg_id, sha256 }) {
          if (msg_id === undefined && sha256 === undefined) throw new Fail('INVALID_MSG', 'Name a message, or a file')
          const named = msg_id === undefined ? await naming(ctx, sha256!) : await namedBy(ctx, msg_id)
          const file = sha256 === undefined ? named[0] : named.find(each => each.sha256 === sha256)
          if (file === undefined) throw new Fail('FILE_MISSING', `The message names no ${sha256 === undefined ? 'file' : 'such file'}`)
          if (!await isWhole(ctx.db, file.sha256)) throw new Fail('FILE_MISSING', 'The file is no longer here')
          const until = ctx.now + readMs
          return reply('FILE_TICKET', {
            url: `/files/${file.sha256}`,
            ticket: ticketOf(resumeSecret, { use: 'get', of: file.sha256, bytes: file.bytes, until }),
            expires_at: until,
            files: [...named],
          })
        },
      },
    },
    sweep,
  }
}

interface StoredMessage {
  readonly from?: string
  readonly msg_id?: string
  readonly files?: readonly FileFacts[]
}

const messageIn = (text: Buffer): StoredMessage => JSON.parse(text.toString()) as StoredMessage

const eventAt = async (db: Db, stream: string, seq: number): Promise<StoredMessage | undefined> => {
  const [row] = await db.log.page(stream, { after: seq - 1, limit: 1, maxBytes: 1 })
  return row?.seq === seq ? messageIn(row.text) : undefined
}

/** The next message behind a place that names the file, is its agent's, and is not known yet; a page at a time. */
const search = async (
  tx: Tx,
  { sha256, agent, stream, after }: RefRow,
): Promise<{ readonly seq: number, readonly after: number, readonly isEnd: boolean }> => {
  const key = Buffer.from(sha256)
  const rows = await tx.log.page(stream, { after, limit: 200, maxBytes: maxPageBytes })
  for (const { seq, text } of rows) {
    // Looked for by its bytes: most messages name no file.
    if (!text.includes(key)) continue
    const message = messageIn(text)
    if (message.from === agent && message.files?.some(each => each.sha256 === sha256) === true && !await isPlaced(tx, sha256, stream, seq))
      return { seq, after, isEnd: false }
  }
  return { seq: 0, after: rows.at(-1)?.seq ?? after, isEnd: rows.length === 0 }
}
