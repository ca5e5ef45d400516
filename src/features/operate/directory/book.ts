// What the directory keeps of relays: descriptions as they are searched, looks as they count, and for how long.
import type { ServerDocument } from '../../../../lib/protocol/index.ts'
import { hostOf, type Kept, type ServerState } from '../../../domain/directory/admission.ts'
import { endOf } from '../../../domain/directory/documents.ts'
import { dayHours, hourMs, uptimeOf, weekHours } from '../../../domain/directory/uptime.ts'
import { countLook, findServer, forgetServers, noteLook, putServer, type LookedAt, type ServerRow } from '../../../store/servers.ts'
import type { Db, Tx } from '../../../store/store.ts'

/** How long it is told why a relay was not listed. */
const refusedMs = 10 * 60_000

export const findKept = async (db: Db, id: string): Promise<(Kept & Pick<ServerRow, 'problem'>) | undefined> => {
  const row = await findServer(db, id)
  return row && { document: JSON.parse(row.document) as ServerDocument, state: row.state, problem: row.problem }
}

export const keepServer = async (
  tx: Tx,
  document: ServerDocument,
  state: ServerState,
  from: { readonly announcer: string, readonly now: number },
): Promise<void> => {
  const { server_id, name, description, region, features, issued_at } = document
  const url = document.urls[0]!
  await putServer(tx, server_id, JSON.stringify(document), {
    state,
    url,
    host: hostOf(url),
    region: region?.toLowerCase() ?? null,
    features: ` ${features.join(' ')} `,
    words: [name, description, region ?? '', ...features].join(' ').toLowerCase(),
    issued_at,
    expires_at: endOf(document),
  }, from)
}

/** Notes a look; looks at listed relays count for their uptime. */
export const keepLook = async (tx: Tx, id: string, looked: Omit<LookedAt, 'checked_at'>, now: number): Promise<void> => {
  const hour = Math.floor(now / hourMs)
  const hours = looked.state === 'listed' ? await countLook(tx, id, hour, looked.online, hour - weekHours) : undefined
  await noteLook(tx, id, {
    ...looked,
    checked_at: now,
    ...(hours !== undefined && { uptime_day: uptimeOf(hours, now, dayHours), uptime_week: uptimeOf(hours, now, weekHours) }),
  })
}

/** Silent relays are remembered for a week, so that their uptime is not lost. */
export const forgetOld = (tx: Tx, now: number): Promise<void> =>
  forgetServers(tx, {
    unlistedBefore: now - refusedMs,
    endedBefore: now - weekHours * hourMs,
    hoursBefore: Math.floor(now / hourMs) - weekHours,
  })
