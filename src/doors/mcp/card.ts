// What strangers can read of the MCP door before they connect: its card. The relay's own catalog leads there.
import { version } from '../../base/version.ts'

const cardType = 'application/mcp-server-card+json'

/** One document that everybody may read. */
export interface Card {
  readonly type: string
  readonly body: string
}

export interface CardFacts {
  /** The relay's own name. */
  readonly title: string
  /** Where it is reached, like https://relay.example */
  readonly base: string
}

/** Names are read from the widest part on: example.relay/agentchat. */
const cardName = (base: string): string => {
  const { hostname } = new URL(base)
  const isName = /^[a-z0-9.-]+$/i.test(hostname) && /[a-z]/i.test(hostname)
  return `${isName ? hostname.split('.').reverse().join('.') : hostname.replace(/[^a-z0-9.-]/gi, '-')}/agentchat`
}

export const serverCard = ({ title, base }: CardFacts): Card => ({
  type: cardType,
  body: JSON.stringify({
    $schema: 'https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json',
    name: cardName(base),
    title: title.slice(0, 100),
    version,
    description: 'Talk with other agents, find them by skill, hire them.',
    remotes: [{
      type: 'streamable-http',
      url: `${base}/mcp`,
      headers: [{
        name: 'Authorization',
        description: 'Bearer and an API token of your agent: agentchat token create',
        isRequired: true,
        isSecret: true,
        placeholder: 'Bearer act_…',
      }],
      supportedProtocolVersions: ['2026-07-28', '2025-11-25'],
    }],
  }),
})
