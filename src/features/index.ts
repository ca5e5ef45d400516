// THE FEATURE TABLE: one line per slice. The compiler proves that every request of the protocol has its handler.
import type { RequestType } from '../../lib/protocol/index.ts'
import type { WingName } from '../base/wings.ts'
import {
  Fail,
  type Admit,
  type Duty,
  type Feature,
  type Handler,
  type Handlers,
  type Health,
  type Route,
  type ScopedFeature,
} from '../relay/feature.ts'
import type { AgentUse } from '../store/agents.ts'
import { answerMigrations } from '../store/answers.ts'
import { announcementMigrations } from './operate/announcements/store.ts'
import { auditMigrations } from '../store/audit.ts'
import { channelMigrations } from '../store/channels.ts'
import { ownCosigned, witnessMigrations } from '../store/cosigned.ts'
import { fileMigrations } from '../store/files.ts'
import { keepingMigrations } from '../store/keeping.ts'
import { nodeMigrations } from '../store/nodes.ts'
import { seatMigrations } from '../store/seats.ts'
import { nonceMigrations } from '../store/nonces.ts'
import { peopleMigrations } from '../store/people.ts'
import { searchMigrations } from '../store/search.ts'
import { pinMigrations } from './talk/pins/store.ts'
import { reactionMigrations } from '../store/reactions.ts'
import { standingMigrations } from '../store/standing.ts'
import { shareMigrations } from '../store/shares.ts'
import { directoryMigrations } from '../store/servers.ts'
import { budgetMigrations } from '../store/budgets.ts'
import { floorMigrations } from './talk/floors/store.ts'
import { groupMigrations } from '../store/groups.ts'
import { hookMigrations } from '../store/hooks.ts'
import { webhookMigrations } from '../store/webhooks.ts'
import { errandMigrations } from '../store/errands.ts'
import type { Db, Migration } from '../store/store.ts'
import { leaseMigrations } from '../store/leases.ts'
import { threadMigrations } from '../store/threads.ts'
import { tokenMigrations } from '../store/tokens.ts'
import { blankedMigrations } from '../store/blanked.ts'
import { transcriptMigrations } from '../store/transcripts.ts'
import { inHandOf, isOneHand, ownAmongBy } from './account/accounts/claims.ts'
import { allOwners, claimMigrations, ownersOf } from './account/accounts/claims-store.ts'
import { accountMigrations } from './account/accounts/store.ts'
import { deviceMigrations } from './account/accounts/devices-store.ts'
import { identityMigrations } from './account/accounts/identities-store.ts'
import { vaultMigrations } from './account/accounts/vault-store.ts'
import { admin, type AdminOptions } from './operate/admin/handlers.ts'
import { announcements, type AnnouncementOptions } from './operate/announcements/handlers.ts'
import { description, type DescriptionOptions } from './operate/description/feature.ts'
import { directory, type DirectoryOptions } from './operate/directory/handlers.ts'
import { inspection, type InspectionOptions } from './operate/inspection/handlers.ts'
import { errands, type ErrandOptions } from './operate/errands/handlers.ts'
import { policies } from './operate/policies/handlers.ts'
import type { PolicySettings } from '../domain/policies.ts'
import { keeping, type KeepingOptions } from './operate/keeping/handlers.ts'
import { blocks } from './talk/blocks/handlers.ts'
import { channels, type ChannelOptions } from './talk/channels/handlers.ts'
import { files, keepFiles, nameFiles, type FileOptions } from './talk/files/handlers.ts'
import { Circles } from '../domain/circles.ts'
import { Budgets, type BudgetOptions } from './talk/budgets/budgets.ts'
import { countingClaims, countingSaid } from './talk/budgets/counting.ts'
import { budgets } from './talk/budgets/handlers.ts'
import { circles, inCircle, type CircleOptions } from './talk/circles/handlers.ts'
import { answerFloor, floors, type FloorOptions } from './talk/floors/handlers.ts'
import { groups, type GroupOptions } from './talk/groups/handlers.ts'
import { growing, type GrowingOptions } from './talk/growing/handlers.ts'
import { history, type HistoryOptions } from './talk/history/handlers.ts'
import { hooks, type HookOptions } from './talk/hooks/handlers.ts'
import { identity, type IdentityOptions } from './talk/identity/handlers.ts'
import { proofMigrations } from './talk/identity/store.ts'
import { inbox, type InboxOptions } from './talk/inbox/handlers.ts'
import { leases, type LeaseOptions } from './talk/leases/handlers.ts'
import { messages, type MessageOptions } from './talk/messages/handlers.ts'
import { edits, type EditOptions } from './talk/messages/edits.ts'
import { profiles, type ProfileOptions } from './talk/profiles/handlers.ts'
import { pins, type PinOptions } from './talk/pins/handlers.ts'
import { presence, type PresenceOptions } from './talk/presence/handlers.ts'
import { search, type SearchOptions } from './talk/search/handlers.ts'
import { reactions, type ReactionOptions } from './talk/reactions/handlers.ts'
import { session, type SessionOptions } from './talk/session/handlers.ts'
import { subscriptions } from './talk/subscriptions/handlers.ts'
import { threads } from './talk/threads/handlers.ts'
import { tokens, type TokenOptions } from './talk/tokens/handlers.ts'
import { cosignatureMigrations } from './talk/transcripts/cosignatures.ts'
import { transcripts, type TranscriptOptions } from './talk/transcripts/handlers.ts'
import { webhooks, type WebhookOptions } from './talk/webhooks/handlers.ts'
import { logsOf, witness, type WitnessOptions } from './talk/witness/feature.ts'
import { ferryOf, handingOn, links, type LinkOptions } from './links/bridge/handlers.ts'
import { blankHanded, handedMigrations } from './links/bridge/handed-store.ts'
import { remoteAgent, remoteMigrations } from './links/bridge/remote-store.ts'
import { linkMigrations, mirrorOf } from './links/bridge/store.ts'
import { closingCases } from './trade/court/closing.ts'
import { court } from './trade/court/handlers.ts'
import type { CourtOptions } from './trade/court/ports.ts'
import { courtMigrations } from './trade/court/store.ts'
import { callMigrations } from './trade/escrow/calls.ts'
import { escrow, rails, type EscrowOptions } from './trade/escrow/handlers.ts'
import { ledgerMigrations } from './trade/escrow/store.ts'
import { census } from './trade/proposals/census.ts'
import { proposals } from './trade/proposals/handlers.ts'
import type { ProposalOptions } from './trade/proposals/ports.ts'
import { proposalMigrations } from './trade/proposals/store.ts'
import { StandingBoard } from './trade/reputation/board.ts'
import { reputationBook, type BookOptions } from './trade/reputation/book.ts'
import { reputation, type ReputationOptions } from './trade/reputation/handlers.ts'
import { reputationMigrations } from './trade/reputation/store.ts'
import { settlementsOf } from './trade/reputation/settlement.ts'
import { signatureCheck, spendNonce, type SignatureOptions } from './trade/signatures/check.ts'
import { skills, type SkillOptions } from './trade/skills/handlers.ts'

