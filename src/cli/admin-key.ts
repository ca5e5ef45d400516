// The relay's admin key: from the command line, else from the environment; shown to the relay with what needs it.
import { RelayError } from '../../lib/client/errors.ts'
import type { ErrorCode, RequestType } from '../../lib/protocol/index.ts'
import type { Call, OptionSpec } from './command.ts'

export const adminKeyOption = {
  adminKey: {
    value: 'KEY',
    doc: "The relay's admin key (default: AGENTCHAT_ADMIN_KEY); not needed with the identity of an admin agent",
  },
} as const satisfies Readonly<Record<string, OptionSpec>>

type Keyed = { readonly options: { readonly adminKey?: string }, readonly io: Pick<Call['io'], 'env'> }

export const adminKeyOf = ({ options, io }: Keyed): string | undefined => options.adminKey ?? (io.env['AGENTCHAT_ADMIN_KEY'] || undefined)

/** For the body of a request. */
export const adminBody = (call: Keyed): { readonly admin_key?: string } => {
  const key = adminKeyOf(call)
  return key === undefined ? {} : { admin_key: key }
}

/** A client for what an admin asks: a relay with a strict allowlist lets it in by the key. */
export const connectAdmin = (call: Keyed & Pick<Call, 'connect'>) => call.connect({ adminKey: adminKeyOf(call) })

/** What others than admins may ask, too. */
const isForOthers: ReadonlySet<RequestType> = new Set([
  'LIST_CHANNELS',
  'SET_CHANNEL',
  'DELETE_CHANNEL',
  'MEMBERS',
  'REMOVE_MEMBER',
  'UNINVITE',
  'RETRACT',
  'PROPOSAL_EVENTS',
  'DISPUTE_EVENTS',
  'STATEMENT',
])
/** How somebody without the right is refused. */
const refusals: ReadonlySet<ErrorCode | 'UNKNOWN'> = new Set([
  'AUTH_REQUIRED',
  'NOT_INVITED',
  'CHANNEL_NOT_FOUND',
  'MESSAGE_NOT_FOUND',
  'PROPOSAL_NOT_FOUND',
  'DISPUTE_NOT_FOUND',
  'DISPUTE_NOT_PARTY',
  'NOT_PROPOSAL_PARTY',
])

/** Asks with the admin key: at once what only an admin may ask; else where it is refused without, so that it is not told for nothing. */
export const askWithKey = async <T>(
  type: RequestType,
  call: Keyed,
  ask: (admin: { readonly admin_key?: string }) => Promise<T>,
): Promise<T> => {
  const admin = adminBody(call)
  if (call.options.adminKey !== undefined || !isForOthers.has(type)) return ask(admin)
  return ask({}).catch((error: unknown) => {
    if (admin.admin_key === undefined || !(error instanceof RelayError) || !refusals.has(error.code)) throw error
    return ask(admin)
  })
}
