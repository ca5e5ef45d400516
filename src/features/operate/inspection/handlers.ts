// What an operator looks at: the relay's log as it is written, who is connected, and the settings. Nothing is changed here.
import type { FrameBody, RequestBody } from '../../../../lib/protocol/index.ts'
import { pageOf, reply, type Asker, type Feature } from '../../../relay/feature.ts'

type LogBody = FrameBody<'LOG'>
type Settings = FrameBody<'SETTINGS'>['settings']

export interface InspectionOptions {
  readonly maxPage: number
  /** Lines behind `after` that are no less important than `level`, or the newest of them. */
  readonly logLines: (
    query: { readonly after: number | undefined, readonly limit: number, readonly level: NonNullable<RequestBody<'ADMIN_LOG'>['level']> },
  ) => { readonly lines: readonly LogBody['lines'][number][], readonly more: boolean, readonly oldest: number }
  /** Without secrets. */
  readonly shownSettings: () => Settings
}

export const inspection = (
  { maxPage, logLines, shownSettings }: InspectionOptions,
): Feature<'ADMIN_LOG' | 'ADMIN_AGENTS' | 'ADMIN_SETTINGS'> => {
  // Who follows the log looks every few seconds: noted each time, the log would be about nothing else, and the audit too.
  const noted = new WeakSet<Asker>()
  return {
    handlers: {
      ADMIN_LOG: {
        read({ asker }, { after, limit = maxPage, level = 'trace' }) {
          const goesOn = noted.has(asker)
          noted.add(asker)
          const { lines, more, oldest } = logLines({ after, limit, level })
          return { ...reply('LOG', { lines: [...lines], more, oldest }), ...(goesOn && { byRight: false }) }
        },
      },
      ADMIN_AGENTS: {
        read({ roster }, { after = '', limit = maxPage }) {
          const { page, more } = roster.connectedAfter(after, limit)
          const { list: agents, more: isCut } = pageOf(page, limit, agent => ({
            agent: agent.id as `@${string}`,
            name: agent.name,
            verified: agent.verified,
            keyed: agent.pubkey !== null,
            admin: agent.admin,
            presence: agent.presence,
            sessions: roster.sessions(agent.id).count,
            channels: agent.channels.size,
            addresses: [...roster.addressesOf(agent.id)],
          }))
          return reply('CONNECTED', { agents, more: more || isCut, count: roster.agentCount })
        },
      },
      ADMIN_SETTINGS: {
        read: () => reply('SETTINGS', { settings: shownSettings() }),
      },
    },
  }
}