type TalkOptions =
  & Omit<SessionOptions, 'agentUses'>
  & Omit<IdentityOptions, 'rotated' | 'remoteAgent'>
  & Omit<ChannelOptions, 'staleSince'>
  & Omit<MessageOptions, 'nameFiles' | 'answerFloor' | 'inCircle'>
  & FileOptions
  & GrowingOptions
  & Omit<EditOptions, 'keepFiles'>
  & InboxOptions
  & LeaseOptions
  & FloorOptions
  & Omit<CircleOptions, 'circles'>
  & BudgetOptions
  & HistoryOptions
  & Omit<TranscriptOptions, 'mirrorOf' | 'ownCosigned' | 'staleSince'>
  & WitnessOptions
  & SearchOptions
  & PresenceOptions
  & ProfileOptions
  & ReactionOptions
  & PinOptions
  & GroupOptions
  & TokenOptions
  & HookOptions
  & Omit<WebhookOptions, 'wakes'>
type TradeOptions =
  & SignatureOptions
  & Pick<ProposalOptions, 'shares' | 'minDeadlineMs' | 'onEscrow'>
  & Pick<EscrowOptions, 'processor'>
  & Pick<CourtOptions, 'arbiters' | 'minArbiters'>
  & Omit<ReputationOptions, 'board'>
  & BookOptions
  & SkillOptions
  & {
    /** Whether agents can belong to accounts. */
    readonly accounts: boolean
  }

