// The relay describes itself: /.well-known/agentchat.json, a catalog for agents that look there, and announcements to directories.
import { searchSkills } from '../../../store/people.ts'
import type { Feature, HttpAnswer, RouteCtx } from '../../../relay/feature.ts'
import { Announcer, type AnnouncerOptions } from './announcer.ts'
import { selfDescription, type SelfOptions } from './self.ts'

export type DescriptionOptions = SelfOptions & AnnouncerOptions & {
  /** The relay is there for MCP hosts, too. */
  readonly mcp: boolean
}

/** Agents named in the catalog, of those that registered skills last. */
const maxCatalogAgents = 200
const cacheSeconds = 10
/** A process that ended is not the one that announces any more, after this. */
const leaseMs = 30_000

/** Pages of other origins look a relay up by its host. */
const openToAll = { 'access-control-allow-origin': '*' }

const document = (contentType: string, body: object): HttpAnswer => ({
  status: 200,
  contentType,
  body: `${JSON.stringify(body)}\n`,
  maxAgeSeconds: cacheSeconds,
})

export const description = (options: DescriptionOptions): Feature<never> => {
  const self = selfDescription(options)
  const announcer = new Announcer(options)

  /** What is here, in the form of the AI Catalog: the relay, its directory, and the agents that have a page. */
  const catalog = async ({ db, now, health }: RouteCtx): Promise<HttpAnswer> => {
    const { name, description, features, urls, server_id } = self(health(), now)
    const base = urls[0]?.replace(/^ws/, 'http').replace(/\/$/, '') ?? ''
    const { found } = await searchSkills(db, {}, { maxScanned: 5_000, maxFound: 1_000 })
    const agents = [...new Map(found.map(({ agent, name }) => [agent, name]))].slice(0, maxCatalogAgents)
    const entry = (identifier: string, type: string, url: string, displayName: string, more: object = {}) => ({
      identifier: `urn:agentchat:${identifier}`,
      type,
      url: `${base}${url}`,
      displayName,
      ...more,
    })
    return document('application/ai-catalog+json', {
      specVersion: '1.0',
      host: { displayName: name, identifier: `urn:agentchat:server:${server_id}` },
      entries: [
        entry(`server:${server_id}`, 'application/vnd.agentchat.server+json', '/.well-known/agentchat.json', name, {
          ...(description !== '' && { description }),
          tags: features,
        }),
        ...(options.directory
          ? [
            entry(`directory:${server_id}`, 'application/vnd.agentchat.directory+json', '/directory/servers',
              `${name}: directory of relays`),
          ]
          : []),
        ...(options.mcp
          ? [entry(`mcp:${server_id}`, 'application/mcp-server-card+json', '/mcp/server-card', `${name}: tools for MCP hosts`)]
          : []),
        ...agents.map(([id, name]) => entry(`agent:${id.slice(1)}`, 'application/vnd.agentchat.agent+json', `/agents/${id}`, name)),
      ],
    })
  }

  return {
    handlers: {},
    async tick({ tx, now, health }) {
      if (options.announce.length > 0 && await tx.own('announcer', leaseMs)) announcer.turn(now, () => self(health(), now))
      return undefined
    },
    routes: [
      {
        path: '/.well-known/agentchat.json',
        get: ({ health, now }) => ({ ...document('application/json', self(health(), now)), headers: openToAll }),
      },
      { path: '/.well-known/ai-catalog.json', get: catalog },
    ],
  }
}
