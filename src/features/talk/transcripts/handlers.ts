// Signed heads of transcripts, and proofs under them.
import { consistencySpans, inclusionSpans, peakSpans, readCheckpoint, signCheckpoint } from '../../../../lib/identity/transcripts/index.ts'
import { hasHost, type RequestBody } from '../../../../lib/protocol/index.ts'
import { pairStream } from '../../../store/log.ts'
import { GoneError, StreamTree } from '../../../store/transcripts.ts'
import type { Db, TableReader } from '../../../store/store.ts'
import { channelToRead, Fail, reply, type Feature, type Reply } from '../../../relay/feature.ts'
import { Trees } from './trees.ts'

export interface TranscriptOptions {
  readonly serverId: string
  readonly relayKey: { readonly publicKey: string, sign(text: string): string }
  /** What is kept of a channel of another relay that is mirrored here. */
  readonly mirrorOf: (
    db: TableReader,
    channel: string,
  ) => Promise<{ readonly upto: number, readonly checkpoint: string | null } | undefined>
  /** Lets the event loop turn. */
  readonly pause: () => Promise<void>
}

/** Streams that wait to be read, in all and of one address. */
const maxWaiting = 1_000
const maxPerAddress = 16
const maxHeads = 1_000

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export const transcripts = ({ serverId, relayKey, pause, mirrorOf }: TranscriptOptions): Feature<'HEAD'> => {
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

  /** The head that its home signed. What proves more is at the home. */
  const headOfMirror = async (
    db: Db,
    channel: string,
    asked: Pick<RequestBody<'HEAD'>, 'from' | 'seq' | 'peaks'>,
  ): Promise<Reply<'HEAD'>> => {
    const mirror = await mirrorOf(db, channel)
    const { from, seq, peaks } = asked
    if (mirror?.checkpoint == null || seq !== undefined || peaks === true || from !== undefined && from !== mirror.upto)
      throw new Fail('MESSAGE_NOT_FOUND', `What proves that of ${channel} is at its own relay: ask there`)
    const { oldest } = await db.log.head(channel)
    return reply('HEAD', {
      ...{ channel: channel as `#${string}`, size: readCheckpoint(mirror.checkpoint).size, oldest, checkpoint: mirror.checkpoint },
    })
  }

  return {
    handlers: {
      HEAD: {
        async read({ me, db, roster, epoch, asker }, { channel: name, with: other, from, seq, peaks }) {
          if ((name === undefined) === (other === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of channel and with')
          if (name !== undefined) channelToRead(me, name, roster)
          if (hasHost(name)) return headOfMirror(db, name, { from, seq, peaks })
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
              return reply('HEAD', { ...where, size, oldest, checkpoint, ...proofs })
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
