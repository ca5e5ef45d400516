// Deals and money on the command line: what is said and printed, what is asked before money moves, how it ends, and what a
// peer's words may not do.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { identityOf, loadIdentityFile } from '../lib/node/index.ts'
import { exits } from '../src/cli/exit.ts'
import { startGoBetween } from './kit/go-between.ts'
import { Cli, type Ran, type RunOptions } from './kit/cli.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const adminKey = 'correct horse battery'
const evil = '\u001b]0;owned\u0007\u001b[31mred\u202e\r\nFAKE'

type Told = Record<string, unknown> & { readonly type: string }

let cli: Cli
let relay: TestRelay

const id = (name: string) => identityOf(loadIdentityFile(cli.at(`${name}.json`))).agentId
const as = (name: string) => (args: readonly string[], options?: RunOptions) => cli.run([...args, '-i', cli.at(`${name}.json`)], options)
const ann = (...args: string[]) => as('ann')(args)
const bob = (...args: string[]) => as('bob')(args)
/** A person at a terminal who types this. */
const typing = (text: string): RunOptions => ({ isTTY: true, stdin: Object.assign(Readable.from([Buffer.from(text)]), { isTTY: true }) })
const good = async (ran: Promise<Ran>): Promise<Ran> => {
  const result = await ran
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}`)
  return result
}

const propose = async (...more: string[]): Promise<string> =>
  (await good(ann('propose', id('bob'), 'write it', ...more, '--field', 'proposal_id'))).stdout.trim()
const agreed = async (...more: string[]): Promise<string> => {
  const proposal = await propose(...(more.length === 0 ? ['-a', '12.5', '-c', 'USD'] : more))
  await good(bob('accept', proposal, '--yes'))
  return proposal
}

beforeEach(async () => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  relay = await startTestRelay({ adminKey, minDeadlineMs: 1_000 })
  onTestFinished(() => relay[Symbol.asyncDispose]())
  cli.env['AGENTCHAT_URL'] = relay.url
  for (const name of ['ann', 'bob']) {
    await cli.run(['identity', 'generate', '-n', name, '-f', cli.at(`${name}.json`)])
    await good(as(name)(['channels']))
  }
  await good(
    cli.run(['escrow', 'credit', id('ann'), '100', 'USD', 'for the test', '--key', 'k'], { env: { AGENTCHAT_ADMIN_KEY: adminKey } }),
  )
})

describe('steps', () => {
  test('propose, counter, accept, reject, cancel: as talk, as JSON, as a field', async () => {
    const offered = await good(ann('propose', id('bob'), 'write it', '-a', '12.5', '-c', 'USD', '-t', 'in English', '--expires', '600'))
    expect(offered).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^Offered as prop_\w+\n$/) as string })
    const first = /prop_\w+/.exec(offered.stderr)![0]
    const [countered] = (await good(bob('counter', first, '-a', '20', '--json'))).json
    expect(countered).toMatchObject({
      status: 'pending',
      amount: 20,
      currency: 'USD',
      terms: 'in English',
      task: 'write it',
      supersedes: first,
      client: id('ann'),
    })
    expect((await good(ann('accept', String(countered!['proposal_id']), '-y'))).stderr).toContain('is accepted')
    expect((await ann('accept', first)).code).toBe(exits.refused.code)
    const second = await propose()
    expect((await good(bob('reject', second, '-r', 'no time', '--field', 'status'))).stdout).toBe('rejected\n')
    const third = await propose()
    expect((await bob('cancel', third)).code).toBe(exits.refused.code)
    expect((await good(ann('cancel', third))).stderr).toContain('is cancelled')
    expect((await ann('accept', 'prop_none')).code).toBe(exits.notFound.code)
  })

  test('a revised offer keeps what it does not change; milestones add up to the last cent', async () => {
    const first = await propose('-c', 'USD', '-m', 'a=0.1,b=0.2,c=70.09', '--deliver', '60', '--review', '30', '--capability', 'writing')
    const [revised] = (await good(bob('counter', first, 'write it better', '--json'))).json
    expect(revised).toMatchObject({
      task: 'write it better',
      amount: 70.39,
      amount_minor: 7_039,
      deliver_s: 60,
      review_s: 30,
      capability: 'writing',
      milestones: [{ title: 'a', amount: 0.1 }, { title: 'b', amount: 0.2 }, { title: 'c', amount: 70.09 }],
    })
    expect(await bob('counter', String(revised!['proposal_id']), '-a', '5')).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('milestones') as string,
    })
  })

  test.each([
    [['-a', '5'], 'without a currency'],
    [['-a', 'five', '-c', 'USD'], 'not an amount'],
    [['-c', 'USD', '-m', 'draft'], 'not a milestone'],
    [['--role', 'boss'], 'not a role'],
    [['--rail', 'cash'], 'not a rail'],
    [['-c', 'USD', '-m', 'a=0.001'], 'not an amount'],
  ] as const)('propose %j is wrong before anything is sent', async (options, message) => {
    expect(await ann('propose', id('bob'), 'x', ...options)).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining(message) as string,
    })
  })

  test('a deal with milestones, from money held to money paid', async () => {
    const deal = await agreed('-c', 'USD', '-m', 'draft=2.5,final=10')
    expect(await ann('escrow', 'fund', deal)).toMatchObject({ code: exits.usage.code, stderr: expect.stringContaining('--yes') as string })
    expect((await good(ann('escrow', 'fund', deal, '--yes'))).stderr).toContain('funded: 12.50 USD held')
    writeFileSync(cli.at('work.txt'), 'the work')
    expect((await good(bob('submit', deal, cli.at('work.txt'), '-m', 'as agreed'))).stderr).toContain('submitted')
    expect(await bob('submit', deal)).toMatchObject({ code: exits.usage.code })
    expect(await bob('submit', deal, cli.at('nothing.txt'))).toMatchObject({ code: exits.notFound.code })
    await good(ann('revise', deal, 'longer'))
    await good(bob('submit', deal, cli.at('work.txt'), '--hash-only'))
    expect((await good(ann('complete', deal, '--milestone', '--yes'))).stderr).toContain('funded: 10.00 USD held, 2.50 USD paid')
    expect(await ann('complete', deal)).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('10.00 USD go to') as string,
    })
    expect((await good(ann('complete', deal, '--milestone', '-p', 'thanks', '--yes', '--json'))).json[0]).toMatchObject({
      status: 'completed',
      captured_minor: 1_250,
    })
    expect((await good(bob('escrow', '--json'))).json).toEqual([[{ currency: 'USD', amount_minor: 1_250, held_minor: 0 }]])
  })

  test('dispute freezes; who gives in is asked before', async () => {
    const deal = await agreed()
    await good(ann('escrow', 'fund', deal, '-y'))
    expect((await good(ann('dispute', deal, 'nothing came'))).stderr).toContain('disputed: 12.50 USD held')
    expect((await ann('escrow', 'reclaim', deal)).code).toBe(exits.refused.code)
    expect(await bob('cancel', deal)).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('12.50 USD go back to the client') as string,
    })
    expect((await good(bob('cancel', deal, '--yes'))).stderr).toContain('cancelled: 12.50 USD returned')
  })

  test('accept shows all that is agreed to first, and asks', async () => {
    const proposal = await propose('-c', 'USD', '-m', 'draft=2.5,final=10', '--deliver', '5400', '--review', '86400', '-t', 'in English',
      '-s', '10', '--expires', '600', '-p', 'a place of mine')
    const seen = (text: string) =>
      text.replaceAll(id('ann'), '@ann').replaceAll(id('bob'), '@bob').replaceAll(proposal, 'prop').replace(/\d{4}-\d\d-\d\d \d\d:\d\dZ/g,
        'DATE')
        .replace(/within (9 minutes \d+ seconds?|10 minutes)/, 'within 10 minutes')
    const [alone, asked] = [await bob('accept', proposal), await as('bob')(['accept', proposal, '-s', '20'], typing('n\n'))]
    expect(alone).toMatchObject({ code: exits.usage.code, stderr: expect.stringContaining('--yes') as string })
    expect(asked.code).toBe(exits.error.code)
    expect(seen(asked.stderr)).toContain(`The deal prop, offered by @ann, who signed it:
  task        write it
  terms       in English
  who works   you (@bob)
  price       12.50 USD, paid by @ann to you (@bob)
    part 1    2.5 USD: draft
    part 2    10 USD: final
  money       held by the relay's ledger once @ann funds the deal
  answer      within 10 minutes: by DATE
  funding     90 days from your answer: by DATE if that is now
  work        1 hour 30 minutes from funding: by DATE if that is now, for each part; late: the money goes back
  review      1 day from delivery: by DATE if that is now; silence pays
  stakes      10 of the rating of @ann, 20 of yours
  their code  a place of mine
