// What is pinned in channels: asked for when a channel is looked at, and told as it changes.
import { signal } from '@preact/signals'
import type { ChannelName, Frame, Told } from '../../lib/index.ts'
import { told } from '../../lib/protocol/index.ts'
import { here, onClient } from './session.ts'

export interface Pins {
  readonly list: Told<'PINS'>['list']
  /** The messages that are pinned, as far as they fit in one answer. */
  readonly events: Frame<'PINS'>['events']
}

const pins = signal<ReadonlyMap<ChannelName, Pins>>(new Map())

/** undefined: not asked yet. */
export const pinsOf = (channel: ChannelName): Pins | undefined => pins.value.get(channel)

export const isPinned = (channel: ChannelName, msgId: string): boolean => pinsOf(channel)?.list.some(pin => pin.msgId === msgId) === true

/** Asks what is pinned. @throws RelayError */
export const askPins = async (channel: ChannelName): Promise<void> => {
  const frame = await here().request('PINS', { channel })
  pins.value = new Map(pins.peek()).set(channel, { list: told(frame).list, events: frame.events })
}

/** @throws RelayError */
export const setPinned = async (channel: ChannelName, msgId: string, isToBe: boolean): Promise<void> => {
  await here().request(isToBe ? 'PIN' : 'UNPIN', { channel, msg_id: msgId })
  await askPins(channel)
}

onClient(client => {
  pins.value = new Map()
  // The list is short, and has the messages too.
  client.on('PINNED', ({ channel }) => {
    if (pins.peek().has(channel)) void askPins(channel).catch(() => undefined)
  })
})
