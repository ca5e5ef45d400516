// Deals: what there is of them, and every step. A step that binds or costs is said first, with a code, and done when it comes with it.
import * as z from 'zod'
import { word } from '../../../lib/identity/index.ts'
import { currencyCode, formatMinor, minorOf } from '../../../lib/protocol/money.ts'
import type { AgentId, Frame } from '../../../lib/protocol/index.ts'
import { ProposalState } from '../../../lib/protocol/proposals.ts'
import { standingText } from './people.ts'
import type { Part, Reply } from './reply.ts'
import { defined, eventParts, numbered, priceOf, timeText, worded } from './said.ts'
import { dealSteps, Refusal, type Seat, type Signable } from './seat.ts'
import { Agent, Question, tool, type Call } from './tool.ts'

type Proposal = Frame<'PROPOSAL_STATE'>['proposal']

const Id = z.string().regex(/^[\w.:-]{1,64}$/, "a deal's id, like prop_1")

const State = z.enum(ProposalState.def.values)

const lineOf = ({ proposal_id, status, client, provider, task, due, held_minor, currency, ...rest }: Proposal): readonly Part[] => [
  {
    facts: () =>
      defined({
        proposal_id: word(proposal_id),
        status: word(status),
        client: word(client),
        provider: word(provider),
        amount: numbered(rest.amount),
        amount_minor: numbered(rest.amount_minor),
        currency: worded(currency),
        held_minor: numbered(held_minor),
        due: numbered(due),
      }),
  },
  `${word(proposal_id)} ${word(status)} ${priceOf({ ...rest, currency }) || 'no price'}${
    held_minor > 0 ? `, ${priceOf({ amount_minor: held_minor, currency })} held` : ''
  } ${word(client)} pays ${word(provider)}${due === null ? '' : `, due ${timeText(due)}`}\n`,
  { text: task, as: 'task' },
]

export const deals = tool({
  name: 'deals',
  description: 'Your deals; with id, one of them with its steps and what their signatures are worth.',
  input: z.object({ id: Id.optional(), state: State.optional(), limit: z.int().min(1).max(50).optional() }),
  hints: { readOnlyHint: true },
  async run({ seat, signal, newReply }, { id, state, limit = 20 }) {
    const reply = newReply()
    if (id === undefined) {
      const { proposals, next } = await seat.ask('PROPOSALS', { limit, ...(state !== undefined && { state }) }, signal)
      if (proposals.length === 0) return reply.end('No deals.')
      return proposals.every(proposal => reply.add(...lineOf(proposal))) && next === undefined
        ? reply
        : reply.end('There are more: name a state, or an id.', { more: true })
    }
    return dealText(reply, seat, id, signal)
  },
})

/** A deal with its steps. */
export const dealText = async (reply: Reply, seat: Seat, id: string, signal: AbortSignal): Promise<Reply> => {
  const { proposal, events, more } = await seat.ask('PROPOSAL_EVENTS', { proposal_id: id, after: 0, limit: 50 }, signal)
  reply.add(...lineOf(proposal))
  const { terms, milestones, released } = proposal
  if (terms) reply.add('terms: ', { text: terms, as: 'terms' })
  for (const [i, { title, amount }] of (milestones ?? []).entries()) {
    const facts = () => ({ part: i + 1, amount, paid: i < released })
    reply.add({ facts }, `part ${i + 1}${i < released ? ', paid' : ''}: ${amount} `, { text: title, limit: 200, as: 'title' })
  }
  const cut = () => reply.end('It has more steps than fit here.', { more: true })
  for (const event of events) if (!reply.add(...await eventParts(seat, event))) return cut()
  return more ? cut() : reply
}

type Step = keyof typeof dealSteps

/** What binds, costs, or cannot be taken back. */
const weighty: ReadonlySet<Step> = new Set(['propose', 'counter', 'accept', 'fund', 'release', 'complete', 'cancel', 'dispute'])

interface Asked {
  readonly id?: string | undefined
  readonly to?: string | undefined
  readonly task?: string | undefined
  readonly amount?: number | undefined
  readonly currency?: string | undefined
  readonly text?: string | undefined
}

