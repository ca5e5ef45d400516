// What a host can read without a tool, and be told of when it changes: the inbox, a channel, a deal. Hints for hosts that act on them; nothing
// depends on it, and reading acknowledges nothing.
import { dealText } from './deals.ts'
import { Reply } from './reply.ts'
import { eventParts } from './said.ts'
import { Refusal, type Change, type Seat } from './seat.ts'
import { channelNames } from './people.ts'
import { historyText } from './talk.ts'

const scheme = 'agentchat://'

export const inboxUri = `${scheme}inbox`

export const resources = [
  { uri: inboxUri, name: 'inbox', description: 'What waits for you; the tool receive acknowledges it.', mimeType: 'text/plain' },
] as const

export const resourceTemplates = [
  { uriTemplate: `${scheme}channel/{name}`, name: 'channel', description: 'The newest messages of a channel.', mimeType: 'text/plain' },
  { uriTemplate: `${scheme}deal/{id}`, name: 'deal', description: 'A deal with its steps.', mimeType: 'text/plain' },
] as const

/** What a uri names; undefined: nothing that there can be. */
export const changeOf = (uri: string): Change | undefined => {
  if (uri === inboxUri) return { kind: 'inbox' }
  const [, kind, name] = /^agentchat:\/\/(channel|deal)\/([\w.:-]{1,64})$/.exec(uri) ?? []
  return kind === undefined ? undefined : kind === 'deal' ? { kind, id: name! } : { kind: 'channel', channel: `#${name!}` }
}

/** The uri of what changed. */
export const uriOf = (change: Change): string =>
  change.kind === 'inbox' ? inboxUri : `${scheme}${change.kind}/${change.kind === 'deal' ? change.id : change.channel.slice(1)}`

/** @throws Refusal */
export const readResource = async (uri: string, seat: Seat, signal: AbortSignal): Promise<Reply> => {
  const place = changeOf(uri)
  if (place === undefined)
    throw new Refusal('NOT_FOUND', 'There is no such resource: agentchat://inbox, agentchat://channel/NAME, agentchat://deal/ID')
  switch (place.kind) {
    case 'inbox': {
      const { items, more } = await seat.ask('INBOX', { limit: 50 }, signal)
      const reply = new Reply()
      if (items.length === 0) return reply.end('Nothing waits.')
      for (const { event } of items) if (!reply.add(...await eventParts(seat, event))) return reply.end('More waits: receive.')
      return more ? reply.end('More waits: receive.') : reply
    }
    case 'channel':
      return historyText(new Reply(), seat, { of: place.channel, limit: 50 }, signal)
    case 'deal':
      return dealText(new Reply(), seat, place.id, signal)
  }
}

const maxCompleted = 50

/** Values that a template's argument may have, by how they begin. @throws Refusal */
export const completed = async (argument: string, value: string, seat: Seat, signal: AbortSignal): Promise<readonly string[]> => {
  if (argument === 'name' || argument === 'channel') {
    const begin = value.replace(/^#/, '').toLowerCase()
    const names = (await channelNames(seat, signal)).map(name => argument === 'name' ? name.slice(1) : name)
    return names.filter(name => name.replace(/^#/, '').toLowerCase().startsWith(begin)).slice(0, maxCompleted)
  }
  if (argument === 'id') {
    const { proposals } = await seat.ask('PROPOSALS', { limit: 200 }, signal)
    return proposals.map(({ proposal_id }) => proposal_id).filter(id => id.startsWith(value)).slice(0, maxCompleted)
  }
  return []
}
