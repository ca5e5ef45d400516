import { expect, test } from 'vitest'
import type { Frame } from '../../lib/protocol/index.ts'
import { Pace } from './pace.ts'
import { sendLines } from './sender.ts'

interface Line {
  readonly content: string
}

const ackOf = ({ content }: Line): Frame<'ACK'> => ({ type: 'ACK', ts: 1, re: content, msg_id: content, to: '#general', seq: 1 })

/** Lines whose acknowledgements a test gives by hand. */
const start = (contents: AsyncIterable<string> | Iterable<string>, { maxWaiting = 10, maxWaitingChars = 1_000 } = {}) => {
  const sent = new Map<string, { readonly acknowledge: () => void, readonly refuse: (error: Error) => void }>()
  const acknowledged: string[] = []
  const lines = async function*() {
    for await (const content of contents) yield { content }
  }
  const done = sendLines<Line>(lines(), {
    send: line =>
      new Promise((resolve, reject) => {
        sent.set(line.content, { acknowledge: () => resolve(ackOf(line)), refuse: reject })
      }),
    onAck: ({ content }) => acknowledged.push(content),
    pace: new Pace({ perSecond: 0, burst: 1 }),
    maxWaiting,
    maxWaitingChars,
    now: () => 0,
    signal: new AbortController().signal,
  })
  done.catch(() => undefined)
  return { sent, acknowledged, done, settle: () => new Promise(resolve => setImmediate(resolve)) }
}

test('acknowledgements are told in line order, in whatever order they come', async () => {
  const run = start(['a', 'b', 'c'])
  await run.settle()
  run.sent.get('c')!.acknowledge()
  run.sent.get('b')!.acknowledge()
  await run.settle()
  expect(run.acknowledged).toEqual([])
  run.sent.get('a')!.acknowledge()
  await run.done
  expect(run.acknowledged).toEqual(['a', 'b', 'c'])
})

test('no more lines wait than allowed, by number and by length', async () => {
  const byNumber = start(['a', 'b', 'c', 'd'], { maxWaiting: 2 })
  await byNumber.settle()
  expect([...byNumber.sent.keys()]).toEqual(['a', 'b'])
  byNumber.sent.get('a')!.acknowledge()
  await byNumber.settle()
  expect([...byNumber.sent.keys()]).toEqual(['a', 'b', 'c'])

  const byLength = start(['long', 'also long', 'x'], { maxWaitingChars: 3 })
  await byLength.settle()
  expect([...byLength.sent.keys()]).toEqual(['long'])
})

test('a refused line ends it at once, though the next line has not come yet', async () => {
  const silent = async function*() {
    yield 'a'
    await new Promise(() => undefined)
  }
  const run = start(silent())
  await run.settle()
  run.sent.get('a')!.refuse(new Error('no'))
  await expect(run.done).rejects.toThrow('no')
})

test('when the input breaks, what was sent before it is still acknowledged first', async () => {
  const broken = async function*() {
    yield 'a'
    throw new Error('not UTF-8')
  }
  const run = start(broken())
  await run.settle()
  run.sent.get('a')!.acknowledge()
  await expect(run.done).rejects.toThrow('not UTF-8')
  expect(run.acknowledged).toEqual(['a'])
})
