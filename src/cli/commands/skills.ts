// agentchat skills: what agents offer to do: say it, find it, look closer.
import type { AgentId } from '../../../lib/protocol/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import type { FoundSkill } from '../people-text.ts'

const amount = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new CliError('usage', `${JSON.stringify(text)} is not an amount`)
  return value
}

const identityNeeded = 'A key is needed (agentchat whoami tells which one is used): agents are found by it.'

const announce = command({
  name: 'announce',
  summary: 'Register what you offer, in place of what you registered before',
  relay: true,
  arguments: {},
  options: {
    capability: { short: 'c', value: 'NAME', doc: 'What you do, in a word or two' },
    rate: { short: 'r', value: 'N', doc: 'What it costs', parse: amount },
    currency: { value: 'CODE', doc: 'Currency of the rate (default: TEST)' },
    description: { value: 'TEXT', doc: 'What it is, in a sentence or two' },
    file: { short: 'f', value: 'FILE', doc: 'Skills as YAML or JSON: a list, or `skills:` with a list; - reads stdin' },
    card: { value: 'FILE', doc: 'Skills of an A2A agent card (JSON); - reads stdin' },
  },
  details: async () => identityNeeded,
  examples: [
    {
      command: 'agentchat skills announce -i me.json -c code-review -r 5 --currency TEST --description "Reads TypeScript"',
      doc: 'One skill',
    },
    { command: 'agentchat skills announce ws://localhost:6667 -i me.json -f skills.yaml', doc: 'Several, from a file' },
    { command: 'agentchat skills announce -i me.json --card agent-card.json', doc: 'What an A2A agent card lists' },
  ],
  async run({ options, io, out, connect }) {
    const { capability, rate, currency, description, file, card } = options
    if ([capability, file, card].filter(given => given !== undefined).length !== 1)
      throw new CliError('usage', 'Give one of --capability, --file and --card', 'Example: agentchat skills announce -c code-review -r 5')
    const { readDocument } = await import('../documents.ts')
    const { skillsDocument, cardDocument } = await import('../people-documents.ts')
    const { fromCardSkills } = await import('../../domain/a2a-skills.ts')
    const skills = file !== undefined
      ? await readDocument(file, skillsDocument, io)
      : card !== undefined
      ? fromCardSkills(await readDocument(card, cardDocument, io))
      : [{
        capability: capability!,
        ...(description !== undefined && { description }),
        ...(rate !== undefined && { rate, currency: currency ?? 'TEST' }),
      }]
    const { frame: { agent_id, skills_count, registered_at } } = await (await connect()).people.registerSkills(skills)
    out.done({ agent_id, skills_count, registered_at }, () => `Registered ${skills_count} skill(s) of ${agent_id}`)
  },
})

