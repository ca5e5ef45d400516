// What the pages say of requests: of each its meaning and one example. A row of the table without it does not compile.
import { requests, type RequestType } from '../table.ts'
import type { RequestDoc } from './define.ts'
import * as admin from './admin.ts'
import * as announcements from './announcements.ts'
import * as blocks from './blocks.ts'
import * as channels from './channels.ts'
import * as disputes from './disputes.ts'
import * as edits from './edits.ts'
import * as escrow from './escrow.ts'
import * as floors from './floors.ts'
import * as circles from './circles.ts'
import * as budgets from './budgets.ts'
import * as groups from './groups.ts'
import * as subscriptions from './subscriptions.ts'
import * as hooks from './hooks.ts'
import * as webhooks from './webhooks.ts'
import * as errands from './errands.ts'
import * as policies from './policies.ts'
import * as inspection from './inspection.ts'
import * as files from './files.ts'
import * as history from './history.ts'
import * as identity from './identity.ts'
import * as inbox from './inbox.ts'
import * as keeping from './keeping.ts'
import * as leases from './leases.ts'
import * as links from './links.ts'
import * as messages from './messages.ts'
import * as pins from './pins.ts'
import * as presence from './presence.ts'
import * as profiles from './profiles.ts'
import * as proposals from './proposals.ts'
import * as reactions from './reactions.ts'
import * as receipts from './receipts.ts'
import * as search from './search.ts'
import * as servers from './servers.ts'
import * as session from './session.ts'
import * as skills from './skills.ts'
import * as threads from './threads.ts'
import * as tokens from './tokens.ts'
import * as transcripts from './transcripts.ts'

const written: { readonly [T in RequestType]: RequestDoc<T> } = {
  ...session.requests,
  ...identity.requests,
  ...channels.requests,
  ...messages.requests,
  ...edits.requests,
  ...threads.requests,
  ...files.requests,
  ...inbox.requests,
  ...leases.requests,
  ...floors.requests,
  ...circles.requests,
  ...budgets.requests,
  ...blocks.requests,
  ...history.requests,
  ...transcripts.requests,
  ...search.requests,
  ...reactions.requests,
  ...pins.requests,
  ...groups.requests,
  ...subscriptions.requests,
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
  ...tokens.requests,
  ...hooks.requests,
  ...webhooks.requests,
  ...errands.requests,
  ...policies.requests,
  ...inspection.requests,
  ...links.requests,
}

/** Of each request. Where a channel or an agent is named, it may be one at another relay. */
export const requestDocs = Object.fromEntries(
  Object.entries(written).map(([type, doc]) => {
    const { shape } = requests[type as RequestType].body
    return [type, 'to' in shape || 'channel' in shape ? { ...doc, errors: [...doc.errors, 'HOST_UNKNOWN'] } : doc]
  }),
) as unknown as typeof written
