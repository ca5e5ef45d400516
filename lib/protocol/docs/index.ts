// What the pages say of the protocol: of each request and each frame its meaning and one example. A row of the table without it does not
// compile.
import type { FrameType } from '../table.ts'
import type { FrameDoc } from './define.ts'
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

/** Of each frame of the relay. */
export const frameDocs: { readonly [T in FrameType]: FrameDoc<T> } = {
  ...session.frames,
  ...identity.frames,
  ...channels.frames,
  ...messages.frames,
  ...edits.frames,
  ...threads.frames,
  ...files.frames,
  ...inbox.frames,
  ...leases.frames,
  ...floors.frames,
  ...circles.frames,
  ...budgets.frames,
  ...blocks.frames,
  ...history.frames,
  ...transcripts.frames,
  ...search.frames,
  ...reactions.frames,
  ...pins.frames,
  ...groups.frames,
  ...subscriptions.frames,
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
  ...tokens.frames,
  ...hooks.frames,
  ...webhooks.frames,
  ...errands.frames,
  ...policies.frames,
  ...inspection.frames,
  ...links.frames,
}
export { requestDocs } from './requests.ts'
export { closeDocs } from './close.ts'
export { errorDocs } from './errors.ts'
export { type FrameDoc, type RequestDoc } from './define.ts'
