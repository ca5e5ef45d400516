// A page of another relay's channel, and whether it is what that relay signed: each event is put under the tree as its home has it, and the tree
// has to be the beginning of the one under the signed head. What is not is refused before anybody sees it.
import { entryOf, isConsistent, openCheckpoint, TranscriptRange, type Checkpoint, type Verify } from '../../lib/identity/index.ts'
import { fromBase64 } from '../../lib/identity/pem.ts'
import { decodeFrame, type Frame } from '../../lib/protocol/index.ts'
import type { HomeEvent } from '../features/links/bridge/peer.ts'

/** What came does not fit what was signed, or is nothing that a relay stores. */
export class Misfit extends Error {}

/** Larger than any event that relays store. */
const maxEventChars = 1024 * 1024

/** @throws Misfit */
export const homeEvent = (text: string, channel: string, after: number): HomeEvent => {
  if (text.length > maxEventChars) throw new Misfit('an event is larger than any')
  const decoded = decodeFrame(text)
  if (!decoded.ok || decoded.frame.type !== 'MSG') throw new Misfit('it holds what is no message')
  const { seq, ts, msg_id: msgId, from, to, content, edit, retract } = decoded.frame
  if (to !== channel) throw new Misfit(`it holds what was said in ${to.slice(0, 40)}`)
  if (seq === undefined || seq <= after || msgId === undefined) throw new Misfit('its numbers do not rise')
  return { seq, ts, msgId, from, said: edit === undefined && retract === undefined ? content : undefined, text }
}

/** Adds events to a tree. What is left out between two of them is nothing there either. @throws Misfit, IdentityError */
export const addEvents = (tree: TranscriptRange, events: readonly HomeEvent[]): void => {
  for (const { seq, text } of events) {
    tree.addVoidsTo(seq - 1)
    tree.add(entryOf(text).leaf)
  }
}

export interface HomeKey {
  readonly serverId: string
  /** PEM, as it was proved. */
  readonly key: string
}

/** @throws Misfit, IdentityError */
export const headOf = ({ checkpoint }: Frame<'HEAD'>, { key, serverId }: HomeKey, channel: string, verify: Verify): Checkpoint => {
  const head = openCheckpoint(checkpoint, key, verify)
  if (head.stream !== channel || head.relay !== serverId) throw new Misfit('its head is of another stream')
  return head
}

export const nodes = (texts: readonly string[] | undefined): readonly Uint8Array[] =>
  (texts ?? []).map(text => fromBase64(text) ?? new Uint8Array(0))

/** A tree whose events are not here: the roots that it consists of, as the head's answer gives them. They are checked with what comes behind. */
export const treeOfPeaks = (size: number, { peaks }: Frame<'HEAD'>): TranscriptRange => {
  const roots = nodes(peaks)
  try {
    return TranscriptRange.of(size, roots)
  } catch {
    throw new Misfit('what its tree consists of is not what a tree of that size does')
  }
}

/** @throws Misfit where the tree is not the beginning of what was signed */
export const checkBeginning = (tree: TranscriptRange, head: Checkpoint, { consistency }: Frame<'HEAD'>): void => {
  if (head.size < tree.size) throw new Misfit(`its relay signs ${head.size} events and had ${tree.size}: it went back`)
  if (!isConsistent(tree, head, nodes(consistency)))
    throw new Misfit(`its first ${tree.size} events are not what its relay signed`)
}
