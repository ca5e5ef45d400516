// Messages that others are writing: as far as their pieces came, until the message that ends them does.
import { signal } from '@preact/signals'
import { Grown, type AgentId, type Target } from '../../lib/index.ts'
import { timerMs } from '../../lib/protocol/timer.ts'
import { onMessage, placeOf } from './logs.ts'
import { onClient } from './session.ts'

/** A message under way. */
export interface Growing {
  readonly key: string
  readonly place: Target
  readonly from: AgentId
  readonly name: string
  readonly text: string
  /** ms since 1970 */
  readonly at: number
}

/** What nobody goes on with is not shown for longer. */
const staleMs = 20_000
const maxShown = 20

export const growing = signal<readonly Growing[]>([])

const without = (key: string): readonly Growing[] => growing.peek().filter(each => each.key !== key)

onClient(client => {
  const grown = new Grown()
  growing.value = []
  client.on('DELTA', piece => {
    const text = grown.add(piece)
    if (text === undefined) return
    const { from, fromName: name, to, stream } = piece
    const [key, at] = [`${from} ${stream}`, Date.now()]
    const place = placeOf({ from, to })
    growing.value = [...without(key), { key, place, from, name, text, at }].slice(-maxShown)
    setTimeout(() => {
      if (growing.peek().some(each => each.key === key && each.at === at)) growing.value = without(key)
    }, timerMs(staleMs))
  })
})

onMessage((_place, frame) => {
  if (frame.stream === undefined) return
  const key = `${frame.from} ${frame.stream}`
  if (growing.peek().some(each => each.key === key)) growing.value = without(key)
})