You will be bound to prop. Go on? [y/N]`)
    expect((await good(ann('proposals', '--field', 'status'))).stdout).toBe('pending\n')
    expect((await as('bob')(['accept', proposal, '--json'], typing('y\n'))).code).toBe(exits.usage.code)
    expect((await as('bob')(['accept', proposal], typing('y\n'))).stderr).toContain('is accepted')
  })

  test('a deal that a relay shows otherwise than its proposer signed it, or that was signed for another relay, is not accepted', async () => {
    let lie = (frame: Told): Told => frame
    const port = await freePort()
    await using between = await startGoBetween(`ws://127.0.0.1:${port}`, { toVisitor: frame => lie(frame) })
    await using _ = await startTestRelay({ port, publicUrls: [between.url] })
    const there = { env: { AGENTCHAT_URL: between.url } }
    const offer = ['propose', id('bob'), 'write it', '-a', '12.5', '-c', 'USD', '--field', 'proposal_id']
    await good(as('bob')(['channels'], there))
    const proposal = (await good(as('ann')(offer, there))).stdout.trim()
    const refused = { code: exits.error.code, stderr: expect.stringContaining('These are not the terms that were signed') as string }
    const accepted = (told: typeof lie) => {
      lie = told
      return as('bob')(['accept', proposal, '--yes'], there)
    }
    const showing = (change: (deal: Told) => object) => (frame: Told): Told =>
      'proposal' in frame ? { ...frame, proposal: change(frame['proposal'] as Told) } : frame
    // Who is to be paid would pay.
    expect(await accepted(showing(({ client, provider, ...deal }) => ({ ...deal, client: provider, provider: client })))).toMatchObject(
      refused,
    )
    expect(await accepted(showing(deal => ({ ...deal, elo_stakes: { proposer: 5, acceptor: 0 } })))).toMatchObject(refused)
    // What ann offers at another relay is good there alone.
    const elsewhere = await propose('-a', '12.5', '-c', 'USD')
    const [{ signature, ...signed }] = (await good(bob('proposals', 'show', elsewhere, '--json'))).json[0]!['events'] as [Told]
    expect(signature).toBe('valid')
    const foreign = await accepted(frame => frame.type === 'PROPOSAL_EVENTS' ? { ...frame, events: [signed] } : frame)
    expect(foreign).toMatchObject(refused)
    expect(await accepted(frame => frame)).toMatchObject({ code: 0 })
  })

  test('stakes are asked for, too', async () => {
    const proposal = await propose('-s', '10')
    expect((await bob('accept', proposal, '-s', '20')).code).toBe(exits.usage.code)
    await good(bob('accept', proposal, '-s', '20', '--yes'))
    expect((await good(bob('escrow', 'balance'))).json).toEqual([{ currency: 'ELO', amount_minor: 0, held_minor: 20 }])
    expect((await bob('complete', proposal)).code).toBe(0)
  })
})

