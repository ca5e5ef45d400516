// The reckoning of a run of linked relays: what each home has, what its mirrors have of it, and what agents were told and heard.
import { entryOf, TranscriptRange, type Checkpoint } from '../../lib/identity/index.ts'
import { numberOf } from './account.ts'
import type { SpokenAccount } from './speaker.ts'

export interface LinksVerdict {
  /** Kept by the agent's relay, or told to stand at its home, and not there; or there, and not in a mirror, or not heard. */
  readonly lost: number
  /** Stored twice at its home, or heard twice. */
  readonly doubled: number
  /** An author's messages in another order than said, or heard in another than stored. */
  readonly reordered: number
  /** Told to stand where it does not. */
  readonly misplaced: number
  /** Refused, though nothing was wrong with it. */
  readonly refused: number
  /** Nothing was told of it. */
  readonly unsettled: number
  /** Of mirrors: events that are not, byte for byte, what their home has under that number. */
  readonly unlike: number
  /** Mirrors that do not fit the head that their home signed. */
  readonly unfit: number
  readonly notes: readonly string[]
}

export interface StoredText {
  readonly seq: number
  readonly text: string
}

/** A channel and what there is of it, when all is over. */
export interface Told {
  readonly host: string
  readonly home: readonly StoredText[]
  readonly mirrors: readonly { readonly at: string, readonly events: readonly StoredText[], readonly checkpoint: string | undefined }[]
  readonly spoken: readonly SpokenAccount[]
}

const channel = '#general'

/** `open`: reads a head and checks its signature by the home's key. @throws where it is not signed by that */
export const reckon = (told: readonly Told[], open: (checkpoint: string, host: string) => Checkpoint): LinksVerdict => {
  const counts = { lost: 0, doubled: 0, reordered: 0, misplaced: 0, refused: 0, unsettled: 0, unlike: 0, unfit: 0 }
  const notes: string[] = []
  const count = (what: keyof typeof counts, where: string) => {
    if (counts[what]++ === 0) notes.push(`first ${what}: ${where}`)
  }
  for (const { host, home, mirrors, spoken } of told) {
    const at = new Map<number, { readonly seq: number, readonly msgId: string }>()
    const newest = new Map<SpokenAccount, number>()
    for (const { seq, text } of home) {
      const { content, msg_id: msgId } = JSON.parse(text) as { content: string, msg_id: string }
      const number = numberOf(content)
      const author = spoken.find(({ first, issued }) => number >= first && number < first + issued)
      if (at.has(number)) count('doubled', `${number} at ${host}`)
      else if (author !== undefined && number < (newest.get(author) ?? 0)) count('reordered', `${number} at ${host}`)
      else if (author !== undefined) newest.set(author, number)
      at.set(number, { seq, msgId })
    }
    for (const { first, issued, places, refused, heard } of spoken) {
      for (let n = 0; n < issued; n++) {
        const where = `${first + n} at ${host}`
        const [stored, place] = [at.get(first + n), places.get(n)]
        if (refused.has(n)) {
          count('refused', `${where}: ${refused.get(n)!}`)
          continue
        }
        if (stored === undefined) count('lost', where)
        if (place === undefined) count('unsettled', where)
        else if (place.seq !== stored?.seq || place.msgId !== stored.msgId) count('misplaced', where)
      }
      counts.doubled += heard.duplicated
      counts.reordered += heard.reordered
      for (const { seq, text } of home)
        if (heard.numbers[seq] !== numberOf((JSON.parse(text) as { content: string }).content) + 1)
          count('lost', `${seq} of ${host}, not heard`)
    }
    for (const mirror of mirrors) reckonMirror(host, home, mirror, open, count)
  }
  return { ...counts, notes }
}

const reckonMirror = (
  host: string,
  home: readonly StoredText[],
  { at, events, checkpoint }: Told['mirrors'][number],
  open: (checkpoint: string, host: string) => Checkpoint,
  count: (what: 'lost' | 'unlike' | 'unfit', where: string) => void,
): void => {
  const here = new Map(events.map(({ seq, text }) => [seq, text]))
  const tree = new TranscriptRange()
  for (const { seq, text } of home) {
    const own = here.get(seq)
    const there = own && JSON.stringify({ ...JSON.parse(own) as object, to: channel })
    if (there === undefined) count('lost', `${seq} of ${host}, mirrored at ${at}`)
    else if (there !== text) count('unlike', `${seq} of ${host}, mirrored at ${at}`)
    if (there === undefined) continue
    tree.addVoidsTo(seq - 1)
    tree.add(entryOf(there).leaf)
  }
  for (const { seq } of events.slice(home.length)) count('unlike', `${seq} of ${host}, mirrored at ${at} and not there`)
  try {
    const head = open(checkpoint ?? '', host)
    if (head.size !== tree.size || !Buffer.from(head.root).equals(tree.root))
      count('unfit', `${host}, mirrored at ${at}: ${head.size} events are signed`)
  } catch (error) {
    count('unfit', `${host}, mirrored at ${at}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
