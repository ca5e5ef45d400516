// Receipts and ratings on the command line; verifying runs with the relay gone.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { completionText } from '../lib/identity/index.ts'
import { loadIdentityFile, identityOf, nodeIdentity } from '../lib/node/index.ts'
import { exits } from '../src/cli/exit.ts'
import { reputationBook } from '../src/features/trade/reputation/book.ts'
import { readMeta } from '../src/store/meta.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let cli: Cli
const delivered = 'Le manuel.\n'

beforeEach(async () => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  for (const name of ['ann', 'bob']) await cli.run(['identity', 'generate', '-n', name, '-f', cli.at(`${name}.json`)])
})

const identity = (name: string) => identityOf(loadIdentityFile(cli.at(`${name}.json`)))
const as = (name: string) => ['-i', cli.at(`${name}.json`)]

/** A relay with finished work of ann for bob; the relay's own key signs, as it does when a deal ends. */
const startWithWork = async (count = 1): Promise<TestRelay> => {
  const relay = await startTestRelay()
  cli.env['AGENTCHAT_URL'] = relay.url
  for (const name of ['ann', 'bob']) await cli.run(['agents', '#general', ...as(name)])
  const book = reputationBook({
    serverId: relay.serverId,
    relayKey: nodeIdentity((await readMeta(relay.store.read, 'relay_private_key'))!),
  })
  for (let i = 1; i <= count; i++) {
    await relay.store.write(tx =>
      book.receipt(tx, {
        proposal_id: `prop_${i}`,
        outcome: 'completed',
        client: identity('ann').agentId,
        provider: identity('bob').agentId,
        task: 'Translate \u001b[31mthe manual',
        terms: null,
        price: 5,
        currency: 'USD',
        paid: { rail: 'ledger', captured_minor: 500, returned_minor: 0 },
        milestones: null,
        captures: [{ minor: 500, at: 5 }],
        deliverables: [{ sha256: createHash('sha256').update(delivered).digest('hex'), name: 'manual.txt', bytes: 11, at: 4 }],
        proposed_at: 1,
        completed_at: 1_790_000_000_000 + i,
      })
    )
  }
  return relay
}

