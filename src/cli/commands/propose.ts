// agentchat propose, agentchat counter: offers, and revised ones.
import type { Offer, Proposal } from '../../../lib/client/index.ts'
import { command, seconds, whole } from '../command.ts'
import { CliError } from '../exit.ts'
import { amount, connectKeyed, milestones, parseCurrency, priceOf } from '../trade.ts'

const role = (text: string): 'client' | 'provider' => {
  if (text !== 'client' && text !== 'provider')
    throw new CliError('usage', `${JSON.stringify(text)} is not a role`, 'client pays, provider works.')
  return text
}
const rail = (text: string): 'ledger' | 'webhook' => {
  if (text !== 'ledger' && text !== 'webhook')
    throw new CliError('usage', `${JSON.stringify(text)} is not a rail`,
      "ledger: the relay's own accounts; webhook: its payment processor.")
  return text
}

const options = {
  amount: { short: 'a', value: 'AMOUNT', doc: 'Price, like 12.5', parse: amount },
  currency: { short: 'c', value: 'CURRENCY', doc: 'Currency of the price, like USD', parse: parseCurrency },
  milestones: {
    short: 'm',
    value: 'LIST',
    doc: 'Parts that are paid one after the other, like "draft=2.5,final=10"; they add up to the price',
    parse: milestones,
  },
  deliver: { value: 'SECONDS', doc: 'Time for the work on each milestone (default: 14 days)', parse: seconds },
  review: { value: 'SECONDS', doc: 'Time to review what was delivered; silence completes it (default: 3 days)', parse: seconds },
  role: { value: 'ROLE', doc: 'What you are: client (you pay; default) or provider (you work)', parse: role },
  rail: { value: 'RAIL', doc: 'Where the money is held: ledger (default) or webhook', parse: rail },
  paymentCode: { short: 'p', value: 'CODE', doc: 'Where you are paid outside the relay: BIP 47, Lightning, Cosmos or Solana' },
  expires: { short: 'e', value: 'SECONDS', doc: 'How long the offer stands (default: 30 days)', parse: seconds },
  terms: { short: 't', value: 'TEXT', doc: 'Terms' },
  capability: { value: 'NAME', doc: 'Skill that is asked for' },
  eloStake: { short: 's', value: 'N', doc: 'Rating you put at stake', parse: whole },
  public: { doc: 'Let #bounties hear of the deal, by id and parties, once it is accepted with --public too' },
} as const

type OfferOptions = {
  readonly [K in keyof typeof options]?: (typeof options)[K] extends { readonly parse: (text: string) => infer V } ? V
    : (typeof options)[K] extends { readonly value: string } ? string
    : true
}

const offerOf = (task: string, { expires, deliver, review, ...rest }: OfferOptions): Offer => {
  const { amount, currency, milestones, role, rail, paymentCode, terms, capability, eloStake, public: isPublic } = rest
  if ((amount !== undefined || milestones !== undefined) && currency === undefined)
    throw new CliError('usage', 'A price without a currency', 'Say which: -c USD')
  return {
    task,
    amount: amount ?? (milestones && priceOf(milestones, currency!)),
    currency,
    milestones,
    role,
    rail,
    paymentCode,
    terms,
    capability,
    eloStake,
    public: isPublic,
    expiresS: expires,
    deliverS: deliver,
    reviewS: review,
  }
}

export const propose = command({
  name: 'propose',
  summary: 'Offer an agent a deal',
  relay: true,
  arguments: {
    agent: { doc: 'the agent to hire (or, with --role provider, to work for)', is: 'agent' },
    task: { doc: 'what is to be done' },
  },
  options,
  examples: [
    { command: 'agentchat propose @8addfe276526c9f6 "review the patch" -a 12.5 -c USD', doc: 'You pay, once it is done' },
    {
      command: 'agentchat propose @8addfe276526c9f6 "write the guide" -c USD -m "draft=2.5,final=10" --review 86400',
      doc: 'In two parts, with a day to review each',
    },
    { command: 'id=$(agentchat propose @8addfe276526c9f6 "say hello" --field proposal_id)', doc: 'In a script' },
  ],
  async run(call) {
    const offer = offerOf(call.args.task, call.options)
    const client = await connectKeyed(call)
    const { frame } = await client.trade.propose(call.args.agent, offer)
    call.out.done(frame, proposal => `Offered as ${proposal.proposal_id}`)
  },
})

/** What of an offer stays where a revised one does not say otherwise. */
const termsOf = (
  { amount, currency, milestones, rail, terms, capability, deliverS, reviewS }: Proposal,
  isPriceKept: boolean,
): OfferOptions => ({
  ...(isPriceKept && { ...(amount !== null && { amount }), ...(milestones !== null && { milestones }) }),
  ...(currency !== null && { currency }),
  ...(rail !== null && { rail }),
  ...(terms !== null && { terms }),
  ...(capability !== null && { capability }),
  ...(deliverS !== null && { deliver: deliverS }),
  ...(reviewS !== null && { review: reviewS }),
})

export const counter = command({
  name: 'counter',
  summary: 'Supersede a pending proposal by a revised one',
  relay: true,
  arguments: {
    proposal: { doc: "the proposal's id", is: 'held' },
    task: { doc: 'what is to be done (default: as it was)', optional: true },
  },
  options,
  examples: [{ command: 'agentchat counter prop_mhx1k2_9f86d081 -a 20 -c USD', doc: 'The same work for another price' }],
  async run(call) {
    const client = await connectKeyed(call)
    const { args: { proposal: id, task }, options, out } = call
    const before = await client.trade.get(id)
    if (before.milestones !== null && options.amount !== undefined && options.milestones === undefined)
      throw new CliError('usage', 'The price is divided into milestones', 'Say what each is to be worth: -m "draft=5,final=15".')
    const offer = offerOf(task ?? before.task, { ...termsOf(before, options.milestones === undefined), ...options })
    out.done((await client.trade.counter(id, offer)).frame, proposal => `Offered as ${proposal.proposal_id}; ${id} is superseded`)
  },
})
