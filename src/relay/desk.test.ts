import { expect, test, vi } from 'vitest'
import { Desk } from './desk.ts'
import { Slices } from './slices.ts'

/** A desk whose turns are taken by hand; each that begins is noted by its name, with the function that ends it. */
const desk = () => {
  let next: (() => void)[] = []
  const begun: { readonly name: string, readonly over: () => void }[] = []
  const made = new Desk(new Slices({ now: () => 0, later: then => next.push(then) }))
  return {
    begun,
    names: () => begun.map(({ name }) => name),
    enter: (address: string, name: string) => made.enter({ address }, over => begun.push({ name, over })),
    turn: () => {
      const now = next
      next = []
      for (const then of now) then()
    },
  }
}

test('of one address two are under way, in their order, and another address does not wait behind those that wait', () => {
  const { begun, names, enter, turn } = desk()
  for (let i = 0; i < 5; i++) enter('192.0.2.1', `a${i}`)
  enter('192.0.2.2', 'b0')
  turn()
  expect(names()).toEqual(['a0', 'b0', 'a1'])
  begun[2]!.over()
  begun[2]!.over()
  turn()
  expect(names()).toEqual(['a0', 'b0', 'a1', 'a2'])
})

test('of a hundred addresses twelve are under way, and all come to their turn', () => {
  const { begun, names, enter, turn } = desk()
  for (let i = 0; i < 100; i++) enter(`192.0.2.${i}`, `${i}`)
  turn()
  expect(begun).toHaveLength(12)
  for (let ended = 0; ended < begun.length; ended++) {
    begun[ended]!.over()
    turn()
  }
  expect(names()).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
})

test('who waits for something else holds nobody up', () => {
  vi.useFakeTimers()
  try {
    const { names, enter, turn } = desk()
    for (let i = 0; i < 4; i++) enter('192.0.2.1', `a${i}`)
    turn()
    vi.advanceTimersByTime(49)
    turn()
    expect(names()).toEqual(['a0', 'a1'])
    vi.advanceTimersByTime(1)
    turn()
    expect(names()).toEqual(['a0', 'a1', 'a2', 'a3'])
  } finally {
    vi.useRealTimers()
  }
})
