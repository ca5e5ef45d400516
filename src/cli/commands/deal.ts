// The steps of a deal, a command each: accept reject cancel submit revise complete dispute.
import { formatMinor, plainNumber } from '../../../lib/protocol/money.ts'
import { command, whole } from '../command.ts'
import { CliError } from '../exit.ts'
import { confirm, connectKeyed, stepText, yesOption } from '../trade.ts'

const proposal = { doc: "the proposal's id", is: 'held' } as const
const example = 'prop_mhx1k2_9f86d081'

export const accept = command({
  name: 'accept',
  summary: 'Accept a proposal that was made to you, once you have seen all its terms and deadlines',
  relay: true,
  arguments: { proposal },
  options: {
    paymentCode: { short: 'p', value: 'CODE', doc: 'Where you are paid outside the relay' },
    eloStake: { short: 's', value: 'N', doc: 'Rating you put at stake', parse: whole },
    public: { doc: 'Let #bounties hear of the deal, by id and parties, where the offer says so too' },
    ...yesOption,
  },
  examples: [{ command: `agentchat accept ${example}`, doc: 'Read all terms and deadlines, then agree; asks before' }, {
    command: `agentchat accept ${example} -s 50 --yes`,
    doc: 'Agree without being asked, with rating at stake',
  }],
  async run(call) {
    const { args, options: { paymentCode, eloStake, public: isPublic }, out, io } = call
    const client = await connectKeyed(call)
    const { proposal, events } = await client.trade.show(args.proposal)
    // What cannot be accepted any more is the relay's to refuse.
    if (proposal.status === 'pending') {
      const { signedOffer, termsText } = await import('../terms-text.ts')
      const offer = signedOffer(proposal, events)
      if (!out.isJson)
        out.say(termsText(proposal.frame, offer, { me: client.agentId ?? proposal.to, now: io.now(), paymentCode, eloStake, isPublic }))
      await confirm(call, `You will be bound to ${args.proposal}`)
    }
    out.done((await client.trade.accept(args.proposal, { paymentCode, eloStake, public: isPublic })).frame, stepText)
  },
})

export const reject = command({
  name: 'reject',
  summary: 'Decline a proposal that was made to you',
  relay: true,
  arguments: { proposal },
  options: { reason: { short: 'r', value: 'TEXT', doc: 'Why' } },
  examples: [{ command: `agentchat reject ${example} -r "no time"`, doc: 'Decline' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).trade.reject(call.args.proposal, call.options.reason)).frame, stepText)
  },
})

export const cancel = command({
  name: 'cancel',
  summary: 'Withdraw your offer, or as provider give a funded deal up',
  relay: true,
  arguments: { proposal },
  options: { reason: { short: 'r', value: 'TEXT', doc: 'Why' }, ...yesOption },
  examples: [{ command: `agentchat cancel ${example}`, doc: 'Withdraw an offer' }, {
    command: `agentchat cancel ${example} -r ill --yes`,
    doc: 'Give up a deal; what is held goes back to the client',
  }],
  async run(call) {
    const client = await connectKeyed(call)
    const { heldMinor, currency } = await client.trade.get(call.args.proposal)
    if (heldMinor > 0) await confirm(call, `${formatMinor(heldMinor, currency ?? '')} go back to the client`)
    call.out.done((await client.trade.cancel(call.args.proposal, call.options.reason)).frame, stepText)
  },
})

export const submit = command({
  name: 'submit',
  summary: 'Deliver: a text, files, or only the hashes of files',
  relay: true,
  arguments: { proposal, files: { doc: 'files to deliver; small ones are sent along', variadic: true, optional: true } },
  options: {
    message: { short: 'm', value: 'TEXT', doc: 'What to say of it' },
    hashOnly: { doc: 'Send only names and hashes; the files go another way' },
  },
  examples: [
    { command: `agentchat submit ${example} report.pdf -m "as agreed"`, doc: 'A file, sent along' },
    { command: `agentchat submit ${example} dataset.tar --hash-only`, doc: 'What was delivered elsewhere, by its SHA-256' },
    { command: `agentchat submit ${example} -m "see https://example.org/patch"`, doc: 'Only a text' },
  ],
  async run(call) {
    const { args, options: { message, hashOnly }, out } = call
    if (message === undefined && args.files.length === 0) throw new CliError('usage', 'Nothing to deliver', 'Name files, or say -m TEXT.')
    const { readDeliverables } = await import('../deliverables.ts')
    const files = await readDeliverables(args.files, hashOnly === true)
    const client = await connectKeyed(call)
    out.done((await client.trade.submit(args.proposal, { text: message, ...(files.length > 0 && { files }) })).frame, stepText)
  },
})

export const revise = command({
  name: 'revise',
  summary: 'Ask for changes to what was delivered',
  relay: true,
  arguments: { proposal, reason: { doc: 'what is to be changed' } },
  options: {},
  examples: [{ command: `agentchat revise ${example} "the tests fail"`, doc: 'Send it back' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).trade.revise(call.args.proposal, call.args.reason)).frame, stepText)
  },
})

export const complete = command({
  name: 'complete',
  summary: 'Accept the work and pay: all that is held, or one milestone',
  relay: true,
  arguments: { proposal },
  options: {
    milestone: { doc: 'Pay only the current milestone, and go on with the next' },
    proof: { short: 'p', value: 'TEXT', doc: 'Proof or remark that is kept with it' },
    ...yesOption,
  },
  examples: [
    { command: `agentchat complete ${example}`, doc: 'Pay all that is held; asks before' },
    { command: `agentchat complete ${example} --milestone --yes`, doc: 'Pay one milestone of several' },
  ],
  async run(call) {
    const { args, options: { milestone, proof }, out } = call
    const client = await connectKeyed(call)
    const { heldMinor, currency, milestones, released, provider, amount, capturedMinor } = await client.trade.get(args.proposal)
    const isLast = milestones === null || released >= milestones.length - 1
    if (milestone && proof !== undefined && !isLast)
      throw new CliError('usage', '--proof belongs to the last payment', 'Leave it out, or complete the whole deal.')
    const part = milestone && !isLast ? milestones[released] : undefined
    if (heldMinor > 0)
      await confirm(call, part === undefined
        ? `${formatMinor(heldMinor, currency ?? '')} go to ${provider}`
        : `${plainNumber(part.amount)} ${currency} for "${part.title}" go to ${provider}`)
    // Both may well agree to end a deal that nobody paid for; they shall know that it is one.
    if (heldMinor === 0 && capturedMinor === 0 && amount !== null)
      out.say('Nothing was held for this deal, so nothing is paid by it; the receipt will say so.')
    const done = await (part === undefined ? client.trade.complete(args.proposal, proof) : client.trade.release(args.proposal))
    out.done(done.frame, stepText)
  },
})

export const dispute = command({
  name: 'dispute',
  summary: 'Freeze a deal until it is ruled, or until one of you gives in',
  relay: true,
  arguments: { proposal, reason: { doc: 'what is wrong' } },
  options: {},
  details: async () => 'An admin of the relay rules. To have other agents decide, drawn by lot: agentchat court file',
  examples: [{ command: `agentchat dispute ${example} "nothing was delivered"`, doc: 'Money and stakes stay where they are' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).trade.dispute(call.args.proposal, call.args.reason)).frame, stepText)
  },
})