describe('at a terminal', () => {
  test('yes goes on; anything else does nothing; --json is never asked', async () => {
    const deal = await agreed()
    const fund = (...more: string[]) => (options: RunOptions) => as('ann')(['escrow', 'fund', deal, ...more], options)
    expect(await fund()(typing('n\n'))).toMatchObject({
      code: exits.error.code,
      stderr: expect.stringMatching(/12\.50 USD of yours will be held.*\[y\/N\][^]*Nothing was done/) as string,
    })
    expect((await fund()(typing('\n'))).code).toBe(exits.error.code)
    expect((await fund()(typing('yesterday\n'))).code).toBe(exits.error.code)
    expect((await fund('--json')(typing('y\n'))).code).toBe(exits.usage.code)
    expect((await good(ann('escrow', 'balance', '--field', 'held_minor'))).stdout).toBe('0\n')
    expect((await fund()(typing('y\n'))).stderr).toContain('funded')
  })
})

describe('money', () => {
  test('balance, transfer, history, credit: amounts as people write them', async () => {
    const transfer = (...args: string[]) => ann('escrow', 'transfer', id('bob'), ...args)
    expect((await transfer('2.50', 'USD')).code).toBe(exits.usage.code)
    expect((await transfer('2.505', 'USD', '--yes')).code).toBe(exits.usage.code)
    expect((await transfer('0', 'USD', '--yes')).code).toBe(exits.usage.code)
    expect((await transfer('1000', 'USD', '--yes')).code).toBe(exits.refused.code)
    expect((await good(transfer('2.50', 'USD', '--note', 'lunch', '--yes'))).stderr).toContain(`2.50 USD went to ${id('bob')}`)
    expect((await as('ann')(['escrow', 'balance'], { isTTY: true })).stdout).toBe('97.50 USD\n')
    expect((await good(ann('escrow', 'history', '--json'))).json[0]).toMatchObject([
      { kind: 'transfer', amount_minor: -250, note: 'lunch' },
      { kind: 'credit', amount_minor: 10_000, note: 'for the test' },
    ])
    expect((await as('ann')(['escrow', 'history', '-l', '1'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).toMatch(
      /^TIME +KIND +AMOUNT +BALANCE +FOR +NOTE\n\S+ +transfer +-2\.50 USD .*lunch\n$/,
    )
    const credit = (...args: string[]) => cli.run(['escrow', 'credit', id('ann'), ...args], { env: { AGENTCHAT_ADMIN_KEY: adminKey } })
    // The same invoice again credits nothing; another amount under it is a mistake.
    await good(credit('100', 'USD', 'for the test', '--key', 'k'))
    expect((await credit('50', 'USD', 'for the test', '--key', 'k')).code).toBe(exits.refused.code)
    expect((await good(ann('escrow', '--field', 'amount_minor'))).stdout).toBe('9750\n')
    await good(credit('7.50', 'USD', 'paid out', '--take-back'))
    expect((await credit('1000', 'USD', 'too much', '--take-back')).code).toBe(exits.refused.code)
    expect((await cli.run(['escrow', 'credit', id('ann'), '5', 'USD', 'mine'])).code).toBe(exits.refused.code)
    // What was issued, by whom and why, for the audit.
    const audit = await good(cli.run(['call', 'STATEMENT', 'agent=*', `admin_key=${adminKey}`]))
    expect(audit.json[0]).toMatchObject({
      agent: '*',
      entries: [{ kind: 'credit', amount_minor: 750, note: 'paid out' }, {
        kind: 'credit',
        amount_minor: -10_000,
        with: id('ann'),
        note: 'for the test',
        by: expect.any(String) as string,
      }],
    })
  })

  test('without a key there is nothing to sign with', async () => {
    expect(await cli.run(['escrow', 'balance'])).toMatchObject({
      code: exits.auth.code,
      stderr: expect.stringContaining('identity generate') as string,
    })
    expect((await cli.run(['propose', id('bob'), 'x'])).code).toBe(exits.auth.code)
  })
})

describe('proposals', () => {
  test('list, show and watch', async () => {
    const deal = await agreed()
    await propose('-a', '1', '-c', 'USD')
    const [titles, ...rows] = (await as('bob')(['proposals'], { isTTY: true })).stdout.split('\n').filter(line => line !== '')
    expect([titles, rows.length]).toEqual([expect.stringContaining('PROPOSAL'), 2])
    expect(
      (await good(bob('proposals', 'list', '--state', 'accepted', '--with', id('ann'), '--field', 'proposal_id,status,amount'))).stdout,
    ).toBe(`${deal}\taccepted\t12.5\n`)
    expect(await bob('proposals', 'list', '--state', 'odd')).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('pending') as string,
    })
    expect((await as('bob')(['proposals', 'show', deal], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).toMatch(
      /accepted 12\.50 USD[^]*PROPOSAL .*✓[^]*ACCEPT +.*✓/,
    )
    const parts = await propose('-m', 'draft=2.5,final=10', '-c', 'USD', '-t', 'two lines\nof terms', '--review', '7200', '-s', '5')
    const shown = (await as('bob')(['proposals', 'show', parts], { isTTY: true, env: { NO_COLOR: '1' } })).stdout
    for (
      const line of [
        /^ {2}terms +two lines\n {14}of terms$/m,
        /^ {4}part 1 +2\.5 USD: draft$/m,
        /^ {4}part 2 +10 USD: final$/m,
        /^ {2}deadline +answer by \d{4}-\d\d-\d\d \d\d:\d\dZ, in 30 days; then the offer lapses$/m,
        /^ {2}work +14 days from funding, for each part$/m,
        /^ {2}review +2 hours from delivery; silence pays$/m,
        /^ {2}stakes +5 of the rating of @[0-9a-f]{16}, 0 of @[0-9a-f]{16}$/m,
      ]
    ) {
      expect(shown).toMatch(line)
    }
    expect((await good(bob('proposals', 'show', deal, '--json'))).json[0]).toMatchObject({
      proposal: { proposal_id: deal },
      events: [{ type: 'PROPOSAL', signature: 'valid' }, { type: 'ACCEPT', signature: 'valid' }],
    })
    await cli.run(['identity', 'generate', '-f', cli.at('eve.json')])
    expect((await as('eve')(['proposals', 'show', deal])).code).toBe(exits.notFound.code)

    const watching = as('ann')(['proposals', 'watch', deal, '-m', '2'])
    await watching.prints('Connected as')
    await watching.prints('"type":"ACCEPT"')
    await good(bob('submit', deal, '-m', 'done'))
    const watched = await good(watching)
    expect(watched.json.map(({ type, signature }) => [type, signature])).toEqual([['ACCEPT', 'valid'], ['SUBMIT', 'valid']])
    expect((await ann('proposals', 'watch', deal, '--timeout', '0.3', '-m', '100')).code).toBe(exits.timeout.code)
    const stopped = as('ann')(['proposals', 'watch'])
    await stopped.prints('Connected as')
    stopped.interrupt()
    expect((await stopped).code).toBe(exits.interrupted.code)
  })

  test('save: what was delivered under a name that does harm is written under another, in the folder of the deal', async () => {
    const deal = await agreed()
    mkdirSync(cli.at('evil'))
    for (const name of ['.bashrc', '-rf', 'invoice\u202efdp.exe']) writeFileSync(cli.at(`evil/${name}`), name)
    await good(bob('submit', deal, ...['.bashrc', '-rf', 'invoice\u202efdp.exe'].map(name => cli.at(`evil/${name}`))))
    const folder = cli.at('harmless')
    await good(ann('proposals', 'save', deal, '--to', folder))
    expect(readdirSync(join(folder, deal)).sort()).toEqual(['_-rf', '_.bashrc', 'invoice_fdp.exe'])
    expect(readdirSync(folder)).toEqual([deal])
  })

  test('save and check: only what the provider signed, never over a file that is there', async () => {
    const deal = await agreed()
    expect((await ann('proposals', 'save', deal)).code).toBe(exits.notFound.code)
    const content = Buffer.from([0, 255, 10, 13, 7])
    writeFileSync(cli.at('work.bin'), content)
    await good(bob('submit', deal, cli.at('work.bin')))
    const folder = cli.at('delivered')
    const [saved] = (await good(ann('proposals', 'save', deal, '--to', folder))).json
    expect(saved).toMatchObject({ bytes: 5, sha256: createHash('sha256').update(content).digest('hex') })
    expect(readFileSync(String(saved!['file']))).toEqual(content)
    expect(saved!['file']).toBe(join(folder, deal, 'work.bin'))
    expect(readdirSync(folder)).toEqual([deal])
    expect((await ann('proposals', 'save', deal, '--to', folder)).code).toBe(exits.refused.code)
    expect((await ann('proposals', 'check', deal, cli.at('work.bin'))).code).toBe(0)
    writeFileSync(cli.at('other.bin'), 'x')
    expect(await ann('proposals', 'check', deal, cli.at('other.bin'))).toMatchObject({
      code: exits.error.code,
      json: [{ delivered: false }],
    })
  })
})

test('what a peer wrote is shown, never obeyed', async () => {
  const proposal = (await good(ann('propose', id('bob'), evil, '-a', '5', '-c', 'USD', '-t', evil, '--field', 'proposal_id'))).stdout.trim()
  const accepted = await good(bob('accept', proposal, '--yes'))
  await good(ann('escrow', 'fund', proposal, '--yes'))
  await good(bob('submit', proposal, '-m', evil))
  await good(ann('revise', proposal, evil))
  await good(bob('submit', proposal, '-m', evil))
  await good(ann('complete', proposal, '-p', evil, '--yes'))
  const declined = (await good(ann('propose', id('bob'), evil, '--field', 'proposal_id'))).stdout.trim()
  await good(bob('reject', declined, '-r', evil))
  await good(ann('escrow', 'transfer', id('bob'), '1', 'USD', '--note', evil, '--yes'))
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
  expect(accepted.stderr).not.toMatch(obeyed)
  const plain = { NO_COLOR: '1' }
  for (
    const args of [['proposals'], ['proposals', 'show', proposal], ['proposals', 'show', declined], ['escrow', 'history'], ['receipts'], [
      'proposals',
      'watch',
      '-m',
      '5',
      '--timeout',
      '2',
    ]]
  ) {
    for (const options of [{ isTTY: true, env: plain }, { env: plain }]) {
      for (const more of [[], ['--json'], ['--field', 'task,terms,text,reason,note,proof,proposal,events']]) {
        if (args[1] === 'watch' && more.length > 0) continue
        const ran = await as('bob')([...args, ...more], options)
        expect(ran.stdout + ran.stderr, args.join(' ')).not.toMatch(obeyed)
        // A line that a peer broke does not pass for one of ours.
        expect(ran.stdout, args.join(' ')).not.toMatch(/^FAKE/m)
      }
    }
  }
  expect((await as('bob')(['proposals'], { isTTY: true, env: plain })).stdout).toContain('\\u001b]0;owned')
})
