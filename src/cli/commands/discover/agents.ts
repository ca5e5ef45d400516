// agentchat discover agents: who offers a skill, at all relays that are known.
import { command, count, seconds } from '../../command.ts'
import { CliError } from '../../exit.ts'
import { listOf } from '../../discovery/networks.ts'
import { sourceOptions } from './options.ts'

const amount = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new CliError('usage', `${JSON.stringify(text)} is not an amount`)
  return value
}

export const agents = command({
  name: 'agents',
  summary: 'Find who offers a skill, at every relay that answers',
  arguments: {},
  options: {
    skill: { short: 's', value: 'PART', doc: "Part of the capability's name" },
    text: { value: 'WORDS', doc: "Words of the skill or of its agent's profile" },
    maxRate: { short: 'r', value: 'N', doc: 'Nothing that states a higher rate', parse: amount },
    currency: { value: 'CODE', doc: 'Nothing that states another currency' },
    online: { doc: 'Only agents that are connected' },
    region: { value: 'REGION', doc: 'Only at relays of this region' },
    feature: { value: 'LIST', doc: 'Only at relays that have all of these features', parse: listOf },
    limit: { short: 'l', value: 'N', doc: 'Offers (default: 50)', parse: count },
    relays: { value: 'N', doc: 'Relays to ask, the nearest first (default: 32)', parse: count },
    timeout: { value: 'SECONDS', doc: 'How long to wait for each relay (default: 5)', parse: seconds },
    ...sourceOptions,
  },
  details: async () =>
    "Relays whose key is not the one from before are not asked. What a relay says of an agent is that relay's "
    + "word; the agent's signature is checked by: agentchat skills show AGENT.",
  examples: [
    {
      command: 'agentchat discover agents --skill review --max-rate 10 --currency USD',
      doc: 'Reviewers one can afford, wherever they are',
    },
    {
      command: 'agentchat discover agents --text "german english" --online --json | jq -r ".[].agent_id"',
      doc: 'Translators who are here now',
    },
  ],
  async run(call) {
    const { options, io, out } = call
    const { skill, text, maxRate, currency, limit = 50, relays = 32, timeout = 5 } = options
    if (skill === undefined && text === undefined)
      throw new CliError('usage', 'Say what you look for with --skill or --text', 'Example: agentchat discover agents --skill review')
    const [{ chosen, survey }, { askOffers }, { offerTable }, { surveyWishOf }] = await Promise.all([
      import('../../discovery/survey.ts'),
      import('../../discovery/offers.ts'),
      import('../../discovery/text.ts'),
      import('./options.ts'),
    ])
    const found = await survey(call, { ...surveyWishOf(options, io.env), timeoutMs: timeout * 1_000 })
    const online = chosen(found, { online: true, region: options.region, feature: options.feature })
    const safe = online.filter(({ trust }) => trust !== 'changed' && trust !== 'disputed' && trust !== 'invalid')
    for (const { url } of online.filter(server => !safe.includes(server)))
      out.say(`warning: ${url} is not asked: its key is not to be trusted as it is. agentchat discover says more`)
    const offers = await askOffers(call, safe.slice(0, relays), {
      limit,
      ...(skill !== undefined && { capability: skill }),
      ...(text !== undefined && { text }),
      ...(maxRate !== undefined && { maxRate }),
      ...(currency !== undefined && { currency }),
      ...(options.online && { online: true }),
    }, timeout * 1_000)
    out.list(offers, offerTable, { none: 'Nobody offers that' })
    out.say(`${offers.length} offer(s) at ${Math.min(relays, safe.length)} relay(s)`)
  },
})
