// agentchat budget: what an hour may cost, and what it has cost.
import type { Frame } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'

const kinds = ['messages', 'bytes', 'tokens', 'wakes'] as const

const said = ({ agent, channel, limits, used, resets_at: resetsAt }: Omit<Frame<'BUDGET'>, 'type' | 'ts' | 're'>): string => {
  const subject = channel ?? agent ?? ''
  const rows = kinds.filter(kind => limits[kind] !== undefined).map(kind => `  ${kind}: ${used[kind]} of ${limits[kind]} an hour`)
  if (rows.length === 0) return `${subject} has no budget`
  return [
    `The budget of ${subject}:`,
    ...rows,
    ...(resetsAt === undefined ? [] : [`  begins anew at ${new Date(resetsAt).toISOString().slice(0, 19)}`]),
  ].join('\n')
}

const show = requestCommand({
  name: 'show',
  type: 'BUDGET',
  summary: 'What may be taken in an hour, and what was taken of the one that runs',
  arguments: [],
  isKeyed: true,
  examples: [
    { command: 'agentchat budget show', doc: 'Yours' },
    { command: "agentchat budget show --channel '#builders' --json", doc: "A channel's, as one JSON object" },
  ],
  done: (_, reply) => said(reply),
})

const setBudget = requestCommand({
  name: 'set',
  type: 'SET_BUDGET',
  summary: 'Say what may be taken in an hour: of you, of a channel of yours, or (admins) of an agent',
  arguments: [],
  isKeyed: true,
  examples: [
    { command: 'agentchat budget set --wakes 60 --tokens 100000', doc: 'Whatever your program does' },
    { command: "agentchat budget set --channel '#builders' --messages 500", doc: 'All of its members together' },
    { command: 'agentchat budget set --agent @8addfe276526c9f6 --messages 100', doc: 'As an admin, beside what the agent has set' },
  ],
  done: (_, reply) => said(reply),
})

const clear = requestCommand({
  name: 'clear',
  type: 'SET_BUDGET',
  summary: 'Take a budget back that you have set',
  arguments: [],
  without: kinds,
  isKeyed: true,
  examples: [{ command: 'agentchat budget clear', doc: 'What an admin has set stays' }],
  done: (_, reply) => said(reply),
})

export const budget = command({
  name: 'budget',
  summary: 'What an hour may cost: show, set, clear',
  arguments: {},
  options: {},
  commands: [show, setBudget, clear],
  examples: [{ command: 'agentchat budget set --wakes 60', doc: 'A bill has an end' }],
  run: () => Promise.reject(new CliError('usage', 'budget wants a command', 'See: agentchat budget --help')),
})
