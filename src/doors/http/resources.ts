// The resources: paths for people with curl, each of them one request of the protocol.
import type { RequestType } from '../../../lib/protocol/index.ts'

export interface Resource {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With {name} where a part of it is a value. */
  readonly path: string
  readonly type: RequestType
  /** Fields of the request that stand in the path; a channel without its #, an agent with or without its @. */
  readonly inPath?: Readonly<Record<string, string>>
  /** Fields that are always the same. */
  readonly fixed?: Readonly<Record<string, unknown>>
  readonly status: 200 | 201 | 204
  /** The list in the answer: it is `items` here. */
  readonly list?: string
  /** The field of the answer that is all of it here. */
  readonly only?: string
  /**
   * What the next page is asked by: a parameter, and what of the last entry it takes; count: how many came so far. Where that parameter was
   * not given, pages go back: by another one, from the first entry.
   */
  readonly next?: { readonly field: string, readonly of: string, readonly back?: string }
  /** The field of the request that all parameters are fields of, and parameters that are called otherwise there. */
  readonly within?: { readonly field: string, readonly names: Readonly<Record<string, string>> }
}

const channel = { channel: 'channel' }
const agent = { agent: 'agent' }
const proposal = { id: 'proposal_id' }
const dispute = { id: 'dispute_id' }
const webhook = { id: 'webhook_id' }

/** What is done to one of a kind: each a path behind its own. */
const steps = (path: string, inPath: Resource['inPath'], types: Readonly<Record<string, RequestType>>): readonly Resource[] =>
  Object.entries(types).map(([name, type]) => ({
    method: 'POST',
    path: `${path}/${name}`,
    type,
    ...(inPath !== undefined && { inPath }),
    status: 200,
  }))

