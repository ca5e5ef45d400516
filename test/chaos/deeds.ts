// What the n-th of a sender's messages is: most are said and stay as they are; some are edits and retractions of earlier ones, some grow
// before they are said, some bring a file. Each is an event of its own with a number of its own, like any other.

export type Deed =
  | { readonly kind: 'say' | 'grow' | 'file' }
  /** Of the sender's message `target`. */
  | { readonly kind: 'edit' | 'retract', readonly target: number }

const round = 24
/** By their place in a round: what is done, and how many messages before it that stands which it is done to. */
const changes: Readonly<Record<number, readonly ['edit' | 'retract', number]>> = {
  9: ['edit', 3],
  10: ['edit', 4],
  13: ['edit', 2],
  17: ['retract', 3],
  18: ['retract', 12],
}
const growsAt = 20
const fileAt = 21
const filesEvery = 4

/** @param every of so many rounds one has deeds in it; in the others all is said and stays as it is */
export const deedOf = (n: number, every: number): Deed => {
  if (Math.floor(n / round) % every !== 0) return { kind: 'say' }
  const place = n % round
  const change = changes[place]
  if (change !== undefined) return { kind: change[0], target: n - change[1] }
  return { kind: place === growsAt ? 'grow' : Math.floor(n / round / every) % filesEvery === 0 && place === fileAt ? 'file' : 'say' }
}

const of = (kind: 'edit' | 'retract', target: number, every: number): readonly number[] =>
  Math.floor(target / round) % every !== 0
    ? []
    : Object.entries(changes).flatMap(([place, [does, back]]) =>
      does === kind && target % round === Number(place) - back ? [target + back] : []
    )

/** Whether something becomes of a message later. */
export const isTarget = (n: number, every: number): boolean => of('edit', n, every).length + of('retract', n, every).length > 0
/** The message that takes another one back. */
export const retractionOf = (target: number, every: number): number | undefined => of('retract', target, every)[0]