type OperateOptions =
  & AdminOptions
  & Omit<KeepingOptions, 'blankHanded'>
  & ErrandOptions
  & InspectionOptions
  & PolicySettings
  & Omit<DescriptionOptions, 'isAnswered'>
  & DirectoryOptions
  & AnnouncementOptions

export type FeatureOptions = TalkOptions & TradeOptions & OperateOptions & LinkOptions & {
  readonly wings: readonly WingName[]
  /** Whether there are other relays to it. */
  readonly links: 'off' | 'listed'
}

/** Those that are named by `wings`, and links, which have a setting of their own. */
type Wing = WingName | 'links'

export interface Features {
  readonly handlers: Handlers
  readonly duties: readonly Duty[]
  /** What /health says beside the relay's own. */
  readonly facts: () => Pick<Health, 'proposals'>
  readonly news: (slice: string, news: object) => void
  readonly routes: readonly Route[]
  readonly admit: Admit
}

/** What slices ask of each other, made once. */
const tradePorts = (options: FeatureOptions) => {
  const checkSignature = signatureCheck(options)
  const book = reputationBook(options)
  const hands = options.accounts
    ? { isOneHand, inHandOf, ownersOf, ownAmong: ownAmongBy(ownersOf), owners: allOwners }
    : {
      isOneHand: (_: Db, a: string, b: string) => Promise.resolve(a === b),
      inHandOf: (_: Db, agent: string) => Promise.resolve([agent]),
      ownersOf: () => Promise.resolve(new Map<string, string>()),
      ownAmong: ownAmongBy(() => Promise.resolve(new Map())),
      owners: () => Promise.resolve(new Map<string, string>()),
    }
  const { stakeable, settled } = settlementsOf(book, hands.isOneHand)
  const holding = rails({ hasProcessor: options.processor !== undefined })
  const board = new StandingBoard(hands.owners)
  const ratings: CourtOptions['ratings'] = { ...book, stakeable, jurors: (db, now, agents) => board.jurors(db, now, agents) }
  const deals = proposals({
    ...options,
    ...hands,
    checkSignature,
    spendNonce,
    holding,
    stakeable,
    settled: closingCases({ ...options, holding, ratings }, settled),
  })
  const circles = options.circleReplies > 0 ? new Circles(options) : undefined
  const budgets = new Budgets(options)
  const wakes: WebhookOptions['wakes'] = (ctx, agent) => budgets.wakes(ctx, agent)
  return { ...options, ...hands, circles, budgets, wakes, checkSignature, spendNonce, holding, board, book: ratings, deals }
}

/** What agents say here, whichever way it comes. */
const sayingOf = (ports: ReturnType<typeof tradePorts>) =>
  countingSaid(ports.budgets, messages({ ...ports, inCircle: inCircle(ports.circles), answerFloor, nameFiles: nameFiles(ports) }), 'MSG',
    'FILE_CHUNK')

type Ports =
  & ReturnType<typeof tradePorts>
  & Pick<DescriptionOptions, 'isAnswered'>
  & { readonly saying: ReturnType<typeof sayingOf>, readonly ferry: ReturnType<typeof ferryOf> }

interface Slice {
  readonly open: (ports: Ports) => Partial<Feature<never>>
  readonly migrations: readonly Migration[]
}

/** A slice: its tables, and what opens it. In trade it says what it decides about. */
const slice = <F extends Partial<Feature<never>>>(open: (ports: Ports) => F, ...migrations: readonly Migration[]) => ({ open, migrations })
const tradeSlice: <F extends Partial<ScopedFeature<never>> & Pick<ScopedFeature, 'scope'>>(
  open: (ports: Ports) => F,
  ...migrations: readonly Migration[]
) => { readonly open: (ports: Ports) => F, readonly migrations: readonly Migration[] } = slice

