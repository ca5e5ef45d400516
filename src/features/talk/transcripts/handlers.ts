// Signed heads of transcripts, and proofs under them.
import {
  consistencySpans,
  cosignedAt,
  inclusionSpans,
  openCheckpoint,
  peakSpans,
  isWitnessKey,
  readCheckpoint,
  readWitnessKey,
  relayWitness,
  signCheckpoint,
  TranscriptRange,
} from '../../../../lib/identity/transcripts/index.ts'
import { fingerprintOf } from '../../../../lib/identity/index.ts'
import { hasHost, type RequestBody } from '../../../../lib/protocol/index.ts'
import { blankedAfter } from '../../../store/blanked.ts'
import { pairStream } from '../../../store/log.ts'
import { GoneError, StreamTree } from '../../../store/transcripts.ts'
import type { Db, TableReader } from '../../../store/store.ts'
import { channelToRead, Fail, reply, type Feature, type Reply } from '../../../relay/feature.ts'
import { addCosigned, cosignedHeads } from './cosignatures.ts'
import { Trees } from './trees.ts'

export interface TranscriptOptions {
  readonly serverId: string
  readonly relayKey: { readonly publicKey: string, sign(text: string): string }
  /** What is kept of a channel of another relay that is mirrored here. */
  readonly mirrorOf: (
    db: TableReader,
    channel: string,
  ) => Promise<{ readonly upto: number, readonly tree: string, readonly checkpoint: string | null } | undefined>
  /** Since when (ms) its home is not heard. */
  readonly staleSince: (db: TableReader, channel: string, now: number) => Promise<number | undefined>
  /** Heads of its tree that this relay cosigned, none larger than a size. */
  readonly ownCosigned: (db: TableReader, checkpoint: string, most: number | undefined) => Promise<readonly string[]>
  /** Whose cosignatures are kept: relays by their server_id, others by their keys (`readWitnessKey`). */
  readonly witnesses: readonly string[]
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  /** Lets the event loop turn. */
  readonly pause: () => Promise<void>
}