export const deal = tool({
  name: 'deal',
  description:
    'A step of a deal, signed by you: propose (you pay to), counter, accept and so on. What binds or costs answers with a code first; the same call with confirm=code does it.',
  input: z.object({
    do: z.enum(Object.keys(dealSteps) as [Step, ...Step[]]),
    id: Id.optional(),
    to: Agent.optional(),
    task: z.string().max(20_000).optional(),
    amount: z.number().min(0).optional(),
    currency: z.string().regex(/^[A-Za-z][\w-]{0,15}$/, 'a currency, like USD').optional(),
    text: z.string().max(2_000).describe('reason, work or terms').optional(),
    confirm: z.string().max(40).optional(),
  }),
  hints: { destructiveHint: true },
  async run(call, { do: step, confirm, ...asked }) {
    const { seat, signal, limits, codes, reader, newReply } = call
    const fields = fieldsOf(step, asked)
    // Nobody agrees to what is refused anyway.
    if (!seat.signs) await seat.sign(dealSteps[step], fields, signal)
    const proposal = asked.id === undefined ? undefined : await proposalOf(seat, asked.id, signal)
    const cost = costOf(step, asked, proposal, seat.me)
    checkCap(cost, limits.maxAmount)
    if (step === 'counter') fields['to'] = proposal!.from === seat.me ? proposal!.to : proposal!.from
    const said = JSON.stringify([step, fields])
    const plan = { agent: seat.me, what: JSON.stringify([said, cost, proposal?.status, proposal?.released]) }
    const take = async (): Promise<string> => {
      const now = await seat.sign(dealSteps[step], fields, signal)
      return now === undefined ? step : `${word(now.proposal_id)} is ${word(now.status)}.`
    }
    if (!weighty.has(step) || limits.confirm === 'none') return newReply().end(`Done: ${await take()}`, { done: true })
    const code = agreedCode(call, confirm)
    const before = code === undefined ? undefined : reader.taken(code, said)
    if (before !== undefined) return newReply().end(`Done before with this code: ${await before}`, { done: true })
    if (code === undefined) {
      const reply = await preview(call, { step, asked, proposal, cost, code: codes.make(plan) })
      return limits.confirm === 'elicit' ? new Question(reply, codes.make(plan)) : reply
    }
    if (!codes.holds(code, plan)) {
      throw new Refusal('NOT_CONFIRMED',
        'This code is older than five minutes, or was given for something else. Nothing was done; call without confirm.')
    }
    return newReply().end(`Done: ${await reader.take(code, said, take)}`, { done: true })
  },
})

/** The code under which a step was agreed to; undefined: nobody was asked yet. @throws Refusal where it is no use to ask, or was refused */
const agreedCode = ({ limits, person }: Call, confirm: string | undefined): string | undefined => {
  if (limits.confirm === 'code') return confirm
  if (confirm !== undefined) throw new Refusal('NOT_CONFIRMED', 'The one you work for is asked by the host here: call without confirm.')
  if (person === undefined)
    throw new Refusal('NOT_CONFIRMED',
      'This host cannot ask the one you work for (elicitation). Nothing was done; --confirm code does without.')
  if (person.answer === undefined) return undefined
  if (!person.answer.agrees) throw new Refusal('DECLINED', 'The one you work for did not agree. Nothing was done.')
  return person.answer.code
}

/** The fields of a step as they are signed. @throws Refusal where one is missing */
const fieldsOf = (step: Step, { id, to, task, amount, currency, text }: Asked): Record<string, unknown> & Signable => {
  const need = (value: unknown, name: string) => {
    if (value === undefined) throw new Refusal('INVALID_MSG', `${step} needs ${name}`)
  }
  if (step !== 'propose') need(id, 'id')
  if (step === 'propose' || step === 'counter') {
    need(task, 'task')
    if (step === 'propose') need(to, 'to')
    if (amount !== undefined) need(currency, 'currency')
    if (amount !== undefined && minorOf(amount, currency!) === undefined)
      throw new Refusal('INVALID_MSG', `${amount} is not an amount of ${currency}`)
    return {
      ...(id !== undefined && step === 'counter' && { proposal_id: id }),
      ...(to !== undefined && { to }),
      task,
      ...(amount !== undefined && { amount, currency: currencyCode(currency!) }),
      ...(text !== undefined && { terms: text }),
    }
  }
  if (step === 'revise' || step === 'dispute' || step === 'submit') need(text, 'text')
  const written = textFields[step]
  return { proposal_id: id, ...(written !== undefined && text !== undefined && { [written]: text }) }
}

