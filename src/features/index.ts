// THE FEATURE TABLE: one line per slice. The compiler proves that every request of the protocol has its handler.
import type { Feature, Handlers, Health, Route } from '../relay/feature.ts'
import { announcementMigrations } from '../store/announcements.ts'
import { keepingMigrations } from '../store/keeping.ts'
import { nonceMigrations } from '../store/nonces.ts'
import { peopleMigrations } from '../store/people.ts'
import { directoryMigrations } from '../store/servers.ts'
import type { Migration } from '../store/store.ts'
import { admin, type AdminOptions } from './operate/admin/handlers.ts'
import { announcements, type AnnouncementOptions } from './operate/announcements/handlers.ts'
import { description, type DescriptionOptions } from './operate/description/feature.ts'
import { directory, type DirectoryOptions } from './operate/directory/handlers.ts'
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
import { closingCases } from './trade/court/closing.ts'
import { court } from './trade/court/handlers.ts'
import { courtMigrations } from './trade/court/store.ts'
import { callMigrations } from './trade/escrow/calls.ts'
import { escrow, rails, type EscrowOptions } from './trade/escrow/handlers.ts'
import { ledgerMigrations } from './trade/escrow/store.ts'
import { census } from './trade/proposals/census.ts'
import { proposals } from './trade/proposals/handlers.ts'
import type { EscrowEvent, ProposalOptions } from './trade/proposals/ports.ts'
import { proposalMigrations } from './trade/proposals/store.ts'
import { reputationBook, type BookOptions } from './trade/reputation/book.ts'
import { reputation, type ReputationOptions } from './trade/reputation/handlers.ts'
import { reputationMigrations } from './trade/reputation/store.ts'
import { settlementsOf } from './trade/reputation/settlement.ts'
import { signatureCheck, type SignatureOptions } from './trade/signatures/check.ts'
import { skills, type SkillOptions } from './trade/skills/handlers.ts'

type TalkOptions =
  & SessionOptions
  & IdentityOptions
  & ChannelOptions
  & MessageOptions
  & InboxOptions
  & HistoryOptions
  & PresenceOptions
  & ProfileOptions
type TradeOptions =
  & SignatureOptions
  & Pick<ProposalOptions, 'maxOpenProposals' | 'onEscrow'>
  & Pick<EscrowOptions, 'processor'>
  & ReputationOptions
  & BookOptions
  & SkillOptions

type OperateOptions = AdminOptions & KeepingOptions & DescriptionOptions & DirectoryOptions & AnnouncementOptions

export type FeatureOptions = TalkOptions & TradeOptions & OperateOptions

export interface Features {
  readonly handlers: Handlers
  readonly sweeps: readonly NonNullable<Feature['sweep']>[]
  /** What /health says beside the relay's own. */
  readonly facts: () => Pick<Health, 'proposals'>
  readonly routes: readonly Route[]
}

/** The tables of every slice that has some. */
export const featureMigrations: readonly Migration[] = [
  channelMigrations,
  proofMigrations,
  keepingMigrations,
  peopleMigrations,
  nonceMigrations,
  ledgerMigrations,
  callMigrations,
  proposalMigrations,
  reputationMigrations,
  courtMigrations,
  directoryMigrations,
  announcementMigrations,
]

export const features = (options: FeatureOptions): Features => {
  const checkSignature = signatureCheck(options)
  const book = reputationBook(options)
  const { stakeable, settled } = settlementsOf(book)
  const holding = rails({ hasProcessor: options.processor !== undefined })
  const ratings = { ...book, stakeable }
  const deals = proposals({
    ...options,
    checkSignature,
    holding,
    stakeable,
    settled: closingCases({ ...options, holding, ratings }, settled),
  })
  const counted = census()
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
    proposals: deals.feature,
    court: court({ ...options, checkSignature, holding, ratings, deals: deals.port }),
    escrow: escrow({ ...options, checkSignature, funded: deals.port.funded }),
    reputation: reputation(options),
    skills: skills(options),
    profiles: profiles(options),
    description: description(options),
    directory: directory(options),
    announcements: announcements(options),
  }
  const all: readonly Pick<Feature, 'sweep' | 'routes'>[] = Object.values(table)
  return {
    handlers: {
      ...table.session.handlers,
      ...table.identity.handlers,
      ...table.channels.handlers,
      ...table.messages.handlers,
      ...table.inbox.handlers,
      ...table.history.handlers,
      ...table.presence.handlers,
      ...table.admin.handlers,
      ...table.keeping.handlers,
      ...table.proposals.handlers,
      ...table.court.handlers,
      ...table.escrow.handlers,
      ...table.reputation.handlers,
      ...table.skills.handlers,
      ...table.profiles.handlers,
      ...table.directory.handlers,
      ...table.announcements.handlers,
    },
    sweeps: [...all.flatMap(feature => feature.sweep ?? []), counted.sweep],
    facts: counted.facts,
    routes: all.flatMap(feature => feature.routes ?? []),
  }
}

export type { EscrowEvent }
export { addChannel, loadChannels } from './talk/channels/store.ts'
export { motdKey } from './operate/admin/handlers.ts'
