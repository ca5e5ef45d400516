// Streams as one: in the order in which they bring something, each asked on when the program is done with what it brought.
import { expect, test } from 'vitest'
import { mergedStreams } from './merged-streams.ts'

/** A stream that says when it is asked, and brings what it is given. */
const stream = (name: string, asked: string[]) => {
  const given: ((result: IteratorResult<string>) => void)[] = []
  let fail: (error: Error) => void = () => undefined
  const iterator: AsyncIterableIterator<string> = {
    next: () =>
      new Promise((resolve, reject) => {
        asked.push(name)
        given.push(resolve)
        fail = reject
      }),
    return: () => {
      asked.push(`${name} left`)
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return {
    source: { stream: iterator, of: (value: string) => `${name}${value}` },
    bring: (value: string) => given.shift()!({ done: false, value }),
    end: () => given.shift()!({ done: true, value: undefined }),
    fail: (error: Error) => fail(error),
  }
}

test('what comes first is given first, and only who brought it is asked on', async () => {
  const asked: string[] = []
  const [a, b] = [stream('a', asked), stream('b', asked)]
  const merged = mergedStreams([a.source, b.source])
  const first = merged.next()
  expect(asked).toEqual(['a', 'b'])
  b.bring('1')
  expect(await first).toEqual({ done: false, value: 'b1' })
  expect(asked).toEqual(['a', 'b'])
  const second = merged.next()
  expect(asked).toEqual(['a', 'b', 'b'])
  a.bring('1')
  expect(await second).toEqual({ done: false, value: 'a1' })
})

test('several may be asked for at once: both are asked on by the next', async () => {
  const asked: string[] = []
  const [a, b] = [stream('a', asked), stream('b', asked)]
  const merged = mergedStreams([a.source, b.source])
  const both = [merged.next(), merged.next()]
  a.bring('1')
  b.bring('1')
  expect(await Promise.all(both)).toEqual([{ done: false, value: 'a1' }, { done: false, value: 'b1' }])
  const third = merged.next()
  expect(asked).toEqual(['a', 'b', 'a', 'b'])
  b.bring('2')
  expect(await third).toEqual({ done: false, value: 'b2' })
})

test('one that ends, or fails, ends all; and so does who leaves', async () => {
  for (const how of ['end', 'fail', 'leave'] as const) {
    const asked: string[] = []
    const [a, b] = [stream('a', asked), stream('b', asked)]
    const merged = mergedStreams([a.source, b.source])
    const next = merged.next()
    if (how === 'end') b.end()
    if (how === 'fail') b.fail(new Error('lost'))
    if (how === 'leave') await merged.return!()
    if (how === 'fail') await expect(next).rejects.toThrow('lost')
    else expect(await next).toEqual({ done: true, value: undefined })
    expect(asked.slice(2)).toEqual(['a left', 'b left'])
    expect(await merged.next()).toEqual({ done: true, value: undefined })
  }
})
