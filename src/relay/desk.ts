// Requests at the HTTP doors are answered in steps, and nobody can say how long each took. So a few are under way at once, of each address one
// or two, and the next of an address begins in its slice of a turn. The others wait, their bodies unread.
import { timerMs } from '../../lib/protocol/timer.ts'
import type { Slices } from './slices.ts'
import { Fifo, type Source } from './turns.ts'

/** What begins; it says when it is over. */
export type Work = (over: () => void) => void

interface Line {
  underWay: number
  readonly waiting: Fifo<Step>
}

interface Step {
  readonly source: Source
  readonly line: Line
  readonly work: Work
}

/** How many are under way: of one address, and in all. */
const maxOfAddress = 2
const maxInAll = 12
/** Whoever takes longer waits for something else meanwhile, and stands in nobody's way. */
const patienceMs = 50

export class Desk {
  readonly #slices: Pick<Slices, 'wait' | 'begin' | 'end'>
  /** By address. */
  readonly #lines = new Map<string, Line>()
  /** Those whose address may, until there is room: no address has more than a few here. */
  readonly #next = new Fifo<Step>()
  #underWay = 0

  constructor(slices: Pick<Slices, 'wait' | 'begin' | 'end'>) {
    this.#slices = slices
  }

  enter(source: Source, work: Work): void {
    let line = this.#lines.get(source.address)
    if (line === undefined) this.#lines.set(source.address, line = { underWay: 0, waiting: new Fifo() })
    line.waiting.push({ source, line, work })
    this.#goOn(line)
  }

  #goOn(line: Line): void {
    while (line.underWay < maxOfAddress && line.waiting.length > 0) {
      line.underWay++
      this.#next.push(line.waiting.shift()!)
    }
    while (this.#underWay < maxInAll && this.#next.length > 0) {
      this.#underWay++
      const step = this.#next.shift()!
      this.#slices.wait(step.source, () => this.#begin(step))
    }
  }

  #begin({ source, line, work }: Step): void {
    let isOver = false
    const over = () => {
      if (isOver) return
      isOver = true
      clearTimeout(patience)
      this.#underWay--
      line.underWay--
      this.#goOn(line)
      if (line.underWay === 0 && this.#lines.get(source.address) === line) this.#lines.delete(source.address)
    }
    const patience = setTimeout(over, timerMs(patienceMs)).unref()
    const begunAt = this.#slices.begin()
    work(over)
    this.#slices.end(source, begunAt)
  }
}
