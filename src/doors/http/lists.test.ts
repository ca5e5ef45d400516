// Where the next page of stored events begins, wherever the number of the first one stands.
import { expect, test } from 'vitest'
import type { DoorVisit } from '../../relay/inside.ts'
import { eventPage } from './lists.ts'
import { resources } from './resources.ts'

test('a number that is cut by what is looked at first is read whole', () => {
  const resource = resources.find(({ type }) => type === 'HISTORY')!
  const visit = { path: '/v1/x', query: new URLSearchParams() } as DoorVisit
  const event = (content: string) => JSON.stringify({ type: 'MSG', content, seq: 123_456_789 })
  for (let chars = 1_980; chars < 2_060; chars++) {
    const text = Buffer.from(`{"type":"HISTORY","more":true,"events":[${event('x'.repeat(chars))},${event('y')}]}`)
    expect(eventPage(visit, resource, text)?.link).toEqual({ link: '</v1/x?before=123456789>; rel="next"' })
  }
})