export const resources: readonly Resource[] = [
  { method: 'GET', path: '/v1/channels', type: 'LIST_CHANNELS', status: 200, list: 'list', next: { field: 'after', of: 'name' } },
  { method: 'POST', path: '/v1/channels', type: 'CREATE_CHANNEL', status: 201 },
  { method: 'PATCH', path: '/v1/channels/{channel}', type: 'SET_TOPIC', inPath: channel, status: 200 },
  { method: 'DELETE', path: '/v1/channels/{channel}', type: 'DELETE_CHANNEL', inPath: channel, status: 204 },
  {
    method: 'GET',
    path: '/v1/channels/{channel}/members',
    type: 'LIST_AGENTS',
    inPath: channel,
    status: 200,
    list: 'list',
    next: { field: 'after', of: 'id' },
  },
  { method: 'PUT', path: '/v1/channels/{channel}/members/me', type: 'JOIN', inPath: channel, fixed: { limit: 0 }, status: 200 },
  { method: 'DELETE', path: '/v1/channels/{channel}/members/me', type: 'LEAVE', inPath: channel, status: 204 },
  { method: 'GET', path: '/v1/channels/{channel}/groups', type: 'GROUPS', inPath: channel, status: 200, list: 'list' },
  { method: 'PUT', path: '/v1/channels/{channel}/groups/{group}', type: 'SET_GROUP', inPath: channel, status: 200 },
  { method: 'POST', path: '/v1/channels/{channel}/invitations', type: 'INVITE', inPath: channel, status: 204 },
  {
    method: 'GET',
    path: '/v1/channels/{channel}/messages',
    type: 'HISTORY',
    inPath: channel,
    status: 200,
    list: 'events',
    next: { field: 'after', of: 'seq', back: 'before' },
  },
  { method: 'POST', path: '/v1/channels/{channel}/messages', type: 'MSG', inPath: { channel: 'to' }, status: 201 },
  {
    method: 'GET',
    path: '/v1/agents/{agent}/messages',
    type: 'HISTORY',
    inPath: { agent: 'with' },
    status: 200,
    list: 'events',
    next: { field: 'after', of: 'seq', back: 'before' },
  },
  { method: 'GET', path: '/v1/search', type: 'SEARCH', status: 200, list: 'results', next: { field: 'cursor', of: 'next' } },
  { method: 'POST', path: '/v1/agents/{agent}/messages', type: 'MSG', inPath: { agent: 'to' }, status: 201 },
  {
    method: 'GET',
    path: '/v1/agents',
    type: 'SEARCH_SKILLS',
    status: 200,
    list: 'results',
    next: { field: 'cursor', of: 'count' },
    within: { field: 'query', names: { skill: 'capability', cursor: 'offset' } },
  },
  { method: 'GET', path: '/v1/agents/{agent}', type: 'PROFILE', inPath: agent, status: 200 },
  { method: 'GET', path: '/v1/agents/{agent}/key', type: 'WHOIS', inPath: agent, status: 200 },
  { method: 'GET', path: '/v1/agents/{agent}/rating', type: 'RATING', inPath: agent, status: 200 },
  { method: 'GET', path: '/v1/leaderboard', type: 'LEADERBOARD', status: 200, list: 'agents' },
  { method: 'GET', path: '/v1/messages/{id}/status', type: 'STATUS', inPath: { id: 'msg_id' }, status: 200 },
  { method: 'GET', path: '/v1/messages/{id}/reactions', type: 'REACTIONS', inPath: { id: 'msg_id' }, status: 200 },
  { method: 'PUT', path: '/v1/messages/{id}/reactions/{kind}', type: 'REACT', inPath: { id: 'msg_id' }, status: 200 },
  { method: 'DELETE', path: '/v1/messages/{id}/reactions/{kind}', type: 'UNREACT', inPath: { id: 'msg_id' }, status: 200 },
  { method: 'PUT', path: '/v1/inbox/cursor', type: 'RECEIVED', status: 204 },
  { method: 'POST', path: '/v1/inbox/claims', type: 'CLAIM', status: 200 },
  { method: 'GET', path: '/v1/inbox/leases', type: 'LEASES', status: 200, list: 'items', next: { field: 'after', of: 'seq' } },
  { method: 'GET', path: '/v1/unread', type: 'UNREAD', status: 200 },
  { method: 'PUT', path: '/v1/channels/{channel}/read', type: 'READ', inPath: channel, status: 204 },
  { method: 'PUT', path: '/v1/agents/{agent}/read', type: 'READ', inPath: { agent: 'with' }, status: 204 },
  { method: 'PUT', path: '/v1/me/presence', type: 'SET_PRESENCE', status: 204 },
  { method: 'GET', path: '/v1/proposals', type: 'PROPOSALS', status: 200, list: 'proposals', next: { field: 'before', of: 'next' } },
  { method: 'POST', path: '/v1/proposals', type: 'PROPOSAL', status: 201 },
  {
    method: 'GET',
    path: '/v1/proposals/{id}',
    type: 'PROPOSAL_EVENTS',
    inPath: proposal,
    fixed: { limit: 1, after: 0 },
    status: 200,
    only: 'proposal',
  },
  { method: 'GET', path: '/v1/proposals/{id}/events', type: 'PROPOSAL_EVENTS', inPath: proposal, status: 200, list: 'events' },
  ...steps('/v1/proposals/{id}', proposal, {
    counter: 'COUNTER',
    accept: 'ACCEPT',
    reject: 'REJECT',
    cancel: 'CANCEL',
    fund: 'FUND',
    submit: 'SUBMIT',
    revise: 'REVISE',
    release: 'RELEASE',
    complete: 'COMPLETE',
    dispute: 'DISPUTE',
    'dispute-intent': 'DISPUTE_INTENT',
    'dispute-reveal': 'DISPUTE_REVEAL',
    reclaim: 'RECLAIM',
  }),
  {
    method: 'GET',
    path: '/v1/disputes',
    type: 'DISPUTES',
    status: 200,
    list: 'disputes',
    next: { field: 'before', of: 'dispute_id' },
  },
  { method: 'GET', path: '/v1/disputes/{id}/events', type: 'DISPUTE_EVENTS', inPath: dispute, status: 200, list: 'events' },
  ...steps('/v1/disputes/{id}', dispute, { evidence: 'EVIDENCE', vote: 'VOTE', accept: 'ARBITER_ACCEPT', decline: 'ARBITER_DECLINE' }),
  { method: 'GET', path: '/v1/balance', type: 'BALANCE', status: 200 },
  {
    method: 'GET',
    path: '/v1/receipts',
    type: 'RECEIPTS',
    status: 200,
    list: 'receipts',
    next: { field: 'before', of: 'receipt_id' },
  },
  { method: 'POST', path: '/v1/receipts/{id}/signature', type: 'RECEIPT_SIGN', inPath: { id: 'receipt_id' }, status: 200 },
  { method: 'POST', path: '/v1/me/claim', type: 'ROTATION', status: 200 },
  { method: 'PUT', path: '/v1/me/skills', type: 'REGISTER_SKILLS', status: 200 },
  { method: 'PUT', path: '/v1/me/profile', type: 'SET_PROFILE', status: 200 },
  { method: 'GET', path: '/v1/hooks', type: 'HOOKS', status: 200, list: 'list' },
  { method: 'POST', path: '/v1/hooks', type: 'HOOK_CREATE', status: 201 },
  { method: 'DELETE', path: '/v1/hooks/{id}', type: 'HOOK_REMOVE', inPath: { id: 'hook_id' }, status: 204 },
  { method: 'GET', path: '/v1/webhooks', type: 'WEBHOOKS', status: 200, list: 'list' },
  { method: 'POST', path: '/v1/webhooks', type: 'WEBHOOK_ADD', status: 201 },
  { method: 'DELETE', path: '/v1/webhooks/{id}', type: 'WEBHOOK_REMOVE', inPath: webhook, status: 204 },
  {
    method: 'GET',
    path: '/v1/webhooks/{id}/log',
    type: 'WEBHOOK_LOG',
    inPath: webhook,
    status: 200,
    list: 'items',
    next: { field: 'before', of: 'seq' },
  },
  { method: 'POST', path: '/v1/webhooks/{id}/test', type: 'WEBHOOK_TEST', inPath: webhook, status: 204 },
  { method: 'POST', path: '/v1/webhooks/{id}/replay', type: 'WEBHOOK_REPLAY', inPath: webhook, status: 204 },
  { method: 'POST', path: '/v1/webhooks/{id}/rotate', type: 'WEBHOOK_ROTATE', inPath: webhook, status: 200 },
  { method: 'GET', path: '/v1/tokens', type: 'TOKENS', status: 200, list: 'list' },
  { method: 'POST', path: '/v1/tokens', type: 'TOKEN_CREATE', status: 201 },
  { method: 'DELETE', path: '/v1/tokens/{id}', type: 'TOKEN_REVOKE', inPath: { id: 'token_id' }, status: 204 },
]

