// Disputes on the command line: filed, judged and checked, the draw with the relay gone.
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { identityOf, loadIdentityFile } from '../lib/node/index.ts'
import { exits } from '../src/cli/exit.ts'
import { Cli, type Ran, type Running } from './kit/cli.ts'
import { courtConfig, season, startCourtRelay } from './kit/court.ts'
import type { TestRelay } from './kit/relay.ts'

let cli: Cli
let watchers: Map<string, Running>
const names = ['ann', 'bob', 'kim', 'lee', 'max'] as const

beforeEach(async () => {
  cli = new Cli()
  watchers = new Map()
  onTestFinished(async () => {
    await Promise.all([...watchers.keys()].map(stopWatching))
    cli[Symbol.dispose]()
  })
  for (const name of names) await cli.run(['identity', 'generate', '-n', name, '-f', cli.at(`${name}.json`)])
})

const idOf = (name: string) => identityOf(loadIdentityFile(cli.at(`${name}.json`))).agentId
const as = (name: string) => ['-i', cli.at(`${name}.json`)]
const ok = async (args: readonly string[]) => {
  const ran = await cli.run([...args, '--json'])
  expect(ran, args.join(' ')).toMatchObject({ code: 0 })
  return ran.json[0]!
}

const stopWatching = async (name: string): Promise<Ran> => {
  const watching = watchers.get(name)!
  watching.interrupt()
  return watching
}

/** A deal of 10 USD that is funded; kim, lee and max are there to judge. */
const funded = async (relay: TestRelay): Promise<string> => {
  cli.env['AGENTCHAT_URL'] = relay.url
  for (const name of names) {
    const watching = cli.run(['court', 'watch', ...as(name)])
    await watching.prints('Connected')
    watchers.set(name, watching)
    if (name.length === 3 && !['ann', 'bob'].includes(name)) await season(relay, identityOf(loadIdentityFile(cli.at(`${name}.json`))))
  }
  cli.env['AGENTCHAT_ADMIN_KEY'] = courtConfig.adminKey
  await ok(['escrow', 'credit', idOf('ann'), '50', 'USD', 'for the test'])
  const { proposal_id } = await ok(['propose', idOf('bob'), 'write it', '-a', '10', '-c', 'USD', ...as('ann')])
  await ok(['accept', String(proposal_id), '--yes', ...as('bob')])
  await ok(['escrow', 'fund', String(proposal_id), '--yes', ...as('ann')])
  return String(proposal_id)
}

