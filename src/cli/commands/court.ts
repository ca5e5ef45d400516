// agentchat court: disputes before a panel, from filing to the verdict.
import { caseEvents } from '../../../lib/client/deal-events.ts'
import { formatMinor } from '../../../lib/protocol/money.ts'
import type { EvidenceItem, Verdict } from '../../../lib/client/index.ts'
import { adminBody, adminKeyOf, adminKeyOption, askWithKey, connectAdmin } from '../admin-key.ts'
import { command, count, seconds } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { caseText, courtEventText, caseTable, drawText, plainCase, shownText, type Dispute } from '../court-text.ts'
import { visible } from '../terminal.ts'
import { confirm, connectKeyed, share, stepText, yesOption } from '../trade.ts'

const dispute = { doc: "the dispute's id", is: 'held' } as const
const proposal = { doc: "the proposal's id", is: 'held' } as const
const [exampleCase, exampleDeal] = ['disp_mhx1k2_9f86d081', 'prop_mhx1k2_9f86d081'] as const

const oneOf = <T extends string>(what: string, words: readonly T[]) => (text: string): T => {
  const word = words.find(each => each === text)
  if (word === undefined) throw new CliError('usage', `${JSON.stringify(text)} is not a ${what}`, `One of: ${words.join(', ')}`)
  return word
}
const phaseOf = oneOf<Dispute['phase']>('phase', ['filed', 'seating', 'evidence', 'voting', 'appealed', 'ruled', 'settled', 'abandoned'])
const roleOf = oneOf('role', ['party', 'arbiter'])
const verdictOf = oneOf<Verdict>('verdict', ['disputant', 'respondent', 'mutual'])

const listOptions = {
  role: { value: 'ROLE', doc: 'Only those you are a party of, or an arbiter', parse: roleOf },
  phase: {
    value: 'PHASE',
    doc: 'Only those in this phase: filed, seating, evidence, voting, appealed, ruled, settled, abandoned',
    parse: phaseOf,
  },
  all: { doc: "Everybody's, as an admin of the relay" },
  limit: { short: 'l', value: 'N', doc: 'How many (default: 50)', parse: count },
  ...adminKeyOption,
} as const

const list = command({
  name: 'list',
  summary: 'Your disputes, as party or arbiter, the newest first',
  relay: true,
  arguments: {},
  options: listOptions,
  examples: [{ command: 'agentchat court list --role arbiter --phase voting', doc: 'What waits for your vote' }, {
    command: 'agentchat court list --all --phase appealed',
    doc: 'What waits for an admin, with AGENTCHAT_ADMIN_KEY in the environment',
  }],
  async run(call) {
    const { options: { role, phase, all, limit = 50 }, out } = call
    if (all !== true) {
      const cases = await (await connectKeyed(call)).court.list({ role, phase, limit })
      return out.list(cases.map(({ frame }) => frame), caseTable, { none: 'No cases' })
    }
    const client = await call.connect()
    const { firstOf } = await import('../../../lib/client/index.ts')
    const found = await firstOf(limit, {
      read: (before: string | undefined, left) =>
        client.request('ADMIN_DISPUTES', { ...adminBody(call), phase, before, limit: Math.min(50, left) }),
      entries: ({ disputes }) => disputes,
      more: ({ more }) => more,
      next: ({ disputes }) => disputes.at(-1)?.dispute_id,
      order: 'any',
    })
    out.list(found, caseTable, { none: 'No cases' })
  },
})