describe('receipts', () => {
  test('are listed, signed by both, exported, and verified when the relay is gone', async () => {
    const file = cli.at('receipts.jsonl')
    {
      await using relay = await startWithWork()
      const listed = await cli.run(['receipts', relay.url, '--unsigned', ...as('ann')], { isTTY: true })
      expect(listed.stdout).toContain('waits for the client and the provider')
      expect(listed.stdout).not.toContain('\u001b[31mthe')
      expect((await cli.run(['receipts', 'sign', 'prop_1', ...as('ann')])).stderr).toContain('the other party has not signed yet')
      await cli.run(['receipts', 'export', '--out', cli.at('half.jsonl'), ...as('bob')])
      const [{ receipt_id } = {}] = (await cli.run(['receipts', 'list', ...as('bob')])).json
      expect(await cli.run(['receipts', 'sign', String(receipt_id), '--json', ...as('bob')])).toMatchObject({
        code: 0,
        json: [{ receipt_id, complete: true }],
      })
      expect((await cli.run(['receipts', 'list', '--unsigned', ...as('bob')])).stdout).toBe('')
      expect((await cli.run(['receipts', 'sign', 'prop_9', ...as('bob')])).code).toBe(exits.notFound.code)
      expect((await cli.run(['receipts', 'export', '--out', file, ...as('bob')])).stderr).toContain('1 receipts are in')
      expect((await cli.run(['receipts', 'export', '--out', file, ...as('bob')])).code).toBe(exits.error.code)
      expect((await cli.run(['receipts', 'export', ...as('ann')])).stdout).toBe(readFileSync(file, 'utf8'))
    }
    const checked = await cli.run(['receipts', 'verify', file, '--json'])
    expect(checked.code).toBe(0)
    expect(JSON.parse(checked.stdout)).toMatchObject([{ proven: true, valid: true, proposal_id: 'prop_1', problems: [] }])
    expect((await cli.run(['receipts', 'verify', '-'], { stdin: readFileSync(file) })).code).toBe(0)
    // One party's signature is missing: true, but not proven.
    expect(await cli.run(['receipts', 'verify', cli.at('half.jsonl')])).toMatchObject({
      code: exits.error.code,
      stdout: expect.stringContaining('provider: has not signed'),
    })
    expect((await cli.run(['receipts', 'verify', cli.at('half.jsonl'), '--partial'])).code).toBe(0)
  })

  test('verify refuses what was changed, is from another relay, or does not name the file', async () => {
    const file = cli.at('receipts.jsonl')
    {
      await using _ = await startWithWork(2)
      for (const name of ['ann', 'bob']) for (const id of ['prop_1', 'prop_2']) await cli.run(['receipts', 'sign', id, ...as(name)])
      await cli.run(['receipts', 'export', '-o', file, ...as('ann')])
    }
    const [first, second] = readFileSync(file, 'utf8').trim().split('\n')
    const code = async (...args: string[]) => (await cli.run(['receipts', 'verify', file, ...args])).code
    expect(await code()).toBe(0)
    writeFileSync(cli.at('manual.txt'), delivered)
    writeFileSync(cli.at('other.txt'), `${delivered}!`)
    expect(await code('--deliverable', cli.at('manual.txt'))).toBe(0)
    expect(await code('--deliverable', cli.at('manual.txt'), '--deliverable', cli.at('other.txt'))).toBe(exits.error.code)
    expect(await code('--deliverable', cli.at('none.txt'))).toBe(exits.notFound.code)
    expect(await code('--relay-id', '0'.repeat(64))).toBe(exits.error.code)
    writeFileSync(file, `${first}\n${second!.replace('"captured_minor":500', '"captured_minor":5')}\n`)
    expect(await code('--partial')).toBe(exits.error.code)
    expect((await cli.run(['receipts', 'verify', file])).json.map(({ proven }) => proven)).toEqual([true, false])
    for (const text of ['no receipt', '[1, null, "x"]', '{}', '{"receipt":{}}']) {
      writeFileSync(file, text)
      expect(await code('--partial'), text).toBe(exits.error.code)
    }
    writeFileSync(file, '\n')
    expect(await code()).toBe(exits.notFound.code)
    expect((await cli.run(['receipts', 'verify', cli.at('nowhere')])).code).toBe(exits.notFound.code)
  })

  test('completions of older clients are checked as far as they go, and never proven', async () => {
    const [ann, bob] = [identity('ann'), identity('bob')]
    const frame = {
      type: 'COMPLETE',
      proposal_id: 'prop_1',
      status: 'completed',
      from: ann.agentId,
      to: bob.agentId,
      completed_by: bob.agentId,
      completed_at: 5,
      proof: 'done',
      sig: bob.sign(completionText('prop_1', 'done')),
      stored_at: 6,
    }
    const file = cli.at('old.jsonl')
    writeFileSync(file, `${JSON.stringify(frame)}\n`)
    const verify = (...args: string[]) => cli.run(['receipts', 'verify', file, ...args])
    expect(await verify()).toMatchObject({ code: exits.error.code, stdout: expect.stringContaining('key of @') })
    const known = await verify('--key', cli.at('bob.json'))
    expect(known).toMatchObject({
      code: exits.error.code,
      json: [{
        kind: 'completion',
        proven: false,
        valid: true,
        signatures: { completer: 'valid' },
        problems: [expect.stringContaining('not signed')],
      }],
    })
    writeFileSync(cli.at('bob.pem'), bob.publicKey)
    expect((await verify('--key', cli.at('bob.pem'), '--key', cli.at('ann.json'), '--partial')).code).toBe(0)
    writeFileSync(file, JSON.stringify({ ...frame, proof: 'more' }))
    expect((await verify('--key', cli.at('bob.pem'), '--partial')).code).toBe(exits.error.code)
  })
})

test('ratings show an agent, and the best', async () => {
  await using _ = await startWithWork()
  expect((await cli.run(['ratings', identity('bob').agentId, '--json'])).json).toMatchObject([{
    agent_id: identity('bob').agentId,
    rating: 1_200,
    standing: { standing: 0, confidence: 0 },
  }])
  expect((await cli.run(['ratings', identity('bob').agentId], { isTTY: true })).stdout).toContain('standing  0 of 100')
  expect((await cli.run(['ratings'])).stderr).toContain('Nobody yet')
  expect((await cli.run(['ratings', '--by', 'charm'])).code).toBe(exits.usage.code)
  expect((await cli.run(['ratings', '-l', '5', '--by', 'rating'])).code).toBe(0)
})
