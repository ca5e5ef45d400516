// THE FEATURE TABLE: one line per slice. The compiler proves that every request of the protocol has its handler.
import type { Feature, Handlers, Route } from '../relay/feature.ts'
import { keepingMigrations } from '../store/keeping.ts'
import { peopleMigrations } from '../store/people.ts'
import type { Migration } from '../store/store.ts'
import { admin, type AdminOptions } from './operate/admin/handlers.ts'
import { keeping, type KeepingOptions } from './operate/keeping/handlers.ts'
import { channels, type ChannelOptions } from './talk/channels/handlers.ts'
import { channelMigrations } from './talk/channels/store.ts'
import { history, type HistoryOptions } from './talk/history/handlers.ts'
import { identity, type IdentityOptions } from './talk/identity/handlers.ts'
import { proofMigrations } from './talk/identity/store.ts'
import { inbox, type InboxOptions } from './talk/inbox/handlers.ts'
import { messages, type MessageOptions } from './talk/messages/handlers.ts'
import { profiles, type ProfileOptions } from './talk/profiles/handlers.ts'
import { presence, type PresenceOptions } from './talk/presence/handlers.ts'
import { session, type SessionOptions } from './talk/session/handlers.ts'
import { skills, type SkillOptions } from './trade/skills/handlers.ts'

export type FeatureOptions = SessionOptions & IdentityOptions & ChannelOptions & MessageOptions & InboxOptions & HistoryOptions & PresenceOptions & AdminOptions & KeepingOptions
  & SkillOptions & ProfileOptions

export interface Features {
  readonly handlers: Handlers
  readonly sweeps: readonly NonNullable<Feature['sweep']>[]
  readonly routes: readonly Route[]
}

/** The tables of every slice that has some. */
export const featureMigrations: readonly Migration[] = [channelMigrations, proofMigrations, keepingMigrations, peopleMigrations]

export const features = (options: FeatureOptions): Features => {
  const table = {
    session: session(options),
    identity: identity(options),
    channels: channels(options),
    messages: messages(options),
    inbox: inbox(options),
    history: history(options),
    presence: presence(options),
    admin: admin(options),
    keeping: keeping(options),
    skills: skills(options),
    profiles: profiles(options),
  }
  const all: readonly Pick<Feature, 'sweep' | 'routes'>[] = Object.values(table)
  return {
    handlers: {
      ...table.session.handlers, ...table.identity.handlers, ...table.channels.handlers, ...table.messages.handlers, ...table.inbox.handlers,
      ...table.history.handlers, ...table.presence.handlers, ...table.admin.handlers, ...table.keeping.handlers,
      ...table.skills.handlers, ...table.profiles.handlers,
    },
    sweeps: all.flatMap(feature => feature.sweep ?? []),
    routes: all.flatMap(feature => feature.routes ?? []),
  }
}

export { addChannel, loadChannels } from './talk/channels/store.ts'
export { motdKey } from './operate/admin/handlers.ts'
