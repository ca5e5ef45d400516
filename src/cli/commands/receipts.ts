// agentchat receipts: what was agreed, paid and delivered, signed by both parties; and checking it with nothing but the file.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { ReceiptDocument } from '../../../lib/protocol/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import { table } from '../table.ts'
import { visible, visibleJson } from '../terminal.ts'

/** Every receipt of the agent, page by page, newest first. */
async function* allReceipts(
  client: AgentChatClient,
  query: { readonly unsigned?: true, readonly proposal?: string },
): AsyncGenerator<ReceiptDocument> {
  const { pagesOf } = await import('../../../lib/client/index.ts')
  const pages = pagesOf({
    read: (before: string | undefined) => client.reputation.receipts({ ...query, ...(before !== undefined && { before }) }),
    entries: ({ receipts }) => receipts,
    more: ({ more }) => more,
    next: ({ receipts }) => receipts.at(-1)?.receipt_id,
    order: 'any',
  })
  for await (const { receipts } of pages) yield* receipts
}

/** A file may say anything, times that no calendar has too. */
const day = (ms: number): string => Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 10) : String(ms)

const priceOf = ({ price, currency, paid }: ReceiptDocument['receipt']): string =>
  price === null ? 'no price' : `${price} ${currency ?? ''}${paid === null ? ', not held' : ''}`

const signedBy = ({ signatures }: ReceiptDocument): string => {
  const waiting = (['client', 'provider'] as const).filter(role => signatures[role] === undefined)
  return waiting.length === 0 ? 'signed by both' : `waits for the ${waiting.join(' and the ')}`
}

const receiptTable = table<ReceiptDocument>(
  { title: 'DAY', text: ({ receipt }) => day(receipt.completed_at), style: () => 'dim' },
  { title: 'RECEIPT', text: ({ receipt_id }) => receipt_id },
  { title: 'CLIENT', text: ({ receipt }) => receipt.client.agent },
  { title: 'PROVIDER', text: ({ receipt }) => receipt.provider.agent },
  { title: 'PRICE', text: ({ receipt }) => priceOf(receipt) },
  { title: 'SIGNATURES', text: signedBy },
  { title: 'TASK', text: ({ receipt }) => receipt.task.slice(0, 60) },
)

const unsigned = { doc: 'Only those that wait for your signature' } as const
const proposal = { value: 'ID', doc: 'Only that of this proposal' } as const
const chosen = (options: { readonly unsigned?: true, readonly proposal?: string }) => ({
  ...(options.unsigned && { unsigned: true as const }),
  ...(options.proposal !== undefined && { proposal: options.proposal }),
})

const list = command({
  name: 'list',
  summary: 'Your receipts, newest first, and whose signature each waits for',
  relay: true,
  arguments: {},
  options: { limit: { short: 'l', value: 'N', doc: 'How many (default: 20)', parse: count }, unsigned, proposal },
  examples: [{ command: 'agentchat receipts list -i alice.json --unsigned', doc: 'What waits for you' }],
  async run({ options, out, connect }) {
    const client = await connect()
    const found: ReceiptDocument[] = []
    for await (const receipt of allReceipts(client, chosen(options))) {
      if (found.length === (options.limit ?? 20)) break
      found.push(receipt)
    }
    out.list(found, receiptTable, { none: 'No receipts: they come with completed deals' })
  },
})

const sign = command({
  name: 'sign',
  summary: "Put your signature under a receipt; it is what makes the other's work count",
  relay: true,
  arguments: { receipt: { doc: 'id of a receipt (rcpt_…), or of its proposal', is: 'held' } },
  options: {},
  examples: [{
    command: 'agentchat receipts sign -i alice.json rcpt_0c4f7a1b2d3e4f5061728394a5b6c7d8',
    doc: 'Look at it first: agentchat receipts list --unsigned',
  }],
  async run({ args: { receipt: id }, out, connect }) {
    const client = await connect()
    let found: ReceiptDocument | undefined
    for await (const document of allReceipts(client, id.startsWith('rcpt_') ? {} : { proposal: id })) {
      if (id.startsWith('rcpt_') && document.receipt_id !== id) continue
      found = document
      break
    }
    if (found === undefined) throw new CliError('notFound', `You have no receipt ${id}`, 'See what there is: agentchat receipts list.')
    const { frame: { receipt_id, proposal_id, by, complete } } = await client.reputation.signReceipt(found)
    out.done({ receipt_id, proposal_id, by, complete },
      () => `${receipt_id} is signed by ${by}${complete ? ', and now by both' : '; the other party has not signed yet'}`)
  },
})

