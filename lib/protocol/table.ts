// THE PROTOCOL TABLE: everything that is said on the wire, in both directions.
import type { z } from 'zod'
import * as admin from './admin.ts'
import * as announcements from './announcements.ts'
import * as blocks from './blocks.ts'
import * as channels from './channels.ts'
import * as disputes from './disputes.ts'
import * as escrow from './escrow.ts'
import * as history from './history.ts'
import * as identity from './identity.ts'
import * as inbox from './inbox.ts'
import * as keeping from './keeping.ts'
import * as messages from './messages.ts'
import * as presence from './presence.ts'
import * as profiles from './profiles.ts'
import * as proposals from './proposals.ts'
import * as receipts from './receipts.ts'
import * as servers from './servers.ts'
import * as session from './session.ts'
import * as skills from './skills.ts'

/** Client → relay. */
export const requests = {
  ...session.requests,
  ...identity.requests,
  ...channels.requests,
  ...messages.requests,
  ...inbox.requests,
  ...blocks.requests,
  ...history.requests,
  ...presence.requests,
  ...admin.requests,
  ...keeping.requests,
  ...skills.requests,
  ...profiles.requests,
  ...proposals.requests,
  ...disputes.requests,
  ...escrow.requests,
  ...receipts.requests,
  ...servers.requests,
  ...announcements.requests,
} as const

/** Relay → client. */
export const frames = {
  ...session.frames,
  ...identity.frames,
  ...channels.frames,
  ...messages.frames,
  ...inbox.frames,
  ...blocks.frames,
  ...history.frames,
  ...presence.frames,
  ...admin.frames,
  ...keeping.frames,
  ...skills.frames,
  ...profiles.frames,
  ...proposals.frames,
  ...disputes.frames,
  ...escrow.frames,
  ...receipts.frames,
  ...servers.frames,
  ...announcements.frames,
} as const

/** The domains, in the order the documentation lists them. */
export const domains = {
  session,
  identity,
  channels,
  messages,
  inbox,
  blocks,
  history,
  presence,
  admin,
  keeping,
  skills,
  profiles,
  proposals,
  disputes,
  escrow,
  receipts,
  servers,
  announcements,
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
