// What may be there at once, or take its time: signatures, by keys that a browser keeps.

/** A value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>

/** Goes on with a value: in this turn where it is there, so that nothing changes for keys that sign at once. */
export const whenThere = <T, R>(value: Awaitable<T>, use: (value: T) => R): Awaitable<R> =>
  value instanceof Promise ? value.then(use) : use(value)