/** What `text` is called in a step on a deal. */
const textFields: Partial<Record<Step, string>> = {
  reject: 'reason',
  cancel: 'reason',
  revise: 'reason',
  dispute: 'reason',
  submit: 'text',
  complete: 'proof',
}

const proposalOf = async (seat: Seat, id: string, signal: AbortSignal): Promise<Proposal> =>
  (await seat.ask('PROPOSAL_EVENTS', { proposal_id: id, after: 0, limit: 1 }, signal)).proposal

/** Money of this agent that a step promises or pays, in minor units. */
const costOf = (
  step: Step,
  { amount, currency }: Asked,
  proposal: Proposal | undefined,
  me: AgentId,
): { readonly minor: number, readonly currency: string } | undefined => {
  if (step === 'propose' || (step === 'counter' && proposal?.client === me)) {
    return amount === undefined ? undefined : { minor: minorOf(amount, currency!)!, currency: currencyCode(currency!) }
  }
  if (proposal === undefined || proposal.client !== me || !['accept', 'fund', 'release', 'complete'].includes(step)) return undefined
  const { amount: price, amount_minor, currency: unit } = proposal
  const minor = amount_minor ?? (price === null || unit === null ? undefined : minorOf(price, unit))
  return minor === undefined || unit === null ? undefined : { minor, currency: unit }
}

/** @throws Refusal where a step costs more than the operator allows, or in another currency */
const checkCap = (cost: ReturnType<typeof costOf>, cap: Call['limits']['maxAmount']): void => {
  if (cost === undefined || cap === undefined || cost.minor === 0) return
  if (cost.currency === cap.currency && cost.minor <= cap.minor) return
  throw new Refusal('OVER_MAX_AMOUNT',
    `${formatMinor(cost.minor, cost.currency)} is more than the ${
      formatMinor(cap.minor, cap.currency)
    } that ${'the operator allows for one step (--max-amount). Ask the one you work for.'}`)
}

const outcomes: Readonly<Record<Step, string>> = {
  propose: 'you offer a deal',
  counter: 'your offer takes the place of this one',
  accept: 'you are bound by this deal',
  reject: 'you decline this offer',
  fund: 'the price is held',
  submit: 'your work is delivered',
  revise: 'you ask for changes',
  release: 'the current part is paid',
  complete: 'the deal ends as done, and what is held is paid',
  cancel: 'you give the deal up',
  dispute: 'the money is frozen until somebody rules',
}

/** What would happen, and the code for it. */
const preview = async (
  { seat, signal, limits, newReply }: Call,
  { step, asked, proposal, cost, code }: {
    readonly step: Step
    readonly asked: Asked
    readonly proposal: Proposal | undefined
    readonly cost: ReturnType<typeof costOf>
    readonly code: string
  },
): Promise<Reply> => {
  const other = proposal === undefined ? asked.to : proposal.from === seat.me ? proposal.to : proposal.from
  const rating = other === undefined ? undefined : await seat.ask('RATING', { agent: other as AgentId }, signal).catch(() => undefined)
  const reply = newReply()
  const whom = other === undefined ? '' : ` with ${word(other)}${rating === undefined ? '' : ` (standing ${standingText(rating)})`}`
  const money = cost === undefined ? '' : `; it is about ${formatMinor(cost.minor, word(cost.currency))} of yours`
  const how = limits.confirm === 'code' ? `Do it: the same call with confirm=${code}, within 5 minutes.` : 'Do it?'
  const facts = () =>
    defined({
      step,
      with: other && word(other),
      cost_minor: cost?.minor,
      currency: cost?.currency,
      confirm: limits.confirm === 'code' ? code : undefined,
    })
  reply.add({ facts }, `Nothing is done yet. ${step}: ${outcomes[step]}${whom}${money}. ${how}`)
  // A person has not seen the call.
  for (const field of limits.confirm === 'code' ? [] : ['task', 'text'] as const) {
    const said = asked[field]
    if (said !== undefined) reply.add(`your ${field}: `, { text: said, as: field })
  }
  if (proposal !== undefined) reply.add(...lineOf(proposal))
  if (proposal?.terms) reply.add('terms: ', { text: proposal.terms, as: 'terms' })
  return reply
}