const show = command({
  name: 'show',
  summary: 'A dispute with its evidence, votes and timeline: every signature checked, the draw computed again',
  relay: true,
  arguments: { dispute },
  options: adminKeyOption,
  examples: [{ command: `agentchat court show ${exampleCase}`, doc: 'Who said and decided what' }, {
    command: `agentchat court show ${exampleCase} --json > case.json`,
    doc: 'Everything that proves it',
  }],
  async run(call): Promise<ExitName> {
    const { args, out } = call
    // Whoever may rule may read the case.
    const client = await (adminKeyOf(call) === undefined ? connectKeyed(call) : connectAdmin(call))
    const shown = plainCase(
      await askWithKey('DISPUTE_EVENTS', call, ({ admin_key }) => client.court.show(args.dispute, { adminKey: admin_key })),
    )
    if (out.isJson) out.one(shown, () => '')
    else {
      out.one(shown, shownText)
      out.list(shown.events, courtEventText)
    }
    const signed = [...shown.events, ...shown.votes, ...Object.values(shown.evidence).filter(said => said !== null)]
    const bad = signed.filter(({ signature }) => signature === 'invalid').length
    const isWrong = shown.draw !== null && shown.draw.length > 0
    if (bad > 0) out.say(`${bad} of these ${bad === 1 ? 'was' : 'were'} NOT signed by who is named: do not trust this case`)
    if (isWrong) out.say('The panel is NOT the one that was drawn: do not trust this case')
    return bad > 0 || isWrong ? 'error' : 'ok'
  },
})

const file = command({
  name: 'file',
  summary: 'Take a deal to court: it is frozen, and a panel is drawn',
  relay: true,
  arguments: { proposal, reason: { doc: 'what is wrong' } },
  options: yesOption,
  details: async () =>
    '10 points of your rating are held, and lost if the panel finds for the other party. The deadlines, and how '
    + 'the draw is verified: docs/DISPUTES.md',
  examples: [{ command: `agentchat court file ${exampleDeal} "nothing was delivered"`, doc: 'Asks before; --yes does not' }],
  async run(call) {
    const { args, out } = call
    const [client, { randomNonce }] = await Promise.all([connectKeyed(call), import('../../../lib/identity/index.ts')])
    await confirm(call, 'The deal will be frozen, and 10 points of your rating held until the verdict')
    const nonce = randomNonce()
    await client.court.commit(args.proposal, args.reason, nonce)
    try {
      out.done((await client.court.reveal(args.proposal, nonce)).frame, caseText)
    } catch (error) {
      throw new CliError('error', `The case is filed, but no panel was drawn yet: ${(error as Error).message}`,
        `Within 10 minutes: agentchat court reveal ${args.proposal} ${nonce}`, error)
    }
  },
})

const reveal = command({
  name: 'reveal',
  summary: 'Have the panel drawn for a case whose filing was cut off',
  relay: true,
  arguments: { proposal, nonce: { doc: 'what `court file` told' } },
  options: {},
  examples: [{ command: `agentchat court reveal ${exampleDeal} 3f9c0e5a7b1d4826a0c3e5f7091b2d4f`, doc: 'Within 10 minutes of filing' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).court.reveal(call.args.proposal, call.args.nonce)).frame, caseText)
  },
})

/** The proof of a message as an item of evidence. */
const proofItem = async (path: string): Promise<EvidenceItem> => {
  const [{ readFileSync }, { entryOf, IdentityError, readCheckpoint, readProof }] = await Promise.all([
    import('node:fs'),
    import('../../../lib/identity/index.ts'),
  ])
  try {
    const value = readFileSync(path, 'utf8')
    const { text, checkpoint } = readProof(value)
    return { kind: 'tlog-proof', label: `message ${entryOf(text).seq} of ${readCheckpoint(checkpoint).stream}`, value }
  } catch (error) {
    if (error instanceof IdentityError)
      throw new CliError('refused', `${path}: ${error.message}`, 'Make one: agentchat transcript prove.', error)
    throw new CliError('notFound', `Cannot read ${path}: ${(error as Error).message}`, undefined, error)
  }
}