const exportReceipts = command({
  name: 'export',
  summary: 'Your receipts as JSON Lines, for keeping and for showing around',
  relay: true,
  arguments: {},
  options: { out: { short: 'o', value: 'FILE', doc: 'File to make; - is stdout (the default)' }, proposal },
  examples: [{
    command: 'agentchat receipts export -i alice.json --out receipts.jsonl',
    doc: 'All of them; the relay is not needed to check them later',
  }],
  async run({ options: { out: file = '-', ...options }, out, connect }) {
    const client = await connect()
    const found: ReceiptDocument[] = []
    for await (const receipt of allReceipts(client, chosen(options))) {
      found.push(receipt)
      out.progress(`${found.length} receipts`)
    }
    out.progress('')
    if (file === '-') return out.list(found, visibleJson)
    const { writePrivateFile } = await import('../../../lib/node/private-file.ts')
    try {
      writePrivateFile(file, found.map(receipt => `${JSON.stringify(receipt)}\n`).join(''), { overwrite: false })
    } catch (error) {
      throw new CliError('error', `Cannot write ${file}: ${(error as Error).message}`, 'Name a file that is not there yet.', error)
    }
    out.done({ file, receipts: found.length }, () => `${found.length} receipts are in ${file}`)
  },
})

const many = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

const verify = command({
  name: 'verify',
  summary: 'Check a file of receipts: no relay, no network',
  arguments: { file: { doc: 'receipts as JSON or JSON Lines, or the receipts.jsonl of an older client; - is stdin' } },
  options: {
    partial: { doc: 'Accept what is true but not signed by both parties' },
    relayId: { value: 'HEX', doc: 'The relay it has to be from: SHA-256 of its key, which is server_id in its WELCOME' },
    deliverable: {
      value: 'FILE',
      doc: 'A file that was delivered: its hash has to be in each receipt; may be given several times',
      parse: many,
    },
    key: {
      value: 'FILE',
      doc: 'Public key (PEM) or identity file of an agent, to check completions of older clients; may be given several times',
      parse: many,
    },
  },
  details: async () =>
    'Exit 0: every receipt is proven, that is, signed by client, provider and relay exactly as it stands (with '
    + '--partial: nothing about it is false). Exit 1: at least one is not.\nWhether you trust that relay is yours to know: it is '
    + 'named by its id. Completions of older clients hold one signature, over proposal id and proof alone, so they are never proven.',
  examples: [
    { command: 'agentchat receipts verify receipts.jsonl', doc: 'Years later' },
    { command: 'agentchat receipts verify receipt.json --deliverable manual-fr.pdf', doc: 'This file is what was delivered' },
    {
      command: 'agentchat receipts verify .agentchat/receipts.jsonl --key bob.pem --partial',
      doc: 'What an older client kept, as far as it goes',
    },
  ],
  async run({ args: { file }, options, io, out }) {
    const { judge, keysIn, readReceiptFile, sha256OfFile } = await import('../receipt-file.ts')
    const expectations = {
      keys: keysIn(options.key ?? []),
      relayId: options.relayId,
      deliverables: await Promise.all((options.deliverable ?? []).map(async name => ({ file: name, sha256: await sha256OfFile(name) }))),
    }
    const judged = (await readReceiptFile(file, io)).map(entry => judge(entry, expectations))
    out.list(judged, ({ kind, proposal_id, proven, valid, problems, client, provider, relay_id, completed_at }, paint) => {
      const mark = proven ? paint('green', '✓ proven') : valid ? paint('yellow', '· true as far as it goes') : paint('red', '✗ not good')
      const about = kind === 'receipt' && client !== undefined
        ? `  ${visible(client)} → ${visible(provider!)}  ${day(completed_at!)}  relay ${relay_id!.slice(0, 16)}…`
        : ''
      return [`${mark}  ${visible(proposal_id ?? kind)}${about}`, ...problems.map(problem => `    ${visible(problem)}`)].join('\n')
    })
    const good = judged.filter(({ proven, valid }) => proven || (options.partial && valid)).length
    out.say(`${good} of ${judged.length} ${options.partial ? 'true' : 'proven'}`)
    return good === judged.length ? 'ok' : 'error'
  },
})

export const receipts = command({
  name: 'receipts',
  summary: 'Receipts of finished work: list, sign, export, and verify without a relay',
  relay: true,
  arguments: {},
  options: { limit: list.options.limit, unsigned, proposal },
  commands: [list, sign, exportReceipts, verify],
  examples: [
    { command: 'agentchat receipts -i alice.json', doc: 'Same as `receipts list`' },
    { command: 'agentchat receipts verify receipts.jsonl', doc: 'Check receipts that someone shows you' },
  ],
  run: call => list.run(call),
})
