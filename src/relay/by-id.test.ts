import { expect, test } from 'vitest'
import { ById } from './by-id.ts'

/** An id that counts how often it is looked at. */
class Counted {
  static looks = 0
  readonly #id: string

  constructor(n: number) {
    this.#id = `@${String(n).padStart(6, '0')}`
  }

  get id(): string {
    Counted.looks++
    return this.#id
  }
}

test('pages are in order, whatever came and went', () => {
  const [a, b, c, d, e] = ['@a', '@b', '@c', '@d', '@e'].map(id => ({ id })) as [{ id: string }, ...{ id: string }[]]
  const list = new ById([d!, b!, a])
  list.add(e!)
  list.add(c!)
  list.delete(b!)
  list.delete({ id: '@a' })
  list.delete(b!)
  expect(list.after('', 3)).toEqual({ page: [a, c, d], more: true })
  expect(list.after('@d', 3)).toEqual({ page: [e], more: false })
  expect(list.after('@bb', 1)).toEqual({ page: [c], more: true })
  expect(list.after('@e', 3)).toEqual({ page: [], more: false })
})

test('a page of many, and a change of them, look at a few', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => new Counted(i * 2))
  const list = new ById(many)
  Counted.looks = 0
  for (let i = 0; i < 100; i++) list.after(many[i * 199]!.id, 1)
  const newcomer = new Counted(20_001)
  list.add(newcomer)
  list.delete(newcomer)
  expect(Counted.looks).toBeLessThan(102 * 18)
})
