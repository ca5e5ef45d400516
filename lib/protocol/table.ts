// THE PROTOCOL TABLE: everything that is said on the wire, in both directions.
import type * as z from 'zod/mini'
import { frames } from './frames.ts'
import * as admin from './admin.ts'
import * as adminRequests from './requests/admin.ts'
import * as announcements from './announcements.ts'
import * as announcementsRequests from './requests/announcements.ts'
import * as blocks from './blocks.ts'
import * as blocksRequests from './requests/blocks.ts'
import * as channels from './channels.ts'
import * as channelsRequests from './requests/channels.ts'
import * as disputes from './disputes.ts'
import * as disputesRequests from './requests/disputes.ts'
import * as edits from './edits.ts'
import * as editsRequests from './requests/edits.ts'
import * as escrow from './escrow.ts'
import * as escrowRequests from './requests/escrow.ts'
import * as floors from './floors.ts'
import * as floorsRequests from './requests/floors.ts'
import * as circles from './circles.ts'
import * as circlesRequests from './requests/circles.ts'
import * as budgets from './budgets.ts'
import * as budgetsRequests from './requests/budgets.ts'
import * as groups from './groups.ts'
import * as groupsRequests from './requests/groups.ts'
import * as subscriptions from './subscriptions.ts'
import * as subscriptionsRequests from './requests/subscriptions.ts'
import * as hooks from './hooks.ts'
import * as hooksRequests from './requests/hooks.ts'
import * as errands from './errands.ts'
import * as inspection from './inspection.ts'
import * as inspectionRequests from './requests/inspection.ts'
import * as policies from './policies.ts'
import * as policiesRequests from './requests/policies.ts'
import * as errandsRequests from './requests/errands.ts'
import * as webhooks from './webhooks.ts'
import * as webhooksRequests from './requests/webhooks.ts'
import * as files from './files.ts'
import * as filesRequests from './requests/files.ts'
import * as links from './links.ts'
import * as linksRequests from './requests/links.ts'
import * as history from './history.ts'
import * as historyRequests from './requests/history.ts'
import * as identity from './identity.ts'
import * as identityRequests from './requests/identity.ts'
import * as inbox from './inbox.ts'
import * as inboxRequests from './requests/inbox.ts'
import * as keeping from './keeping.ts'
import * as keepingRequests from './requests/keeping.ts'
import * as leases from './leases.ts'
import * as leasesRequests from './requests/leases.ts'
import * as messages from './messages.ts'
import * as messagesRequests from './requests/messages.ts'
import * as pins from './pins.ts'
import * as pinsRequests from './requests/pins.ts'
import * as presence from './presence.ts'
import * as presenceRequests from './requests/presence.ts'
import * as profiles from './profiles.ts'
import * as profilesRequests from './requests/profiles.ts'
import * as proposals from './proposals.ts'
import * as proposalsRequests from './requests/proposals.ts'
import * as reactions from './reactions.ts'
import * as reactionsRequests from './requests/reactions.ts'
import * as receipts from './receipts.ts'
import * as receiptsRequests from './requests/receipts.ts'
import * as servers from './servers.ts'
import * as serversRequests from './requests/servers.ts'
import * as search from './search.ts'
import * as searchRequests from './requests/search.ts'
import * as session from './session.ts'
import * as sessionRequests from './requests/session.ts'
import * as skills from './skills.ts'
import * as skillsRequests from './requests/skills.ts'
import * as threads from './threads.ts'
import * as threadsRequests from './requests/threads.ts'
import * as tokens from './tokens.ts'
import * as tokensRequests from './requests/tokens.ts'
import * as transcripts from './transcripts.ts'
import * as transcriptsRequests from './requests/transcripts.ts'

/** Client → relay. */
export const requests = {
  ...sessionRequests.requests,
  ...identityRequests.requests,
  ...channelsRequests.requests,
  ...messagesRequests.requests,
  ...editsRequests.requests,
  ...threadsRequests.requests,
  ...filesRequests.requests,
  ...inboxRequests.requests,
  ...leasesRequests.requests,
  ...floorsRequests.requests,
  ...circlesRequests.requests,
  ...budgetsRequests.requests,
  ...blocksRequests.requests,
  ...historyRequests.requests,
  ...transcriptsRequests.requests,
  ...searchRequests.requests,
  ...reactionsRequests.requests,
  ...pinsRequests.requests,
  ...groupsRequests.requests,
  ...subscriptionsRequests.requests,
  ...presenceRequests.requests,
  ...adminRequests.requests,
  ...keepingRequests.requests,
  ...skillsRequests.requests,
  ...profilesRequests.requests,
  ...proposalsRequests.requests,
  ...disputesRequests.requests,
  ...escrowRequests.requests,
  ...receiptsRequests.requests,
  ...serversRequests.requests,
  ...announcementsRequests.requests,
  ...tokensRequests.requests,
  ...hooksRequests.requests,
  ...webhooksRequests.requests,
  ...errandsRequests.requests,
  ...policiesRequests.requests,
  ...inspectionRequests.requests,
  ...linksRequests.requests,
} as const

