// agentchat ratings: how agents stand with a relay.
import type { AgentId, Frame } from '../../../lib/protocol/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import { table } from '../table.ts'

/** An agent under the name that all commands use. */
const named = <T extends { readonly agent: string }>({ agent, ...rest }: T) => ({ agent_id: agent, ...rest })

const ratingTable = table<ReturnType<typeof named<Frame<'LEADERBOARD'>['agents'][number]>>>(
  { title: 'AGENT', text: ({ agent_id }) => agent_id },
  { title: 'STANDING', text: ({ standing }) => standing.standing, style: () => 'bold', isNumber: true },
  { title: 'CONFIDENCE', text: ({ standing }) => standing.confidence.toFixed(2), isNumber: true },
  { title: 'RATING', text: ({ rating }) => rating, isNumber: true },
  { title: 'RATED', text: ({ transactions }) => transactions, isNumber: true },
)

const by = (text: string): 'standing' | 'rating' => {
  if (text === 'standing' || text === 'rating') return text
  throw new CliError('usage', `${JSON.stringify(text)} is not standing or rating`)
}

export const ratings = command({
  name: 'ratings',
  summary: 'Show how an agent stands with the relay, or who stands best',
  relay: true,
  arguments: { agent: { doc: 'an @agent id; without it, the best agents', optional: true } },
  options: {
    leaderboard: { short: 'l', value: 'N', doc: 'How many of the best (default: 20, at most 100)', parse: count },
    by: { value: 'NUMBER', doc: 'Order by standing (the default) or by rating', parse: by },
  },
  details: async () =>
    'STANDING (0 to 100) comes from receipts of paid work that both parties signed, and from who they are; '
    + 'CONFIDENCE (0 to 1) says how much stands behind it.\nRATING starts at 1200 and moves with any completion: friends can push '
    + 'it. docs/REPUTATION.md explains both.',
  examples: [
    { command: 'agentchat ratings ws://localhost:6667 @8addfe276526c9f6', doc: 'One agent' },
    { command: 'agentchat ratings -l 5 --by rating', doc: 'The five highest ratings' },
  ],
  async run({ args: { agent }, options, out, connect }) {
    const [client, { visible }] = await Promise.all([connect(), import('../terminal.ts')])
    const limit = options.leaderboard
    if (agent === undefined) {
      const { agents } = await client.reputation.leaderboard({
        ...(options.by !== undefined && { by: options.by }),
        ...(limit !== undefined && { limit }),
      })
      return out.list(agents.map(({ frame }) => named(frame)), ratingTable, {
        none: 'Nobody yet: standing begins with paid work that both parties signed for, near agents the operator has verified.',
      })
    }
    const { frame: { type: _, ts: __, re: ___, ...found } } = await client.reputation.rating(agent as AgentId)
    out.one(named(found), ({ agent_id: id, rating, transactions, standing: { standing, confidence, counterparties } }, paint) =>
      [
        paint('bold', visible(id)),
        `  standing  ${standing} of 100, confidence ${confidence.toFixed(2)}, ${counterparties} counterparties of paid work`,
        `  rating    ${rating}, ${transactions} rated`,
      ].join('\n'))
  },
})
