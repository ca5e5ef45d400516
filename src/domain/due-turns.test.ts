import { expect, test } from 'vitest'
import { DueTurns } from './due-turns.ts'

interface Deed {
  readonly id: string
}

/** What is due, oldest first, and what was carried out: a turn that throws is undone. */
const begun = (ids: readonly string[], perTurn: number, carryOut: (id: string) => string | undefined) => {
  const turns = new DueTurns(perTurn)
  const left = new Set(ids)
  const turn = async (): Promise<readonly string[]> => {
    const found: Deed[] = [...left].slice(0, turns.looked).map(id => ({ id }))
    try {
      const done = await turns.run(found, ({ id }) => Promise.resolve(carryOut(id)))
      for (const id of done) left.delete(id)
      return done
    } catch {
      return ['undone']
    }
  }
  return { turn, left }
}

test('one that cannot be carried out holds up no other, and is tried once more when they are through', async () => {
  let isMended = false
  const { turn } = begun(['a', 'b', 'c'], 2, id => {
    if (id === 'a' && !isMended) throw new Error('not now')
    return id
  })
  const turns: (readonly string[])[] = []
  for (let i = 0; i < 5; i++) turns.push(await turn())
  expect(turns).toEqual([['undone'], ['undone'], ['b'], ['c'], []])
  isMended = true
  expect(await turn()).toEqual(['a'])
})

test('those that are not for now take nobody their place, however many they are', async () => {
  let isTime = false
  const waiting = Array.from({ length: 7 }, (_, i) => `waits ${i}`)
  const { turn, left } = begun([...waiting, 'ready'], 2, id => id === 'ready' || isTime ? id : undefined)
  for (let i = 0; i < 4; i++) await turn()
  expect(left).not.toContain('ready')
  isTime = true
  for (let i = 0; i < 6; i++) await turn()
  expect([...left]).toEqual([])
})