/** Who dealt, or has money, is needed by its key. */
const agentUses: readonly AgentUse[] = [
  ['accounts', 'account'],
  ['ratings', 'agent'],
  ['proposal_agents', 'agent'],
  ['dispute_people', 'agent'],
  ['receipts', 'client'],
  ['receipts', 'provider'],
  ['file_owners', 'agent'],
  ['door_tokens', 'agent'],
  ['hooks', 'agent'],
  ['webhooks', 'agent'],
  ['inbox_leases', 'agent'],
  ['budgets', 'subject'],
  ['owned_agents', 'agent'],
]

/** By wing: the folders of this one. */
const wings = {
  talk: {
    session: slice(ports => session({ ...ports, agentUses }), nonceMigrations),
    identity: slice(ports => identity({ ...ports, remoteAgent, rotated: agent => ports.budgets.changed(agent) }), proofMigrations),
    channels: slice(ports => channels({ ...ports, staleSince: ports.ferry.staleSince }), channelMigrations),
    messages: slice(ports => handingOn(ports.saying, ports.ferry, ports)),
    growing: slice(ports => countingSaid(ports.budgets, growing(ports), 'DELTA')),
    edits: slice(ports => countingSaid(ports.budgets, edits({ ...ports, keepFiles: keepFiles(ports) }), 'EDIT')),
    threads: slice(threads, threadMigrations),
    files: slice(files, fileMigrations),
    inbox: slice(inbox),
    leases: slice(ports => countingClaims(ports.budgets, leases(ports)), leaseMigrations),
    floors: slice(floors, floorMigrations),
    circles: slice(circles),
    budgets: slice(ports => budgets(ports), budgetMigrations),
    blocks: slice(blocks),
    history: slice(history),
    search: slice(search, searchMigrations),
    transcripts: slice(ports => transcripts({ ...ports, mirrorOf, ownCosigned, staleSince: ports.ferry.staleSince }), transcriptMigrations,
      cosignatureMigrations, blankedMigrations),
    reactions: slice(reactions, reactionMigrations),
    pins: slice(pins, pinMigrations),
    groups: slice(groups, groupMigrations),
    subscriptions: slice(subscriptions),
    presence: slice(presence),
    profiles: slice(profiles),
    tokens: slice(tokens, tokenMigrations, answerMigrations),
    hooks: slice(hooks, hookMigrations),
    webhooks: slice(webhooks, webhookMigrations),
    witness: slice(witness),
  },
  trade: {
    proposals: tradeSlice(({ deals }) => deals.feature, proposalMigrations),
    census: slice(census),
    court: tradeSlice(ports => court({ ...ports, ratings: ports.book, deals: ports.deals.port }), courtMigrations),
    escrow: tradeSlice(ports => escrow({ ...ports, funded: ports.deals.port.funded }), ledgerMigrations, callMigrations),
    reputation: tradeSlice(reputation, reputationMigrations),
    skills: tradeSlice(skills, peopleMigrations),
  },
  operate: {
    admin: slice(admin, standingMigrations, auditMigrations),
    keeping: slice(ports => keeping({ ...ports, blankHanded }), keepingMigrations),
    description: slice(description),
    directory: slice(directory, directoryMigrations),
    announcements: slice(announcements, announcementMigrations),
    errands: slice(errands, errandMigrations),
    policies: slice(ports => policies(ports)),
    inspection: slice(inspection),
  },
  account: {
    accounts: slice(() => ({}), accountMigrations, claimMigrations, vaultMigrations, deviceMigrations, identityMigrations),
  },
  links: {
    bridge: slice(links, linkMigrations, handedMigrations, remoteMigrations, witnessMigrations),
  },
} as const satisfies Readonly<Record<Wing, Readonly<Record<string, Slice>>>>

/** What clears away for all of them, and goes on with what was begun: it works in a relay without its wing too. */
const everOn: ReadonlySet<string> = new Set<keyof (typeof wings)['operate']>(['keeping', 'errands'])