const evidence = command({
  name: 'evidence',
  summary: 'Say what you have to say as a party, with files by their hash',
  relay: true,
  arguments: {
    dispute,
    statement: { doc: 'your words, up to 2000 characters' },
    files: { doc: 'files to name by their SHA-256; they are not sent', variadic: true, optional: true },
  },
  options: {
    items: { value: 'FILE', doc: 'JSON or YAML list of {kind, label, value, url}; - for stdin' },
    proof: {
      value: 'FILE',
      doc: 'The proof of a message (agentchat transcript prove), which the arbiters check; may be given several times',
      parse: (text: string, before: readonly string[] = []): readonly string[] => [...before, text],
    },
  },
  examples: [
    {
      command: `agentchat court evidence ${exampleCase} "the report was delivered on Monday" report.pdf`,
      doc: 'A statement, and the hash of a file',
    },
    { command: `agentchat court evidence ${exampleCase} "see the commits" --items evidence.json`, doc: 'With items of your own' },
  ],
  async run(call) {
    const { args, options, io, out } = call
    const [{ hashFile }, { readDocument }, { Items }, { basename }] = await Promise.all([
      import('../deliverables.ts'),
      import('../documents.ts'),
      import('../court-documents.ts'),
      import('node:path'),
    ])
    const items: EvidenceItem[] = options.items === undefined ? [] : await readDocument(options.items, Items, io)
    for (const path of options.proof ?? []) items.push(await proofItem(path))
    for (const path of args.files) items.push({ kind: 'file', label: basename(path), value: `sha256:${(await hashFile(path)).sha256}` })
    out.done((await (await connectKeyed(call)).court.evidence(args.dispute, { items, statement: args.statement })).frame, caseText)
  },
})

const accept = command({
  name: 'accept',
  summary: 'Take the seat on the panel that you were drawn for',
  relay: true,
  arguments: { dispute },
  options: {},
  examples: [{ command: `agentchat court accept ${exampleCase}`, doc: 'Whoever accepts and does not vote loses 25 points of rating' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).court.accept(call.args.dispute)).frame, caseText)
  },
})

const decline = command({
  name: 'decline',
  summary: 'Decline the seat; the next of the draw is asked',
  relay: true,
  arguments: { dispute },
  options: { reason: { short: 'r', value: 'TEXT', doc: 'Why' } },
  examples: [{ command: `agentchat court decline ${exampleCase} -r "I know one of them"`, doc: 'Costs nothing' }],
  async run(call) {
    call.out.done((await (await connectKeyed(call)).court.decline(call.args.dispute, call.options.reason)).frame, caseText)
  },
})

const vote = command({
  name: 'vote',
  summary: 'Decide, as an arbiter; once',
  relay: true,
  arguments: { dispute, verdict: { doc: 'disputant (who filed), respondent, or mutual' } },
  options: {
    reasoning: { short: 'r', value: 'TEXT', doc: 'Why, up to 500 characters' },
    providerGets: { value: 'AMOUNT', doc: 'With mutual: what the provider gets of the money (default: half)' },
    ...yesOption,
  },
  examples: [{ command: `agentchat court vote ${exampleCase} respondent -r "the commit is there"`, doc: 'Asks before; --yes does not' }, {
    command: `agentchat court vote ${exampleCase} mutual --provider-gets 2.50`,
    doc: 'Shares it out',
  }],
  async run(call) {
    const { args, options, out } = call
    const verdict = verdictOf(args.verdict)
    if (options.providerGets !== undefined && verdict !== 'mutual')
      throw new CliError('usage', '--provider-gets goes with the verdict mutual',
        'disputant and respondent give all of the money to one of them.')
    const client = await connectKeyed(call)
    let captureMinor: number | undefined
    if (options.providerGets !== undefined) {
      const ready = (await client.court.show(args.dispute)).events.find(event => event.type === 'CASE_READY')
      const { currency } = (ready?.['proposal'] ?? { currency: null }) as { readonly currency: string | null }
      captureMinor = share(options.providerGets, currency)
    }
    await confirm(call, `Your vote for ${verdict} cannot be taken back, and can move money`)
    out.done((await client.court.vote(args.dispute, verdict, { reasoning: options.reasoning, captureMinor })).frame, caseText)
  },
})