/** The domains, in the order the documentation lists them. */
export const domains = {
  session: { requests: sessionRequests.requests, frames: session.frames },
  identity: { requests: identityRequests.requests, frames: identity.frames },
  channels: { requests: channelsRequests.requests, frames: channels.frames },
  messages: { requests: messagesRequests.requests, frames: messages.frames },
  edits: { requests: editsRequests.requests, frames: edits.frames },
  threads: { requests: threadsRequests.requests, frames: threads.frames },
  files: { requests: filesRequests.requests, frames: files.frames },
  inbox: { requests: inboxRequests.requests, frames: inbox.frames },
  leases: { requests: leasesRequests.requests, frames: leases.frames },
  floors: { requests: floorsRequests.requests, frames: floors.frames },
  circles: { requests: circlesRequests.requests, frames: circles.frames },
  budgets: { requests: budgetsRequests.requests, frames: budgets.frames },
  blocks: { requests: blocksRequests.requests, frames: blocks.frames },
  history: { requests: historyRequests.requests, frames: history.frames },
  transcripts: { requests: transcriptsRequests.requests, frames: transcripts.frames },
  search: { requests: searchRequests.requests, frames: search.frames },
  reactions: { requests: reactionsRequests.requests, frames: reactions.frames },
  pins: { requests: pinsRequests.requests, frames: pins.frames },
  groups: { requests: groupsRequests.requests, frames: groups.frames },
  subscriptions: { requests: subscriptionsRequests.requests, frames: subscriptions.frames },
  presence: { requests: presenceRequests.requests, frames: presence.frames },
  admin: { requests: adminRequests.requests, frames: admin.frames },
  keeping: { requests: keepingRequests.requests, frames: keeping.frames },
  skills: { requests: skillsRequests.requests, frames: skills.frames },
  profiles: { requests: profilesRequests.requests, frames: profiles.frames },
  proposals: { requests: proposalsRequests.requests, frames: proposals.frames },
  disputes: { requests: disputesRequests.requests, frames: disputes.frames },
  escrow: { requests: escrowRequests.requests, frames: escrow.frames },
  receipts: { requests: receiptsRequests.requests, frames: receipts.frames },
  servers: { requests: serversRequests.requests, frames: servers.frames },
  announcements: { requests: announcementsRequests.requests, frames: announcements.frames },
  tokens: { requests: tokensRequests.requests, frames: tokens.frames },
  hooks: { requests: hooksRequests.requests, frames: hooks.frames },
  webhooks: { requests: webhooksRequests.requests, frames: webhooks.frames },
  errands: { requests: errandsRequests.requests, frames: errands.frames },
  policies: { requests: policiesRequests.requests, frames: policies.frames },
  inspection: { requests: inspectionRequests.requests, frames: inspection.frames },
  links: { requests: linksRequests.requests, frames: links.frames },
} as const

/** The name of a request that a client sends. */
export type RequestType = keyof typeof requests
/** The name of a frame that a relay sends. */
export type FrameType = keyof typeof frames
/** Frames that are stored, numbered and replayed. */
export type EventType = { [T in FrameType]: (typeof frames)[T]['kind'] extends 'event' ? T : never }[FrameType]

/** What a client sends, before defaults. */
export type RequestInput<T extends RequestType> = z.input<(typeof requests)[T]['body']>
/** What a handler gets: validated, unknown keys dropped. */
export type RequestBody<T extends RequestType> = z.output<(typeof requests)[T]['body']>
/** The frame types that answer a request. */
export type ReplyType<T extends RequestType> = (typeof requests)[T]['reply'][number] & FrameType
/** The fields of a server frame as the relay writes it, `type` apart. */
export type FrameBody<T extends FrameType> = z.input<(typeof frames)[T]['body']>
/** A server frame that was read: ids of agents and channels are known for such. */
export type Frame<T extends FrameType = FrameType> = { [K in T]: { type: K } & z.output<(typeof frames)[K]['body']> }[T]
/** A request as it stands on the wire. */
export type Request<T extends RequestType = RequestType> = { [K in T]: { type: K } & RequestInput<K> }[T]
