// Entries of the inbox that have no position: whatever is lost on the way, each comes to those who handle it once.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryPositions } from './positions.ts'
import { Progress, type Fate, type Place } from './progress.ts'

const newProgress = (received: (place: Place) => void) =>
  new Progress({ positions: new MemoryPositions(), received, moved: () => undefined })

const offer = (progress: Progress, seq: number) => progress.offerOnce({ seq }, `mention ${seq}`)

describe('what was handled, and is offered again because the relay did not hear of it', () => {
  test('counts as handled at once, and is told anew', () => {
    const told: Place[] = []
    const progress = newProgress(place => told.push(place))
    for (const seq of [1, 2, 3]) offer(progress, seq)!.handled()
    progress.heard(told[1]!)
    expect(told).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }])
    // Once more, as often as it is offered.
    for (let times = 1; times <= 3; times++) {
      progress.reconnected()
      expect(offer(progress, 3)).toBeUndefined()
      expect(told).toHaveLength(3 + times)
      expect(told.at(-1)).toEqual({ seq: 3 })
    }
    progress.heard(told.at(-1)!)
    progress.reconnected()
    // What the relay has heard of is forgotten.
    for (const seq of [1, 2, 3]) expect(offer(progress, seq)).toBeDefined()
  })

  test('where an answer names a direct message behind it, it was heard of, too', () => {
    const told: Place[] = []
    const positions = new MemoryPositions()
    const progress = new Progress({ positions, received: place => told.push(place), moved: () => undefined })
    const mention = offer(progress, 1)!
    progress.offer({ msg_id: 'm' }, '@c', 1)
    const direct = progress.see('@c', 1)
    direct.handled()
    expect(told).toEqual([])
    mention.handled()
    expect(told).toEqual([{ msg_id: 'm' }])
    progress.heard(told[0]!)
    progress.reconnected()
    expect(offer(progress, 1)).toBeDefined()
  })

  test('no more of it is kept than of what waits', () => {
    const progress = newProgress(() => undefined)
    for (let seq = 1; seq <= 25_000; seq++) offer(progress, seq)!.handled()
    progress.reconnected()
    expect(offer(progress, 1)).toBeDefined()
    expect(offer(progress, 24_999)).toBeUndefined()
  })

  test('another life of the log knows nothing of it', () => {
    const progress = newProgress(() => undefined)
    offer(progress, 1)!.handled()
    progress.reset('b')
    progress.reconnected()
    expect(offer(progress, 1)).toBeDefined()
  })

  test('though too much came before it to be counted as received', () => {
    const told: Place[] = []
    const progress = newProgress(place => told.push(place))
    offer(progress, 1)!.handled()
    progress.block()
    const handled = offer(progress, 2)!
    handled.handled()
    const open = offer(progress, 3)!
    expect(told).toEqual([{ seq: 1 }])
    progress.reconnected()
    progress.block()
    for (const seq of [1, 2, 3]) expect(offer(progress, seq)).toBeUndefined()
    progress.reconnected()
    for (const seq of [1, 2, 3]) expect(offer(progress, seq)).toBeUndefined()
    expect(told.at(-1)).toEqual({ seq: 2 })
    open.handled()
    expect(told.at(-1)).toEqual({ seq: 3 })
  })

  test('what nobody took comes again', () => {
    const progress = newProgress(() => undefined)
    progress.block()
    offer(progress, 1)!.letGo()
    progress.reconnected()
    expect(offer(progress, 1)).toBeDefined()
  })
})

test('each entry comes once, in whatever order it is said, handled, told, heard of and cut', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('say' as const) },
    { weight: 4, arbitrary: fc.record({ handle: fc.nat() }) },
    { weight: 3, arbitrary: fc.constant('hears' as const) },
    { weight: 2, arbitrary: fc.constant('cut' as const) },
    { weight: 2, arbitrary: fc.constant('cut behind the relay' as const) },
    { weight: 1, arbitrary: fc.constant('block' as const) },
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
    let newest = 0
    let cursor = 0
    let told: Place | undefined
    const came: number[] = []
    const handled = new Set<number>()
    const open: { readonly seq: number, readonly fate: Fate }[] = []
    const progress = newProgress(place => {
      for (let seq = cursor + 1; seq <= place.seq!; seq++) expect(handled.has(seq)).toBe(true)
      told = place
    })
    const come = (seq: number) => {
      const fate = offer(progress, seq)
      if (fate === undefined) return
      came.push(seq)
      open.push({ seq, fate })
    }
    const relayHears = () => cursor = Math.max(cursor, told?.seq ?? 0)
    const cut = () => {
      told = undefined
      progress.reconnected()
      for (let seq = cursor + 1; seq <= newest; seq++) come(seq)
    }
    const hears = () => {
      if (told === undefined) return
      relayHears()
      progress.heard(told)
      told = undefined
    }
    const handle = (n: number) => {
      const [one] = open.splice(n % Math.max(1, open.length), 1)
      if (one === undefined) return
      handled.add(one.seq)
      one.fate.handled()
    }
    for (const each of steps) {
      if (each === 'say') come(++newest)
      else if (each === 'hears') hears()
      else if (each === 'block') progress.block()
      else if (each === 'cut') cut()
      else if (each === 'cut behind the relay') {
        relayHears()
        cut()
      } else handle(each.handle)
    }
    while (open.length > 0) handle(0)
    cut()
    hears()
    expect(came).toEqual(Array.from({ length: newest }, (_, i) => i + 1))
    expect(cursor).toBe(newest)
  }), { numRuns: 100 })
})