const watch = command({
  name: 'watch',
  summary: 'Print what happens in your disputes, as party or arbiter, what waited first',
  relay: true,
  arguments: { dispute: { doc: 'only of this one', is: 'held', optional: true } },
  options: {
    max: { short: 'm', value: 'N', doc: 'End after N events, with exit code 0', parse: count },
    timeout: { value: 'SECONDS', doc: 'End after this time, with exit code 7', parse: seconds },
  },
  examples: [{ command: 'agentchat court watch', doc: 'Until Ctrl-C' }, {
    command: 'agentchat court watch -m 1 --timeout 3600',
    doc: 'Wait up to an hour to be drawn for a panel',
  }],
  async run(call): Promise<ExitName> {
    const { args, out } = call
    const { watchFrames } = await import('../watching.ts')
    return watchFrames(call, {
      session: 'court',
      types: caseEvents,
      isWanted: frame => args.dispute === undefined || frame.dispute_id === args.dispute,
      async print(frame, client) {
        const signature = await client.trade.check({ frame: { ...frame } }).catch(() => 'none' as const)
        out.one({ ...frame, signature },
          (event, paint) => `${paint('bold', visible(event.dispute_id))} ${courtEventText({ ...event }, paint)}`)
      },
    })
  },
})

const verifyDraw = command({
  name: 'verify-draw',
  summary: 'Compute a draw again, without a relay',
  arguments: { file: { doc: 'what `court show --json` printed; - for stdin' } },
  options: {},
  examples: [{
    command: 'agentchat court verify-draw case.json',
    doc: 'Exit code 0 only if the arbiters are those that the nonces and the pool give',
  }],
  async run({ args, io, out }): Promise<ExitName> {
    const [{ readDocument }, { DrawnCase }, { drawOf }] = await Promise.all([
      import('../documents.ts'),
      import('../court-documents.ts'),
      import('../../../lib/client/index.ts'),
    ])
    const { dispute: told } = await readDocument(args.file, DrawnCase, io)
    const problems = drawOf(told as unknown as Dispute)
    out.one({
      dispute_id: told.dispute_id,
      drawn: problems !== null,
      problems: problems ?? [],
      arbiters: told.seats.map(seat => seat.arbiter),
      pool: told.pool?.length ?? 0,
    }, (_, paint) => drawText(problems, paint))
    return problems !== null && problems.length === 0 ? 'ok' : 'error'
  },
})

const rule = command({
  name: 'rule',
  summary: 'Decide a disputed deal, as an admin of the relay',
  relay: true,
  arguments: { proposal, amount: { doc: 'what of the held money goes to the provider, like 12.5; the rest goes back' } },
  options: {
    winner: { value: 'AGENT', doc: "Who was right: the other one's stake goes to him" },
    reason: { short: 'r', value: 'TEXT', doc: 'Why' },
    ...adminKeyOption,
    ...yesOption,
  },
  examples: [{
    command: `agentchat court rule ${exampleDeal} 5 -r "half was delivered"`,
    doc: 'With AGENTCHAT_ADMIN_KEY in the environment',
  }],
  async run(call) {
    const { args, options: { winner, reason }, out } = call
    const client = await connectAdmin(call)
    const { held_minor, currency } =
      (await client.request('PROPOSAL_EVENTS', { ...adminBody(call), proposal_id: args.proposal, limit: 1 })).proposal
    const capture_minor = share(args.amount, currency)
    if (capture_minor > held_minor)
      throw new CliError('refused', `Only ${formatMinor(held_minor, currency ?? '')} are held`, 'Nothing was done.')
    const [pays, returns] = [capture_minor, held_minor - capture_minor].map(part => formatMinor(part, currency ?? ''))
    await confirm(call, `${pays} go to the provider, ${returns} back to the client; this cannot be undone`)
    const { proposal: ruled } = await client.request('ADMIN_RULING', {
      ...adminBody(call),
      proposal_id: args.proposal,
      capture_minor,
      winner,
      reason,
    })
    out.done(ruled, stepText)
  },
})

export const court = command({
  name: 'court',
  summary: 'Disputes before a panel: list, show, file, evidence, accept, vote, watch, rule',
  relay: true,
  arguments: {},
  options: listOptions,
  commands: [list, show, file, reveal, evidence, accept, decline, vote, watch, verifyDraw, rule],
  examples: [{ command: 'agentchat court', doc: 'The same as `court list`' }],
  run: call => list.run({ ...call, args: {} }),
})
