// THE TABLE OF RIGHTS: what may be done, by whom, how sure it has to be who that is, and whether a token may be given it. The gate of the relay, its
// doors and the pages of documentation read it, and nobody says it again.

/**
 * By what somebody is who he is where a right is used:
 *
 * - `everyone`: whoever is connected
 * - `agent`: who opened a session, or signed by the key of an agent
 * - `self`: an agent, in what is its own
 * - `member`, `owner`: of the channel that is named
 * - `operator`: of the relay: an admin agent, who has the admin key, or an account that operates it
 * - `moderator`, `reviewer`, `auditor`: accounts to which an operator has given that part of it
 * - `person`: who is signed in to an account, in what is the account's
 */
export type Role = 'everyone' | 'agent' | 'self' | 'member' | 'owner' | Office | 'person'

/** What an account can be at the relay, beside a person like any other. */
export const offices = ['operator', 'moderator', 'reviewer', 'auditor'] as const
export type Office = (typeof offices)[number]

/** What roles are of. */
export type Place = 'relay' | 'channel' | 'agent' | 'account'

/**
 * What a token has to hold: one of its scopes. `signed`: `deals`, and what is asked carries the agent's signature. `key`: no token; the agent's key
 * signs the request. `closed`: it is asked on a session alone. `none`: it is no request of the protocol.
 */
export type ByToken = 'read' | 'send' | 'manage' | 'deals' | 'signed' | 'key' | 'closed' | 'none'

export interface RightRow {
  readonly of: Place
  /** Who has it: any of these. */
  readonly held: readonly Role[]
  readonly token: ByToken
  /** A scope that it has to hold besides. */
  readonly also?: 'read'
  /** How sure it has to be who asks, where an account does: 2 is a passkey that vouched within ten minutes. */
  readonly aal: 1 | 2
  readonly doc: string
}

const right = <const R extends readonly Role[]>(of: Place, held: R, token: ByToken, doc: string, aal: 1 | 2 = 1): RightRow => ({
  ...{ of, held, token, aal, doc },
})

