// Which channels the other processes hear, as each tells of itself, with a number like all that is told. Of one that does not tell, as those of
// an older version, or of which something is missing, it is not known: it hears all.
import type { Subject } from '../bus/bus.ts'

export class Interest {
  readonly #heard = new Map<string, Set<Subject>>()

  /** Whether a process may hear a channel, by what it told. */
  hears(node: string, channel: Subject): boolean {
    return this.#heard.get(node)?.has(channel) ?? true
  }

  /** All that a process hears, or undefined: it does not say. Gives what of it is new. */
  learn(node: string, channels: readonly Subject[] | undefined): readonly Subject[] {
    const known = this.#heard.get(node)
    if (channels === undefined) this.#heard.delete(node)
    else this.#heard.set(node, new Set(channels))
    return channels?.filter(channel => known?.has(channel) !== true) ?? []
  }

  /** It begins to hear a channel, or ends. */
  note(node: string, channel: Subject, isHeard: boolean): void {
    const known = this.#heard.get(node)
    if (isHeard) known?.add(channel)
    else known?.delete(channel)
  }

  forget(node: string): void {
    this.#heard.delete(node)
  }
}
