// Channels and agents as tables: lists that several commands show.
import type { Frame } from '../../lib/protocol/index.ts'
import { table } from './table.ts'

type FromRelay = Frame<'CHANNELS'>['list'][number]
export type ListedChannel = Omit<FromRelay, 'name' | 'verifiedOnly'> & {
  readonly channel: string
  readonly verified_only?: true | undefined
}

/** A channel of a list, under the names that all commands use. */
export const asListed = ({ name, verifiedOnly, ...rest }: FromRelay): ListedChannel => ({
  channel: name,
  ...rest,
  ...(verifiedOnly && { verified_only: true }),
})

export const channelTable = table<ListedChannel>(
  { title: 'CHANNEL', text: ({ channel }) => channel, style: () => 'cyan' },
  { title: 'AGENTS', text: ({ agents }) => agents, isNumber: true },
  { title: 'FOR', text: ({ private: isPrivate, verified_only }) => isPrivate ? 'invited' : verified_only ? 'verified' : 'all' },
  { title: 'OWNER', text: ({ owner = '' }) => owner },
  { title: 'TOPIC', text: ({ topic = '' }) => topic },
)
