// Several streams of messages as one, in the order in which they bring them; each waits until the program is done with what it brought.

export interface Merged<T, U> {
  readonly stream: AsyncIterableIterator<T>
  /** What is given of it. */
  readonly of: (value: T) => U
}

/** Ends with the first of them that ends, or that fails: then it rejects with that. Who leaves it leaves all. */
export const mergedStreams = <T, U>(sources: readonly Merged<T, U>[]): AsyncIterableIterator<U> => {
  const ready: (() => IteratorResult<U>)[] = []
  const waiting: (() => void)[] = []
  /** Who is asked for its next one once the program wants another: it is done with the last one then. */
  let due: readonly Merged<T, U>[] = sources
  let isOver = false

  const bring = (settle: () => IteratorResult<U>) => {
    ready.push(settle)
    waiting.shift()?.()
  }
  const askFor = (source: Merged<T, U>) =>
    source.stream.next().then(
      ({ done, value }) =>
        bring(() => {
          if (done === true) return leave()
          due = [...due, source]
          return { done: false, value: source.of(value as T) }
        }),
      (error: unknown) =>
        bring(() => {
          leave()
          throw error
        }),
    )
  const leave = (): IteratorResult<U> => {
    isOver = true
    for (const { stream } of sources) void stream.return?.()
    for (const wake of waiting.splice(0)) wake()
    return { done: true, value: undefined }
  }
  return {
    async next() {
      const asked = due
      due = []
      for (const source of asked) void askFor(source)
      while (!isOver) {
        const settle = ready.shift()
        if (settle !== undefined) return settle()
        await new Promise<void>(resolve => waiting.push(resolve))
      }
      return { done: true, value: undefined }
    },
    return: () => Promise.resolve(leave()),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