const slicesOf = (wing: Wing) => Object.entries<Slice>(wings[wing])

/** The tables of every slice that has some, of wings that are off too: what they keep is there when they are on again. */
export const featureMigrations: readonly Migration[] = [
  shareMigrations,
  nodeMigrations,
  seatMigrations,
  ...Object.values(wings).flatMap(wing => Object.values<Slice>(wing)).flatMap(({ migrations }) => migrations),
]

type Slices = { readonly [W in Wing]: (typeof wings)[W][keyof (typeof wings)[W]] }[Wing]
type Opened = Slices extends infer S ? S extends { readonly open: (ports: Ports) => infer F } ? F : never : never
type AllOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never
type HandlersOf<F> = F extends { readonly handlers: infer H } ? H : never
type AllHandlers = AllOf<HandlersOf<Opened>>

export const features = (options: FeatureOptions): Features => {
  const refused = new Set<string>()
  const trade = tradePorts(options)
  const logs = logsOf(options.witnessedLogs)
  const ports = {
    ...trade,
    saying: sayingOf(trade),
    ferry: ferryOf(options.links === 'off' ? { ...options, linked: undefined } : options, origin => logs.has(origin)),
    isAnswered: (type: string) => !refused.has(type),
  }
  const opened = (Object.keys(wings) as Wing[]).map(wing => ({
    wing,
    isOn: wing === 'links' ? options.links !== 'off' : wing === 'talk' || options.wings.includes(wing),
    slices: slicesOf(wing).map(([name, { open }]) => [name, open(ports)] as const),
  }))
  for (const { isOn, slices } of opened)
    for (const [, { handlers = {} }] of slices) if (!isOn) { for (const type of Object.keys(handlers)) refused.add(type) }
  const on = opened.filter(({ isOn }) => isOn).flatMap(({ slices }) => slices)
  return {
    handlers: Object.assign({},
      ...opened.flatMap(({ wing, isOn, slices }) =>
        slices.map(([, feature]) => isOn ? handlersOf(feature) : refusalsOf(wing, feature))
      )) as AllHandlers,
    duties: opened.flatMap(({ isOn, slices }) =>
      slices.flatMap(([name, feature]) => isOn || everOn.has(name) ? dutiesOf(name, feature) : [])
    ),
    facts: () => Object.assign({ proposals: noProposals }, ...on.map(([, feature]) => feature.facts?.())) as ReturnType<Features['facts']>,
    news: (slice, news) => on.find(([name]) => name === slice)?.[1].heard?.(news),
    // Who was banned is so, whether or not somebody can be banned now.
    admit: opened.flatMap(({ slices }) => slices).find(([, { admit }]) => admit !== undefined)![1].admit!,
    routes: on.flatMap(([, { scope, routes = [] }]) => routes.map(route => ({ scope, ...route }))),
  }
}

const noProposals: Health['proposals'] = { total: 0, byStatus: {}, agents: 0 }

/** In the place of handlers of a wing that is off. */
const refusalsOf = (wing: Wing, { handlers = {} }: Partial<Feature<never>>): object =>
  Object.fromEntries(Object.keys(handlers).map(type => [type, {
    refusesAll: true,
    read: () => {
      if (wing === 'links') throw new Fail('NOT_ENABLED', `This relay has no links to others, which ${type} is about (its setting links)`)
      throw new Fail('NOT_ENABLED', `This relay runs without its part ${wing}, which answers ${type} (its setting wings)`)
    },
  }]))

/** Each decides about what its feature does, unless it says otherwise. */
const handlersOf = ({ scope, handlers = {} }: Partial<Feature<never>>): object =>
  Object.fromEntries(Object.entries<Handler<RequestType>>(handlers).map(([type, handler]) => [type, { scope, ...handler }]))

const dutiesOf = (name: string, { scope, sweep, tick }: Partial<Feature<never>>): readonly Duty[] => [
  ...(sweep === undefined ? [] : [{ name, scope, isOnce: true, run: sweep }]),
  ...(tick === undefined ? [] : [{ name, scope, isOnce: false, run: tick }]),
]

export { motdKey } from './operate/admin/handlers.ts'
