// Whether an address may be posted to, asked of the guard before it is saved. A name may be slow to be found, and is somebody else's to
// make slow: nobody waits for it longer than a moment, and what is found later is there when it is asked again.
import { timerMs } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'

/** How long a request waits, with others behind it. */
const waitMs = 250
/** Addresses that are looked up at once. */
const maxOpen = 4
/** How long an answer is good for, and of how many it is kept. */
const goodMs = 60_000
const maxKept = 100

interface LookUp {
  readonly at: number
  readonly found: Promise<string | undefined>
  isOpen: boolean
}

export class LookUps {
  readonly #check: (url: string) => Promise<string | undefined>
  readonly #byUrl = new Map<string, LookUp>()

  constructor(check: (url: string) => Promise<string | undefined>) {
    this.#check = check
  }

  /** Why nothing may be posted there; undefined: it may. @throws Fail BUSY it is not known yet */
  async of(url: string, now: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(() => resolve('late'), timerMs(waitMs))
    })
    try {
      const found = await Promise.race([this.#begun(url, now).found, late])
      if (found === 'late') throw new Fail('BUSY', 'The name in this address is still being looked up: ask again in a second', 1_000)
      return found
    } finally {
      clearTimeout(timer)
    }
  }

  #begun(url: string, now: number): LookUp {
    const known = this.#byUrl.get(url)
    if (known !== undefined && (known.isOpen || now - known.at < goodMs)) return known
    const all = [...this.#byUrl.values()]
    if (all.filter(({ isOpen }) => isOpen).length >= maxOpen)
      throw new Fail('BUSY', 'Other addresses are being looked up: ask again in a second', 1_000)
    if (this.#byUrl.size >= maxKept) { for (const [key, { isOpen }] of this.#byUrl) if (!isOpen) this.#byUrl.delete(key) }
    const begun: LookUp = {
      at: now,
      found: this.#check(url).finally(() => {
        begun.isOpen = false
      }),
      isOpen: true,
    }
    this.#byUrl.set(url, begun)
    return begun
  }
}
