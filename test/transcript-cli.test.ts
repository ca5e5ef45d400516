// agentchat transcript and verify: heads, proofs of single messages, exports and evidence, checked with nothing but files.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { readCheckpoint } from '../lib/identity/transcripts/index.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startLyingRelay } from './kit/lying-relay.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const newCli = () => {
  const cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  return cli
}
const keyOf = async (httpUrl: string): Promise<string> =>
  (await (await fetch(`${httpUrl}/.well-known/agentchat.json`)).json() as { readonly pubkey: string }).pubkey

test('one message is proved with a file, and what is changed in it is refused', async () => {
  const cli = newCli()
  using folder = newFolder()
  await using relay = await startTestRelay()
  cli.env['AGENTCHAT_URL'] = relay.url
  for (const text of ['one', 'two \u202e', 'three']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  const [key, proof] = [folder.at('relay.pem'), folder.at('two.tlog-proof')]
  writeFileSync(key, await keyOf(relay.httpUrl))
  expect(await cli.run(['transcript', 'prove', '#general', '2', '--out', proof])).toMatchObject({ code: 0 })
  const shown = await cli.run(['verify', proof, '--key', key], { isTTY: true })
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('Message 2 of #general') })
  // What a peer wrote is shown, and does nothing to the terminal.
  expect(shown.stdout).toContain('two')
  expect(shown.stdout).not.toContain('\u202e')
  expect((await cli.run(['verify', proof, '--key', key, '--json'])).json[0]).toMatchObject({
    seq: 2,
    stream: '#general',
    event: { content: 'two \u202e' },
  })
  expect(await cli.run(['verify', proof])).toMatchObject({ code: 2, stderr: expect.stringContaining('--key') })
  writeFileSync(proof, readFileSync(proof, 'utf8').replace('index 1', 'index 0'))
  expect(await cli.run(['verify', proof, '--key', key])).toMatchObject({ code: 5 })
  expect(await cli.run(['transcript', 'prove', '#general', '9'])).toMatchObject({ code: 4 })
  expect(await cli.run(['transcript', 'head', 'general'])).toMatchObject({ code: 2 })
  const [head] = (await cli.run(['transcript', 'head', '#general', '--json'])).json
  expect(readCheckpoint(String(head!['checkpoint']))).toMatchObject({ stream: '#general', size: 3 })
})

test('an export is verified, and the first bad line of a changed one is told', async () => {
  const cli = newCli()
  using folder = newFolder()
  const data = folder.at('data')
  const key = folder.at('relay.pem')
  {
    await using relay = await startTestRelay({ data })
    await using alice = await relay.login('alice', { key: newKey() })
    for (const id of ['a', 'b', 'c']) await alice.ask({ type: 'MSG', to: '#general', content: `said ${id}`, id }, 'ACK')
    writeFileSync(key, await keyOf(relay.httpUrl))
  }
  const file = folder.at('relay.jsonl')
  expect((await cli.run(['export', '--data', data, '--out', file])).code).toBe(0)
  expect(await cli.run(['verify', file, '--key', key], { isTTY: true })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('3 messages under 1 signed heads'),
  })
  expect((await cli.run(['verify', file, '--json'])).json[0]).toMatchObject({ heads: 1, isSigned: true })
  const lines = readFileSync(file, 'utf8').split('\n')
  const place = lines.findIndex(line => line.includes('said b'))
  writeFileSync(file, lines.with(place, lines[place]!.replace('said b', 'said B')).join('\n'))
  const head = lines.findIndex(line => line.includes('"kind":"head"'))
  expect(await cli.run(['verify', file])).toMatchObject({ code: 5, stderr: expect.stringContaining(`Line ${head + 1}: `) })
  const other = folder.at('other.pem')
  writeFileSync(other, newKey().pem)
  writeFileSync(file, lines.join('\n'))
  expect(await cli.run(['verify', file, '--key', other])).toMatchObject({ code: 5 })
  expect(await cli.run(['verify', folder.at('nothing')])).toMatchObject({ code: 4 })
})

test('two histories that a relay signed are proved by their heads', async () => {
  const cli = newCli()
  using folder = newFolder()
  await using relay = await startLyingRelay()
  const first = await relay.live('one')
  cli.env['AGENTCHAT_URL'] = relay.url
  expect((await cli.run(['send', '#general', 'before'])).code).toBe(0)
  const relay_pubkey = await keyOf(first.httpUrl)
  await relay.stop('one')
  relay.copy('one', 'other')
  const headOf = async (life: string, text: string) => {
    await relay.live(life)
    expect((await cli.run(['send', '#general', text])).code).toBe(0)
    return String((await cli.run(['transcript', 'head', '#general', '--json'])).json[0]!['checkpoint'])
  }
  const heads = [await headOf('one', 'this'), await headOf('other', 'that')]
  const file = folder.at('evidence.json')
  const judge = async (evidence: object) => {
    writeFileSync(file, JSON.stringify({ format: 'agentchat-evidence/1', problem: 'fork', stream: '#general', relay_pubkey, ...evidence }))
    return cli.run(['verify', '--evidence', file], { isTTY: true })
  }
  expect(await judge({ heads })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('fork: the relay signed two histories of 2 events'),
  })
  expect(await judge({ heads: [heads[0], heads[0]] })).toMatchObject({ code: 5 })
  expect(await judge({ heads: [heads[0], heads[1]!.replace('\n2\n', '\n3\n')] })).toMatchObject({ code: 5 })
  expect(await judge({ heads, stream: '#other' })).toMatchObject({ code: 5 })
  expect(await judge({ heads, relay_pubkey: newKey().pem })).toMatchObject({ code: 5 })
  expect(await judge({ heads: [heads[0], await headOf('one', 'more')] })).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('longer'),
  })
  writeFileSync(file, '{"format":1')
  expect(await cli.run(['verify', '--evidence', file])).toMatchObject({ code: 5 })
})