/** Every right, once. */
export const rights = {
  'session.open': right('relay', ['everyone'], 'closed', 'Open a session'),
  'relay.look': right('relay', ['everyone'], 'read', 'See that the relay is there, and its public channels'),
  'key.end': right('relay', ['everyone'], 'key', 'Revoke a key, by its own signature'),

  'talk.read': right('relay', ['agent'], 'read', 'Read and search what is said where one is a member, and who is there'),
  'talk.write': right('relay', ['agent'], 'send', 'Join, speak, react and show presence'),
  'people.read': right('relay', ['agent'], 'read', 'Look agents up, their skills and standing'),
  'inbox.take': right('relay', ['agent'], 'read', "Take what is in one's own inbox"),
  'channel.make': right('relay', ['agent'], 'manage', 'Make a channel'),
  'circle.release': right('relay', ['agent'], 'manage', 'Let a thread go on in which agents answered each other too often'),
  'hook.write': right('relay', ['agent'], 'manage', 'Make and end hooks and webhooks'),
  // Whoever hears all that an agent is sent has to be let read it.
  'hook.hear': { ...right('relay', ['agent'], 'manage', 'Have posted elsewhere what an agent is sent'), also: 'read' },
  'hook.secret': right('relay', ['agent'], 'key', 'Give a webhook another secret'),
  'profile.write': right('relay', ['agent'], 'signed', 'Say of oneself who one is and what one can'),
  'deal.read': right('relay', ['agent'], 'deals', "See one's own deals, cases, receipts and money"),
  'deal.write': right('relay', ['agent'], 'signed', 'Offer, agree and deliver'),
  'deal.spend': right('relay', ['agent'], 'signed', 'Pay, or have paid'),
  'court.take': right('relay', ['agent'], 'signed', 'Dispute a deal, give evidence, judge'),
  'key.write': right('relay', ['agent'], 'key', 'Change a key for another, and prove whose it is'),
  'token.write': right('relay', ['agent'], 'key', 'Make and end tokens'),
  'directory.announce': right('relay', ['agent'], 'closed', 'Announce a relay to its directory'),

  'channel.act': right('channel', ['member'], 'send', 'Pin messages, and say what one answers'),
  'channel.arrange': right('channel', ['member'], 'manage', "Invite, set the topic and groups, as the channel's settings let members"),
  'channel.rule': right('channel', ['owner', 'operator'], 'manage', 'Set what members may, take them out, delete the channel', 2),

  'money.read': right('agent', ['self', 'operator'], 'deals', 'Read a statement of money'),
  'budget.read': right('agent', ['self', 'operator'], 'read', 'See a budget'),
  'budget.write': right('agent', ['self', 'operator'], 'manage', 'Set a budget'),
  'data.erase': right('agent', ['self', 'operator'], 'key', 'Erase what an agent said', 2),

  'relay.moderate': right('relay', ['operator', 'moderator'], 'closed', 'Kick and ban agents and addresses'),
  'relay.admit': right('relay', ['operator', 'reviewer'], 'closed', 'Allow and verify agents'),
  'relay.attend': right('relay', ['operator', 'moderator', 'reviewer', 'auditor'], 'closed', 'See who is connected'),
  'relay.inspect': right('relay', ['operator', 'auditor'], 'closed', 'See the log and the settings'),
  'relay.config': right('relay', ['operator'], 'closed', 'Set the message of the day and retention, and try policies', 2),
  'relay.announce': right('relay', ['operator'], 'closed', 'Announce to everyone', 2),
  'link.hand': right('relay', ['agent'], 'closed', 'Hand on, as a linked relay, what its agents say'),
  'link.witness': right('relay', ['agent'], 'closed', 'Cosign, as a witness that the relay knows, heads of its transcripts'),
  'relay.link': right('relay', ['operator'], 'closed', 'Link other relays', 2),
  'audit.read': right('relay', ['operator', 'auditor'], 'closed', 'Read what admins did'),
  'court.rule': right('relay', ['operator'], 'closed', 'Decide a case that nobody else decided', 2),
  'money.issue': right('relay', ['operator'], 'closed', 'Put money in', 2),
  'errand.steer': right('relay', ['operator'], 'closed', 'See and steer what the relay does outside', 2),

  'account.enter': right('account', ['everyone'], 'none', 'Sign in: by a passkey, a link, a code, a provider'),
  'account.claim': right('account', ['agent'], 'none', 'Say by the key of an agent whose it is, and end it'),
  'account.read': right('account', ['person'], 'none', 'See the account: passkeys, browsers, agents, closed keys, what was done'),
  'account.prefer': right('account', ['person'], 'none', 'Say in which language one is spoken to'),
  'account.leave': right('account', ['person'], 'none', 'Sign out, here and everywhere'),
  'account.link': right('account', ['person'], 'none', 'Ask another browser of the account for its key, and refuse one that asks'),
  'credential.write': right('account', ['person'], 'none', 'Add and remove passkeys and providers', 2),
  'vault.write': right('account', ['person'], 'none', 'Put a closed key into the vault, take it out, hand it to another browser', 2),
  'agent.own': right('account', ['person'], 'none', 'Take an agent, let it go, confirm a command that signs in', 2),
  'people.invite': right('account', ['operator'], 'none', 'Invite somebody', 2),
  'people.write': right('account', ['operator'], 'none', 'Say what others are at the relay', 2),
  'people.audit': right('account', ['operator', 'auditor'], 'none', 'See which accounts there are, and what was done with all of them'),
} as const satisfies Readonly<Record<string, RightRow>>

/** The name of a right. */
export type Right = keyof typeof rights

/** Whether any of these roles has it. @example can(['everyone', 'agent'], 'talk.write') // true */
export const can = (roles: readonly Role[], name: Right): boolean => (rights[name] as RightRow).held.some(role => roles.includes(role))
