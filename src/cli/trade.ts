// What the commands of trade share: a key to sign with, a word before money moves, and proposals for eyes.
import type { AgentChatClient } from '../../lib/client/index.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import { currencyCode, formatMinor, minorOf, plainNumber } from '../../lib/protocol/money.ts'
import type { Call, Wish } from './command.ts'
import { confirm as ask } from './confirm.ts'
import { CliError } from './exit.ts'
import type { Table } from './output.ts'
import { table } from './table.ts'
import { visible } from './terminal.ts'

/** A deal as the protocol tells it: in these words it is printed. */
export type Proposal = Frame<'PROPOSAL_STATE'>['proposal']
/** One step of it. */
export type ProposalEvent = Frame<'PROPOSAL_EVENTS'>['events'][number]

/** What was checked, as the protocol tells it. */
export const checkedFrame = <T extends object, S>(
  { frame, signature }: { readonly frame: T, readonly signature: S },
): T & { readonly signature: S } => ({ ...frame, signature })

export const yesOption = { yes: { short: 'y', doc: 'Do not ask before money moves or you are bound' } } as const

/** A client that can sign. */
export const connectKeyed = async (call: Pick<Call, 'target' | 'connect'>, wish: Wish = {}): Promise<AgentChatClient> => {
  if ((await call.target(wish)).identity === undefined)
    throw new CliError('auth', 'Deals are made with a key',
      'Make one: agentchat identity generate. Another file than the default one: -i FILE.')
  return call.connect(wish)
}

/** Asks before money moves, or what cannot be undone happens. Without a terminal nobody can be asked. */
export const confirm = async (
  { io, out, options }: Pick<Call, 'io' | 'out'> & { readonly options: { readonly yes?: true } },
  what: string,
): Promise<void> => {
  const isAsked = options.yes !== true
  if (isAsked && (io.stdin.isTTY !== true || io.stderr.isTTY !== true || out.isJson))
    throw new CliError('usage', `${what}: nobody is there to ask`, 'Say --yes if it is meant.')
  if (!await ask(`${what}. Go on?`, { io, yes: !isAsked })) throw new CliError('error', 'Nothing was done')
}

/** An amount as people write it. */
export const amount = (text: string): number => {
  if (!/^\d{1,15}(\.\d{1,12})?$/.test(text))
    throw new CliError('usage', `${JSON.stringify(text)} is not an amount`, 'Amounts look like 12.5')
  return Number(text)
}

/** A currency in its one spelling. */
export const parseCurrency = (text: string): string => currencyCode(text)

/** An amount in minor units. */
export const minor = (text: string, currency: string): number => {
  const value = minorOf(text, currency)
  if (value === undefined || value === 0)
    throw new CliError('usage', `${JSON.stringify(text)} is not an amount of ${currency}`,
      'Amounts look like 12.5, not finer than the currency goes.')
  return value
}

/** `draft=2.5,final=10` */
export const milestones = (text: string): readonly { readonly title: string, readonly amount: number }[] =>
  text.split(',').map(part => {
    const match = /^(.+)=([\d.]+)$/.exec(part.trim())
    if (match === null) throw new CliError('usage', `${JSON.stringify(part)} is not a milestone`,
        'Milestones look like "draft=2.5,final=10".')
    return { title: match[1]!, amount: amount(match[2]!) }
  })

/** A part of what is held, in minor units: nothing at all is one too. */
export const share = (text: string, currency: string | null): number => /^0+(\.0+)?$/.test(text) ? 0 : minor(text, currency ?? '')

/** What milestones come to, to the last minor unit: fractions do not add up. */
export const priceOf = (parts: readonly { readonly amount: number }[], currency: string): number => {
  const sum = parts.reduce((total, part) => total + minor(plainNumber(part.amount), currency), 0)
  return Number(formatMinor(sum, currency).split(' ')[0])
}

export const priceText = ({ amount_minor, amount, currency }: Proposal): string =>
  amount_minor !== null && currency !== null
    ? visible(formatMinor(amount_minor, currency))
    : amount === null
    ? 'no price'
    : visible(`${plainNumber(amount)} ${currency ?? ''}`.trim())

/** What is held, paid and returned of it, where anything is. */
export const moneyText = ({ held_minor, captured_minor, returned_minor, currency, funding }: Proposal): string =>
  [
    ...(funding === 'pending' ? ['funding asked'] : []),
    ...([[held_minor, 'held'], [captured_minor, 'paid'], [returned_minor, 'returned']] as const).filter(([minor]) => minor > 0).map((
      [minor, word],
    ) => `${visible(formatMinor(minor, currency ?? ''))} ${word}`),
  ].join(', ')

export const proposalTable: Table<Proposal> = table(
  { title: 'PROPOSAL', text: ({ proposal_id }) => proposal_id, style: () => 'bold' },
  { title: 'STATE', text: ({ status }) => status, style: () => 'cyan' },
  { title: 'PRICE', text: priceText },
  { title: 'MONEY', text: moneyText },
  { title: 'CLIENT', text: ({ client }) => client },
  { title: 'PROVIDER', text: ({ provider }) => provider },
  { title: 'TASK', text: ({ task }) => task.length > 80 ? `${task.slice(0, 79)}…` : task },
)

/** Talk about a step that was taken. */
export const stepText = (proposal: Proposal): string => {
  const money = moneyText(proposal)
  return `${proposal.proposal_id} is ${proposal.status}${money === '' ? '' : `: ${money}`}`
}