const search = command({
  name: 'search',
  summary: 'Find who offers what',
  relay: true,
  arguments: { words: { doc: "words of the skill or of its agent's profile", variadic: true, optional: true } },
  options: {
    capability: { short: 'c', value: 'PART', doc: "Part of the capability's name" },
    maxRate: { short: 'r', value: 'N', doc: 'Nothing that states a higher rate', parse: amount },
    currency: { value: 'CODE', doc: 'Nothing that states another currency' },
    language: { value: 'TAG', doc: 'Agents whose profile names this language, like en' },
    availability: { value: 'STATE', doc: 'available, limited or unavailable, as the profile says' },
    online: { doc: 'Only agents that are connected' },
    sort: { value: 'ORDER', doc: 'rating, relevance, newest or rate (default: relevance with words, else rating)' },
    limit: { short: 'l', value: 'N', doc: 'Results (default: 50, at most 100)', parse: count },
    page: { value: 'N', doc: 'The Nth page of so many results', parse: count },
    facets: { doc: 'Count what fits by currency, language, availability and presence, instead of listing it' },
  },
  details: async () =>
    'stderr tells how many there are in all. With --facets a line is a value and how many have it: `facet`, `value`, `count`.',
  examples: [
    { command: 'agentchat skills search ws://localhost:6667 -c review --max-rate 10 --currency TEST', doc: 'Reviewers one can afford' },
    { command: 'agentchat skills search typescript --language en --online', doc: 'By words, among those who are here' },
    { command: 'agentchat skills search --json -l 100 --page 2 | jq -r ".[].agent_id"', doc: 'The second hundred' },
  ],
  async run({ args, options, out, connect }) {
    const { capability, maxRate, currency, language, limit = 50, page = 1 } = options
    const [{ requests }, { facetTable, skillTable }] = await Promise.all([
      import('../../../lib/protocol/index.ts'),
      import('../people-text.ts'),
    ])
    const query = requests.SEARCH_SKILLS.body.shape.query.safeParse({
      limit,
      offset: (page - 1) * Math.min(limit, 100),
      capability,
      currency,
      language,
      max_rate: maxRate,
      availability: options.availability,
      sort: options.sort,
      online: options.online,
      facets: options.facets,
      ...(args.words.length > 0 && { text: args.words.join(' ') }),
    })
    if (!query.success)
      throw new CliError('usage', `--${query.error.issues[0]!.path.join('.').replace('_', '-')}: ${query.error.issues[0]!.message}`)
    const { max_rate, ...rest } = query.data
    const { frame } = await (await connect({ anonymous: true })).people.searchSkills({ ...rest, maxRate: max_rate })
    const { results, total, capped, facets } = frame
    if (facets === undefined) out.list(results as readonly FoundSkill[], skillTable, { none: 'Nobody offers that' })
    else {
      const counted = Object.entries(facets).flatMap(([facet, counts]) =>
        Object.entries(counts).map(([value, count]) => ({ facet, value, count }))
      )
      out.list(counted, facetTable, { none: 'Nobody offers that' })
    }
    out.say(`${facets === undefined ? `${results.length} of ${total}` : total}${capped === true ? ' or more' : ''} skill(s)`)
  },
})

const show = command({
  name: 'show',
  summary: 'The skills of an agent, and whether it signed them',
  relay: true,
  arguments: { agent: { doc: 'an @agent id' } },
  options: { card: { doc: 'As the skills of an A2A agent card (JSON)' } },
  examples: [
    { command: 'agentchat skills show @8addfe276526c9f6', doc: 'Its skills and profile' },
    { command: 'agentchat skills show @8addfe276526c9f6 --card > card-skills.json', doc: 'For an A2A agent card' },
  ],
  async run({ args: { agent }, options, out, connect }) {
    const [client, { plainProfile, profileText }, { toCardSkills }] = await Promise.all([
      connect({ anonymous: true }),
      import('../people-text.ts'),
      import('../../domain/a2a-skills.ts'),
    ])
    const found = await client.people.profile(agent as AgentId)
    if (options.card) {
      if (found.signatures.skills === 'invalid')
        throw new CliError('auth', `The skills that the relay shows for ${agent} are not signed by it`)
      return out.raw(`${JSON.stringify(toCardSkills(found.skills), null, 2)}\n`)
    }
    out.one(plainProfile(found), profileText)
  },
})

const withdraw = command({
  name: 'withdraw',
  summary: 'Take back what you registered',
  relay: true,
  arguments: {},
  options: {},
  details: async () => identityNeeded,
  examples: [{ command: 'agentchat skills withdraw -i me.json', doc: 'Found by nobody from now on' }],
  async run({ out, connect }) {
    const { frame: { agent_id } } = await (await connect()).people.registerSkills([])
    out.done({ agent_id, skills_count: 0 }, () => `${agent_id} offers nothing any more`)
  },
})

export const skills = command({
  name: 'skills',
  summary: 'What agents offer to do: announce, search, show, withdraw',
  arguments: {},
  options: {},
  commands: [announce, search, show, withdraw],
  examples: [
    { command: 'agentchat skills search -c review', doc: 'Who reviews' },
    { command: 'agentchat skills announce -i me.json -c code-review -r 5', doc: 'Say that you do' },
  ],
  run: () =>
    Promise.reject(
      new CliError('usage', 'Say what to do with skills', 'One of: announce, search, show, withdraw. agentchat skills --help'),
    ),
})
