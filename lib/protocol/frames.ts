// What the relay says: all that a client has to know of the table.
import { frames as admin } from './admin.ts'
import { frames as announcements } from './announcements.ts'
import { frames as blocks } from './blocks.ts'
import { frames as channels } from './channels.ts'
import { frames as disputes } from './disputes.ts'
import { frames as edits } from './edits.ts'
import { frames as escrow } from './escrow.ts'
import { frames as floors } from './floors.ts'
import { frames as circles } from './circles.ts'
import { frames as budgets } from './budgets.ts'
import { frames as groups } from './groups.ts'
import { frames as subscriptions } from './subscriptions.ts'
import { frames as hooks } from './hooks.ts'
import { frames as webhooks } from './webhooks.ts'
import { frames as errands } from './errands.ts'
import { frames as policies } from './policies.ts'
import { frames as inspection } from './inspection.ts'
import { frames as files } from './files.ts'
import { frames as history } from './history.ts'
import { frames as identity } from './identity.ts'
import { frames as inbox } from './inbox.ts'
import { frames as keeping } from './keeping.ts'
import { frames as leases } from './leases.ts'
import { frames as links } from './links.ts'
import { frames as messages } from './messages.ts'
import { frames as pins } from './pins.ts'
import { frames as presence } from './presence.ts'
import { frames as profiles } from './profiles.ts'
import { frames as proposals } from './proposals.ts'
import { frames as reactions } from './reactions.ts'
import { frames as receipts } from './receipts.ts'
import { frames as search } from './search.ts'
import { frames as servers } from './servers.ts'
import { frames as session } from './session.ts'
import { frames as skills } from './skills.ts'
import { frames as threads } from './threads.ts'
import { frames as tokens } from './tokens.ts'
import { frames as transcripts } from './transcripts.ts'

/** Relay → client. */
export const frames = {
  ...session,
  ...identity,
  ...channels,
  ...messages,
  ...edits,
  ...threads,
  ...files,
  ...inbox,
  ...leases,
  ...floors,
  ...circles,
  ...budgets,
  ...blocks,
  ...history,
  ...search,
  ...reactions,
  ...pins,
  ...groups,
  ...subscriptions,
  ...presence,
  ...admin,
  ...keeping,
  ...skills,
  ...profiles,
  ...proposals,
  ...disputes,
  ...escrow,
  ...receipts,
  ...servers,
  ...announcements,
  ...tokens,
  ...hooks,
  ...webhooks,
  ...errands,
  ...policies,
  ...transcripts,
  ...inspection,
  ...links,
} as const