/** A channel, with its # or without. */
export const channelOf = (text: string): string => {
  const name = decoded(text)
  return name.startsWith('#') ? name : `#${name}`
}

const agentOf = (text: string): string => {
  const id = decoded(text)
  return id.startsWith('@') ? id : `@${id}`
}

/** A part of a path as the protocol writes it. */
const valueOf = (name: string, text: string): string =>
  name === 'channel'
    ? channelOf(text)
    : name === 'agent'
    ? agentOf(text)
    : decoded(text)

export interface Found {
  readonly resource: Resource
  readonly fields: Readonly<Record<string, unknown>>
}

/** A resource, and the parts of its path. */
interface Placed {
  readonly resource: Resource
  readonly parts: readonly string[]
}

/** By what can be told of a path at once: how many parts it has, and the first of them behind the version. */
const placeOf = (parts: readonly string[]): string => `${parts.length} ${parts[2] ?? ''}`
const placed: ReadonlyMap<string, readonly Placed[]> = (() => {
  const places = new Map<string, Placed[]>()
  for (const resource of resources) {
    const parts = resource.path.split('/')
    const place = placeOf(parts)
    places.set(place, [...places.get(place) ?? [], { resource, parts }])
  }
  return places
})()

/** What is asked by a method at a path; or by which methods it is asked; undefined: nothing is there. */
export const resourceAt = (method: string, path: string): Found | readonly string[] | undefined => {
  const given = path.split('/')
  const methods: string[] = []
  for (const { resource, parts } of placed.get(placeOf(given)) ?? []) {
    if (!parts.every((part, i) => part.startsWith('{') ? given[i] !== '' : part === given[i])) continue
    if (resource.method !== method) {
      methods.push(resource.method)
      continue
    }
    const fields: Record<string, unknown> = { ...resource.fixed }
    parts.forEach((part, i) => {
      if (!part.startsWith('{')) return
      const key = part.slice(1, -1)
      fields[resource.inPath?.[key] ?? key] = valueOf(key, given[i]!)
    })
    return { resource, fields }
  }
  return methods.length > 0 ? methods : undefined
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
