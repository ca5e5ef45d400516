// agentchat errands: what a relay has to do outside of it, for its operator.
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command, count, whole } from '../command.ts'
import { CliError } from '../exit.ts'
import { table } from '../table.ts'
import { visible } from '../terminal.ts'

type Errand = Frame<'ERRANDS'>['items'][number]

const errand = { doc: 'its number, as agentchat errands list shows it' }
const time = (at: number): string => new Date(at).toISOString().slice(0, 19)
const states = ['waiting', 'leased', 'dead'] as const
const stateOf = (text: string): Errand['state'] => {
  const found = states.find(state => state === text)
  if (found === undefined) throw new CliError('usage', `${JSON.stringify(text)} is no state`, `One of: ${states.join(', ')}`)
  return found
}

const list = command({
  name: 'list',
  summary: 'What is to be done, by whom it is held, and what was given up',
  relay: true,
  arguments: {},
  options: {
    ...adminKeyOption,
    state: { value: states.join('|'), doc: 'Only those in this state', parse: stateOf },
    kind: { value: 'KIND', doc: 'Only those of a kind: webhook' },
    owner: { value: '@AGENT', doc: 'Only those of an agent' },
    limit: { short: 'l', value: 'N', doc: 'How many (default: 200)', parse: count },
  },
  examples: [
    { command: 'agentchat errands list --state dead', doc: 'What wants a person; with AGENTCHAT_ADMIN_KEY in the environment' },
    { command: 'agentchat errands list --json', doc: 'As one JSON array' },
  ],
  async run(call) {
    const { options: { state, kind, owner, limit = 200 }, out } = call
    const client = await connectAdmin(call)
    const items: Errand[] = []
    for (let after = 0; items.length < limit;) {
      const page = await client.request('ADMIN_ERRANDS', {
        ...adminBody(call),
        ...(state !== undefined && { state }),
        ...(kind !== undefined && { kind }),
        ...(owner !== undefined && { owner: owner as `@${string}` }),
        after,
        limit: Math.min(limit - items.length, 200),
      })
      items.push(...page.items)
      const last = page.items.at(-1)
      if (!page.more || last === undefined || last.errand <= after) break
      after = last.errand
    }
    out.list(items, table(
      { title: 'ERRAND', text: ({ errand }) => String(errand) },
      { title: 'KIND', text: ({ kind }) => visible(kind) },
      { title: 'OWNER', text: ({ owner }) => owner },
      { title: 'OF', text: ({ ref }) => visible(ref) },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'TRIES', text: ({ attempts }) => String(attempts) },
      { title: 'AT', text: ({ at }) => time(at) },
      { title: 'PROBLEM', text: ({ problem }) => visible(problem ?? '') },
    ), { none: 'Nothing is to be done' })
  },
})

const ofOne = (
  name: string,
  type: 'ADMIN_ERRAND' | 'ADMIN_ERRAND_RETRY' | 'ADMIN_ERRAND_DROP',
  summary: string,
  example: { readonly command: string, readonly doc: string },
  done: (errand: Errand) => string,
) =>
  command({
    name,
    summary,
    relay: true,
    arguments: { errand },
    options: adminKeyOption,
    examples: [example],
    async run(call) {
      const { items } = await (await connectAdmin(call)).request(type, { ...adminBody(call), errand: whole(call.args.errand) })
      call.out.done(items[0]!, done)
    },
  })

const show = ofOne('show', 'ADMIN_ERRAND', 'One errand, with what its worker is told', {
  command: 'agentchat errands show 7 --json',
  doc: 'All that is known of it',
}, ({ errand, kind, owner, ref, state, attempts, at, problem, payload }) =>
  [
    `${errand} ${visible(kind)} of ${owner}: ${visible(ref)}`,
    `${state}, taken ${attempts} times, ${state === 'waiting' ? 'not before' : state === 'leased' ? 'held until' : 'given up'} ${time(at)}`,
    ...(problem === undefined ? [] : [visible(problem)]),
    ...(payload === undefined || payload === '' ? [] : [visible(payload)]),
  ].join('\n'))

const retry = ofOne('retry', 'ADMIN_ERRAND_RETRY', 'Have an errand done now, as if it had not been tried', {
  command: 'agentchat errands retry 7',
  doc: 'A webhook that was switched off for it goes on',
}, ({ errand }) => `${errand} is done now`)

const drop = ofOne('drop', 'ADMIN_ERRAND_DROP', 'Take an errand out: nobody does it', {
  command: 'agentchat errands drop 7',
  doc: 'A webhook that is on gets another one with its next event',
}, ({ errand }) => `${errand} is dropped`)

export const errands = command({
  name: 'errands',
  summary: 'What a relay has to do outside of it, for its operator: list, show, retry, drop',
  arguments: {},
  options: {},
  commands: [list, show, retry, drop],
  examples: [{ command: 'agentchat errands list --state dead', doc: 'What was given up' }],
  run: () => Promise.reject(new CliError('usage', 'errands wants a command', 'See: agentchat errands --help')),
})