/** Streams that wait to be read, in all and of one address. */
const maxWaiting = 1_000
const maxPerAddress = 16
const maxHeads = 1_000
const maxErasures = 100

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export const transcripts = (
  { serverId, relayKey, pause, mirrorOf, staleSince, ownCosigned, verify, ...options }: TranscriptOptions,
): Feature<'HEAD' | 'COSIGN' | 'ERASURES'> => {
  const witnesses = new Set(options.witnesses)
  /** They have no session here: their lines are handed in by others. */
  const elsewhere = options.witnesses.filter(isWitnessKey).map(named => ({ named, key: readWitnessKey(named) }))
  const trees = new Trees({ pause, maxWaiting, maxPerAddress })
  /** Heads that were signed last, by stream and size. */
  const heads = new Map<string, string>()

  const signed = async (db: Parameters<StreamTree['range']>[0], tree: StreamTree, stream: string, epoch: string): Promise<string> => {
    const { size } = tree
    const key = `${stream} ${tree.stream} ${size}`
    const known = heads.get(key)
    if (known !== undefined) return known
    const { root } = await tree.range(db)
    const head = signCheckpoint({ relay: serverId, epoch, stream, size, root }, relayKey)
    if (heads.size >= maxHeads) heads.delete(heads.keys().next().value!)
    heads.set(key, head)
    return head
  }

  /** The head that its home signed, and those that this relay cosigned, as a witness: none larger than `from`. What proves more is at the home. */
  const headOfMirror = async (
    db: Db,
    channel: string,
    { from, seq, peaks, witnessed }: RequestBody<'HEAD'>,
    now: number,
  ): Promise<Reply<'HEAD'>> => {
    const mirror = await mirrorOf(db, channel)
    // Everything goes on from nothing.
    const isKnown = from === undefined || from === 0 || from === mirror?.upto
    if (mirror?.checkpoint == null || seq !== undefined || witnessed !== true && !isKnown)
      throw new Fail('MESSAGE_NOT_FOUND', `What proves that of ${channel} is at its own relay: ask there`)
    const { size } = readCheckpoint(mirror.checkpoint)
    if (peaks === true && from !== 0 && size !== mirror.upto)
      throw new Fail('BUSY', `${channel} has more at its own relay: it is on its way here`, 1_000)
    const { oldest } = await db.log.head(channel)
    const stale = await staleSince(db, channel, now)
    return reply('HEAD', {
      ...{ channel: channel as `#${string}`, size, oldest, checkpoint: mirror.checkpoint },
      ...(stale !== undefined && { stale_since: stale }),
      ...(peaks === true && { peaks: from === 0 ? [] : TranscriptRange.from(mirror.tree)!.peaks.map(base64) }),
      ...(witnessed === true && { witnessed: [...await ownCosigned(db, mirror.checkpoint, from)] }),
    })
  }

  /** Whose line it may be. @throws Fail */
  const cosigners = ({ pubkey }: { readonly pubkey: string | null }) => {
    const own = pubkey === null ? undefined : fingerprintOf(pubkey)
    const isKnown = pubkey !== null && own !== undefined && witnesses.has(own)
    if (!isKnown && elsewhere.length === 0)
      throw new Fail('NOT_ALLOWED', 'Only witnesses that this relay knows cosign its heads (its setting witnesses)')
    return [...(isKnown ? [{ named: own, key: relayWitness(pubkey) }] : []), ...elsewhere]
  }

  /** What a witness made of a head that this relay signed, with one line under it. @throws Fail */
  const cosigned = (me: { readonly pubkey: string | null }, text: string) => {
    const known = cosigners(me)
    try {
      const head = openCheckpoint(text, relayKey.publicKey, verify)
      const checkpoint = signCheckpoint(head, relayKey)
      const line = text.slice(checkpoint.length)
      const isOne = text.startsWith(checkpoint) && line.indexOf('\n') === line.length - 1
      const by = isOne ? known.find(({ key }) => cosignedAt(text, key, verify) !== undefined) : undefined
      if (by !== undefined) return { head, witness: by.named, checkpoint, line }
    } catch { /* told below */ }
    throw new Fail('INVALID_MSG', 'checkpoint: not a head of this relay with the cosignature of a witness under it')
  }

  return {
    handlers: {
      COSIGN: {
        async write({ me, tx, roster, epoch }, { channel, checkpoint: text }) {
          channelToRead(me, channel, roster)
          const { head, ...kept } = cosigned(me, text)
          if (head.stream !== channel || head.epoch !== epoch) throw new Fail('INVALID_MSG', `checkpoint: not of ${channel} as it is now`)
          await addCosigned(tx, channel, { ...kept, epoch, size: head.size })
          return { reply: reply('OK', {}) }
        },
      },
      ERASURES: {
        async read({ me, db, roster, epoch }, { channel, after = 0 }) {
          channelToRead(me, channel, roster)
          const stream = await db.log.streamId(channel)
          const found = stream === undefined ? [] : await blankedAfter(db, stream, after, maxErasures + 1)
          const shown = found.slice(0, maxErasures)
          const upto = shown.at(-1)?.n ?? after
          return reply('ERASURES', { channel, epoch, seqs: shown.map(({ seq }) => seq), upto, more: found.length > shown.length })
        },
      },
      HEAD: {
        async read({ me, db, roster, epoch, asker, now }, body) {
          const { channel: name, with: other, from, seq, peaks, witnessed: isWitnessed } = body
          if ((name === undefined) === (other === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of channel and with')
          if (name !== undefined) channelToRead(me, name, roster)
          if (hasHost(name)) return headOfMirror(db, name, body, now)
          const stream = name ?? pairStream(me.id, other!)
          const where = name === undefined ? { with: other! } : { channel: name }
          const id = await db.log.streamId(stream)
          if (!trees.hasRoom(asker.address)) throw new Fail('BUSY', 'Too many transcripts wait to be read; try again in a moment', 1_000)
          return trees.ask(db, stream, id, asker.address, async (tree, events) => {
            const { size } = tree
            const checkpoint = await signed(db, tree, stream, epoch)
            const hashes = async (spans: Parameters<StreamTree['hashesOf']>[2]) => (await tree.hashesOf(db, events, spans)).map(base64)
            try {
              if (seq !== undefined && (seq < 1 || seq > size || seq <= tree.cut)) throw new GoneError()
              const proofs = {
                ...(from !== undefined && from <= size && { consistency: await hashes(consistencySpans(from, size)) }),
                ...(peaks === true && (from ?? 0) <= size && { peaks: await hashes(peakSpans(from ?? size)) }),
                ...(seq !== undefined && { inclusion: await hashes(inclusionSpans(seq - 1, size)) }),
              }
              const { oldest } = await db.log.head(stream)
              const witnessed = isWitnessed === true ? await cosignedHeads(db, stream, { epoch, size, witnesses }) : []
              const lines = witnessed[0]?.size === size ? witnessed[0].lines : ''
              return reply('HEAD', {
                ...{ ...where, size, oldest, checkpoint: checkpoint + lines, ...proofs },
                ...(isWitnessed === true && { witnessed: witnessed.map(({ text }) => text) }),
              })
            } catch (error) {
              if (!(error instanceof GoneError)) throw error
              throw new Fail('MESSAGE_NOT_FOUND', 'What would prove that is not kept any more: the transcript begins later')
            }
          })
        },
      },
    },
    async tick({ tx }) {
      const committed = await trees.store(tx)
      return committed && { committed }
    },
  }
}