test('a case from filing to the verdict, shared out by the arbiters; the draw is verified when the relay is gone', async () => {
  const saved = cli.at('case.json')
  {
    await using relay = await startCourtRelay()
    const proposal = await funded(relay)
    // Nobody is there to ask.
    expect((await cli.run(['court', 'file', proposal, 'late', ...as('ann')])).code).toBe(exits.usage.code)
    const { dispute_id, seats } = await ok(['court', 'file', proposal, 'late \u001b[31mand red', '--yes', ...as('ann')]) as {
      dispute_id: string
      seats: { arbiter: string }[]
    }
    expect(seats.map(seat => seat.arbiter).sort()).toEqual(['kim', 'lee', 'max'].map(idOf).sort())
    const listed = await cli.run(['court', 'list', '--role', 'arbiter', ...as('kim')], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(listed.stdout).toMatch(/^CASE +PHASE +DEAL +DISPUTANT +RESPONDENT +UNTIL +REASON\n/)
    expect(listed.stdout).toContain(`\n${dispute_id}  `)
    for (const name of ['kim', 'lee', 'max']) await ok(['court', 'accept', dispute_id, ...as(name)])
    expect((await cli.run(['court', 'accept', dispute_id, ...as('bob')])).code).toBe(exits.refused.code)
    writeFileSync(cli.at('work.txt'), 'the work')
    writeFileSync(cli.at('items.json'), JSON.stringify([{ kind: 'commit', label: 'the patch', value: '4f0c1e' }]))
    await ok(['court', 'evidence', dispute_id, 'it is there', cli.at('work.txt'), '--items', cli.at('items.json'), ...as('bob')])
    await ok(['court', 'evidence', dispute_id, 'it is not', ...as('ann')])
    expect((await cli.run(['court', 'vote', dispute_id, 'guilty', '--yes', ...as('kim')])).code).toBe(exits.usage.code)
    expect((await cli.run(['court', 'vote', dispute_id, 'respondent', '--provider-gets', '1', '--yes', ...as('kim')])).code).toBe(
      exits.usage.code,
    )
    for (const name of ['kim', 'lee'])
      await ok(['court', 'vote', dispute_id, 'mutual', '--provider-gets', '2.50', '-r', 'a bit was done', '--yes', ...as(name)])
    expect(await ok(['court', 'vote', dispute_id, 'disputant', '--yes', ...as('max')])).toMatchObject({
      phase: 'ruled',
      verdict: 'mutual',
      capture_minor: 250,
    })
    expect(JSON.stringify(await ok(['escrow', 'balance', ...as('bob')]))).toContain('"amount_minor":250')

    const shown = await cli.run(['court', 'show', dispute_id, ...as('bob')], { isTTY: true })
    expect(shown.code).toBe(0)
    for (const text of ['The panel is the one', 'file: work.txt', 'sha256:', 'a bit was done', 'it is not', 'ARBITER_ANSWER'])
      expect(shown.stdout).toContain(text)
    expect(shown.stdout).not.toContain('\u001b[31mand red')
    writeFileSync(saved, (await cli.run(['court', 'show', dispute_id, '--json', ...as('ann')])).stdout)
    expect((await cli.run(['court', 'show', dispute_id, '-i', cli.at('none.json')])).code).not.toBe(0)
    const seen = await stopWatching('bob')
    expect(seen.code).toBe(exits.interrupted.code)
    expect(seen.json.filter(event => event['dispute_id'] === dispute_id).map(event => event['type'])).toEqual([
      'DISPUTE_FILED',
      'PANEL_FORMED',
      'ARBITER_ANSWER',
      'ARBITER_ANSWER',
      'ARBITER_ANSWER',
      'EVIDENCE_RECEIVED',
      'EVIDENCE_RECEIVED',
      'VERDICT',
      'SETTLEMENT_COMPLETE',
    ])
    expect(seen.json.slice(0, 5).map(event => event['signature'])).toEqual(Array(5).fill('valid'))
  }
  expect(await cli.run(['court', 'verify-draw', saved, '--json'])).toMatchObject({
    code: 0,
    json: [{ drawn: true, problems: [], pool: 3 }],
  })
  const forged = readFileSync(saved, 'utf8').replace(/"server_nonce":"[0-9a-f]{4}/, '"server_nonce":"0000')
  writeFileSync(saved, forged)
  const refused = await cli.run(['court', 'verify-draw', saved])
  expect(refused.code).toBe(exits.error.code)
  expect((await cli.run(['court', 'verify-draw', cli.at('none.json')])).code).toBe(exits.notFound.code)
})

test('without a panel the admin lists what waits, and rules', async () => {
  await using relay = await startCourtRelay()
  const proposal = await funded(relay)
  for (const name of ['kim', 'lee', 'max']) await season(relay, identityOf(loadIdentityFile(cli.at(`${name}.json`))), { transactions: 0 })
  expect(await ok(['court', 'file', proposal, 'late', '--yes', ...as('bob')])).toMatchObject({ phase: 'appealed' })
  expect((await cli.run(['court', 'list', '--all', '--phase', 'appealed', '--json'])).json[0]).toMatchObject([{ proposal_id: proposal }])
  expect((await cli.run(['court', 'list', '--all', '--admin-key', 'wrong', '--json'])).code).toBe(exits.auth.code)
  expect((await cli.run(['court', 'rule', proposal, '10.01', '--yes'])).code).toBe(exits.refused.code)
  expect((await cli.run(['court', 'rule', proposal, '3.001', '--yes'])).code).toBe(exits.usage.code)
  expect(await ok(['court', 'rule', proposal, '3', '-r', 'a little was done', '--yes'])).toMatchObject({
    status: 'ruled',
    captured_minor: 300,
    returned_minor: 700,
  })
  expect((await cli.run(['court', 'list', '--json', ...as('ann')])).json[0]).toMatchObject([{ phase: 'ruled' }])
  expect((await cli.run(['court', '--phase', 'nowhere', ...as('ann')])).code).toBe(exits.usage.code)
})
