// agentchat escrow: what the account holds, and moving it.
import type { AgentId } from '../../../lib/protocol/index.ts'
import { formatMinor } from '../../../lib/protocol/money.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command, count } from '../command.ts'
import { table } from '../table.ts'
import { visible } from '../terminal.ts'
import { confirm, connectKeyed, minor, parseCurrency, priceText, stepText, yesOption } from '../trade.ts'

const balance = command({
  name: 'balance',
  summary: 'What your account holds, and what of yours is held for deals',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat escrow balance', doc: 'Per currency' }],
  async run(call) {
    const client = await connectKeyed(call)
    call.out.list((await client.trade.balance()).map(({ frame }) => frame),
      ({ currency, amount_minor, held_minor }) =>
        `${visible(formatMinor(amount_minor, currency))}${held_minor === 0 ? '' : `, ${visible(formatMinor(held_minor, currency))} held`}`,
      { none: 'The account is empty' })
  },
})

const fund = command({
  name: 'fund',
  summary: 'Have the price of an accepted deal held, so that its work can begin',
  relay: true,
  arguments: { proposal: { doc: "the proposal's id", is: 'held' } },
  options: yesOption,
  examples: [{ command: 'agentchat escrow fund prop_mhx1k2_9f86d081', doc: 'Asks before; --yes does not' }],
  async run(call) {
    const client = await connectKeyed(call)
    const { frame: proposal } = await client.trade.get(call.args.proposal)
    await confirm(call, `${priceText(proposal)} of yours will be held for ${proposal.provider}`)
    call.out.done((await client.trade.fund(call.args.proposal)).frame, stepText)
  },
})

const history = command({
  name: 'history',
  summary: 'The entries of your account, newest first',
  relay: true,
  arguments: {},
  options: {
    currency: { short: 'c', value: 'CURRENCY', doc: 'Only this currency', parse: parseCurrency },
    limit: { short: 'l', value: 'N', doc: 'How many (default: 50)', parse: count },
  },
  examples: [{ command: 'agentchat escrow history -c USD -l 20', doc: 'The newest 20' }, {
    command: 'agentchat escrow history -l 100000 > statement.jsonl',
    doc: 'All of them, as JSON Lines',
  }],
  async run(call) {
    const { options, out } = call
    const client = await connectKeyed(call)
    const { firstOf } = await import('../../../lib/client/index.ts')
    const entries = await firstOf(options.limit ?? 50, {
      read: (before: number | undefined, left) =>
        client.trade.statement({ currency: options.currency, before, limit: Math.min(200, left) }),
      entries: page => page.entries,
      more: ({ more }) => more,
      next: page => page.entries.at(-1)?.entry,
      order: 'falling',
    })
    out.list(entries.map(({ frame }) => frame), table(
      { title: 'TIME', text: ({ at }) => new Date(at).toISOString(), style: () => 'dim' },
      { title: 'KIND', text: ({ kind }) => kind },
      { title: 'AMOUNT', text: ({ amount_minor, currency }) => formatMinor(amount_minor, currency), isNumber: true },
      { title: 'BALANCE', text: ({ balance_minor, currency }) => formatMinor(balance_minor, currency), isNumber: true },
      { title: 'FOR', text: ({ ref, with: other }) => ref ?? other },
      { title: 'NOTE', text: ({ note }) => note ?? '' },
    ), { none: 'Nothing was booked yet' })
  },
})

const transfer = command({
  name: 'transfer',
  summary: 'Send money to another agent',
  relay: true,
  arguments: { agent: { doc: 'who gets it' }, amount: { doc: 'like 12.5' }, currency: { doc: 'like USD' } },
  options: { note: { value: 'TEXT', doc: 'What it is for' }, ...yesOption },
  examples: [{ command: 'agentchat escrow transfer @8addfe276526c9f6 2.50 USD --note lunch', doc: 'Asks before; --yes does not' }],
  async run(call) {
    const { args, options, out } = call
    const currency = parseCurrency(args.currency)
    const amount = minor(args.amount, currency)
    const client = await connectKeyed(call)
    await confirm(call, `${formatMinor(amount, currency)} of yours go to ${args.agent}`)
    const balances = await client.trade.transfer(args.agent as AgentId, amount, currency, options.note)
    out.done(balances.map(({ frame }) => frame), () => `${formatMinor(amount, currency)} went to ${args.agent}`)
  },
})

const credit = command({
  name: 'credit',
  summary: "Put money into an agent's account, as an admin of the relay",
  relay: true,
  arguments: {
    agent: { doc: 'whose account' },
    amount: { doc: 'like 50' },
    currency: { doc: 'like USD' },
    note: { doc: 'why, for the audit' },
  },
  options: {
    key: { value: 'KEY', doc: 'Makes a repeat harmless: the number of an invoice, say' },
    ...adminKeyOption,
    takeBack: { doc: 'Take it out instead, as far as it is there' },
  },
  examples: [{
    command: 'agentchat escrow credit @8addfe276526c9f6 50 USD "paid by card" --key invoice-17',
    doc: 'With AGENTCHAT_ADMIN_KEY in the environment',
  }],
  async run(call) {
    const { args, options, out } = call
    const currency = parseCurrency(args.currency)
    const amount = minor(args.amount, currency)
    const client = await connectAdmin(call)
    const result = await client.request('ADMIN_CREDIT', {
      agent_id: args.agent,
      currency,
      amount_minor: options.takeBack ? -amount : amount,
      note: args.note,
      ...adminBody(call),
      ...(options.key !== undefined && { key: options.key }),
    })
    out.done(result, () => `${formatMinor(amount, currency)} ${options.takeBack ? 'taken from' : 'put into'} the account of ${args.agent}`)
  },
})

const reclaim = command({
  name: 'reclaim',
  summary: 'Have what a passed deadline brings happen now; anyone may',
  relay: true,
  arguments: { proposal: { doc: "the proposal's id", is: 'held' } },
  options: {},
  examples: [{ command: 'agentchat escrow reclaim prop_mhx1k2_9f86d081', doc: 'The relay does the same by itself within seconds' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).trade.reclaim(call.args.proposal)).frame, stepText)
  },
})

export const escrow = command({
  name: 'escrow',
  summary: 'Money on the relay: balance, fund, history, transfer, credit, reclaim',
  relay: true,
  arguments: {},
  options: {},
  commands: [balance, fund, history, transfer, credit, reclaim],
  examples: [{ command: 'agentchat escrow', doc: 'The same as `escrow balance`' }],
  run: call => balance.run({ ...call, args: {} }),
})
