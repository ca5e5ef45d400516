// Witnesses on the command line: heads that they cosigned, proofs under such, and two readers who compare.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { cosignedAt, logKeyText, readCheckpoint, readWitnessKey, relayWitness, witnessKeyText } from '../lib/identity/transcripts/index.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { hostOf, link, mirrored, startLinkable, until } from './kit/linked.ts'
import { startLyingRelay } from './kit/lying-relay.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const newCli = () => {
  const cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  return cli
}
const keyOf = async (httpUrl: string): Promise<string> =>
  (await (await fetch(`${httpUrl}/.well-known/agentchat.json`)).json() as { readonly pubkey: string }).pubkey

const isCosigned = async (home: TestRelay, size: number): Promise<void> => {
  await using wire = await home.login('eve')
  await until(async () => {
    const { witnessed = [] } = await wire.ask({ type: 'HEAD', channel: '#general', witnessed: true }, 'HEAD')
    return witnessed.some(head => readCheckpoint(head).size === size)
  })
}

test('a head and a proof are under the witnesses that are asked for, or refused', async () => {
  const cli = newCli()
  using folder = newFolder()
  await using witness = await startLinkable()
  await using home = await startLinkable({ witnesses: [witness.serverId] })
  cli.env['AGENTCHAT_URL'] = home.url
  const [relayKey, witnessKey, strangerKey] = [folder.at('relay.pem'), folder.at('witness.pem'), folder.at('stranger.pem')]
  writeFileSync(relayKey, await keyOf(home.httpUrl))
  writeFileSync(witnessKey, await keyOf(witness.httpUrl))
  writeFileSync(strangerKey, newKey().pem)
  for (const text of ['one', 'two']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  await link(witness, home, ['#general'])
  await isCosigned(home, 2)
  const asked = ['--witness', witnessKey, '--json']
  const [head] = (await cli.run(['transcript', 'head', '#general', ...asked])).json
  expect(head).toMatchObject({ size: 2, cosigned: [expect.stringContaining(witness.serverId)] })
  expect(await cli.run(['transcript', 'head', '#general', '--witness', strangerKey])).toMatchObject({ code: 5 })
  expect(await cli.run(['transcript', 'head', '#general', '--witness', `${witnessKey},${strangerKey}`, '--need', '2'])).toMatchObject({
    code: 5,
  })
  for (const wrong of [['--need', '1'], ['--witness', witnessKey, '--need', '2'], ['--witness', 'a+b+c']])
    expect(await cli.run(['transcript', 'head', '#general', ...wrong])).toMatchObject({ code: 2 })
  expect(await cli.run(['transcript', 'head', '#general', '--witness', folder.at('none.pem')])).toMatchObject({ code: 4 })

  const proof = folder.at('two.tlog-proof')
  expect((await cli.run(['transcript', 'prove', '#general', '2', '--out', proof])).code).toBe(0)
  const shown = await cli.run(['verify', proof, '--key', relayKey, '--witness', witnessKey], { isTTY: true })
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/Cosigned by agentchat\/[0-9a-f]{64} at 2/) })
  expect(await cli.run(['verify', proof, '--key', relayKey, '--witness', strangerKey])).toMatchObject({ code: 5 })
  // Its line changed: nobody honest hands on such.
  const text = readFileSync(proof, 'utf8')
  const at = text.lastIndexOf(' ') + 60
  writeFileSync(proof, text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
  expect(await cli.run(['verify', proof, '--key', relayKey, '--witness', witnessKey])).toMatchObject({ code: 5 })
  expect(await cli.run(['verify', proof, '--key', relayKey])).toMatchObject({ code: 0 })

  // What the witness says itself.
  const own = folder.at('its.head')
  const name = `#general@${hostOf(home)}`
  await mirrored(witness, name, 2)
  expect((await cli.run(['transcript', 'head', witness.url, name, '--witness', witnessKey, '--out', own])).code).toBe(0)
  expect((await cli.run(['send', '#general', 'three'])).code).toBe(0)
  expect((await cli.run(['transcript', 'compare', own, '--json'])).json[0]).toMatchObject({ size: 2, now: 3, isBeginning: true })
})

test('two readers who are shown different histories find out by comparing heads, and prove it', async () => {
  const cli = newCli()
  using folder = newFolder()
  await using relay = await startLyingRelay()
  const first = await relay.live('one')
  cli.env['AGENTCHAT_URL'] = relay.url
  expect((await cli.run(['send', '#general', 'before'])).code).toBe(0)
  const key = folder.at('relay.pem')
  writeFileSync(key, await keyOf(first.httpUrl))
  await relay.stop('one')
  relay.copy('one', 'other')
  await relay.live('one')
  for (const text of ['this', 'and that']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  const [alices, bobs, evidence] = [folder.at('alices.head'), folder.at('bobs.head'), folder.at('evidence.json')]
  expect((await cli.run(['transcript', 'head', '#general', '--out', alices])).code).toBe(0)
  expect((await cli.run(['transcript', 'compare', alices])).code).toBe(0)
  await relay.live('other')
  expect((await cli.run(['send', '#general', 'something else'])).code).toBe(0)
  // One of the two is shown less: the other has to compare.
  expect(await cli.run(['transcript', 'compare', alices])).toMatchObject({ code: 8, stderr: expect.stringContaining('--upto 2') })
  expect((await cli.run(['transcript', 'head', '#general', '--out', bobs])).code).toBe(0)
  await relay.live('one')
  expect(await cli.run(['transcript', 'compare', bobs, '--out', evidence])).toMatchObject({ code: 5 })
  expect(await cli.run(['verify', '--evidence', evidence, '--key', key], { isTTY: true })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('fork: the relay signed two histories of 2 events'),
  })
  const { proof: _, ...bare } = JSON.parse(readFileSync(evidence, 'utf8')) as { proof: object }
  writeFileSync(evidence, JSON.stringify(bare))
  expect(await cli.run(['verify', '--evidence', evidence])).toMatchObject({ code: 5 })
  writeFileSync(bobs, readFileSync(bobs, 'utf8').replace('\n2\n', '\n1\n'))
  expect(await cli.run(['transcript', 'compare', bobs])).toMatchObject({ code: 5 })
})

/** A channel as whoever witnesses it lists it: its origin, and the key of its relay. */
const listedAs = async (relay: TestRelay, channel = '#general'): Promise<string> => {
  await using wire = await relay.login('eve')
  const { checkpoint } = await wire.ask({ type: 'HEAD', channel }, 'HEAD')
  return `${checkpoint.split('\n')[0]} ${logKeyText(await keyOf(relay.httpUrl))}`
}

test('a head is brought to a witness elsewhere, and its relay keeps what that signed where it knows it', async () => {
  const cli = newCli()
  using folder = newFolder()
  const data = folder.at('home')
  let listed: string
  {
    await using home = await startTestRelay({ data })
    listed = await listedAs(home)
  }
  await using witness = await startTestRelay({ witnessedLogs: [listed] })
  const key = witnessKeyText(relayWitness(await keyOf(witness.httpUrl)))
  const asked = ['transcript', 'cosign', '#general', '--at', `${witness.httpUrl}/witness/`]
  const cosign = (...more: readonly string[]) => cli.run([...asked, '--witness', key, '--json', ...more])
  {
    await using home = await startTestRelay({ data })
    cli.env['AGENTCHAT_URL'] = home.url
    expect((await cli.run(['send', '#general', 'one'])).code).toBe(0)
    const { code, json: [made], stderr } = await cosign()
    expect([code, made], stderr).toEqual([0, expect.objectContaining({ size: 1, kept: false, witness: `agentchat/${witness.serverId}` })])
    expect(cosignedAt(made!['checkpoint'] as string, readWitnessKey(key))).toBe(made!['at'])
    expect(await cli.run(['transcript', 'head', '#general', '--witness', key])).toMatchObject({ code: 5 })
  }
  await using home = await startTestRelay({ data, witnesses: [key] })
  cli.env['AGENTCHAT_URL'] = home.url
  for (const text of ['two', 'three']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  const file = folder.at('three.head')
  expect(await cosign('--out', file)).toMatchObject({ code: 0, json: [{ size: 3, kept: true, file }] })
  // Asked for once more, of the same size, it is cosigned once more.
  expect(await cosign()).toMatchObject({ code: 0, json: [{ size: 3, kept: true }] })
  expect((await cli.run(['transcript', 'head', '#general', '--witness', key, '--json'])).json).toMatchObject([
    { size: 3, checkpoint: readFileSync(file, 'utf8'), cosigned: [`agentchat/${witness.serverId}`] },
  ])
  expect(await cli.run(['transcript', 'compare', file])).toMatchObject({ code: 0 })

  const strange = witnessKeyText(relayWitness(newKey().pem))
  expect(await cli.run([...asked, '--witness', strange])).toMatchObject({ code: 5, stderr: expect.stringContaining('no cosignature') })
  expect((await cli.run(['create', '#other'])).code).toBe(0)
  const elsewhere = await cli.run(['transcript', 'cosign', '#other', ...asked.slice(3), '--witness', key])
  expect(elsewhere).toMatchObject({ code: 4, stderr: expect.stringContaining(await listedAs(home, '#other')) })
  for (const wrong of [asked, [...asked, '--witness', 'a+b+c'], ['transcript', 'cosign', '#general', '--at', 'x', '--witness', key]])
    expect(await cli.run(wrong), wrong.join(' ')).toMatchObject({ code: 2 })
  expect(await cli.run(['transcript', 'cosign', '#general', '--at', 'http://127.0.0.1:1', '--witness', key])).toMatchObject({ code: 10 })
})

test('a relay that goes back, or shows two histories, gets no cosignature for the second', async () => {
  const cli = newCli()
  await using relay = await startLyingRelay()
  const first = await relay.live('one')
  cli.env['AGENTCHAT_URL'] = relay.url
  await using witness = await startTestRelay({ witnessedLogs: [await listedAs(first)] })
  const key = witnessKeyText(relayWitness(await keyOf(witness.httpUrl)))
  const cosign = () => cli.run(['transcript', 'cosign', '#general', '--at', `${witness.httpUrl}/witness`, '--witness', key])
  expect((await cli.run(['send', '#general', 'before'])).code).toBe(0)
  await relay.stop('one')
  relay.copy('one', 'other')
  await relay.live('one')
  for (const text of ['this', 'and that']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  expect(await cosign()).toMatchObject({ code: 0 })
  await relay.live('other')
  expect(await cosign()).toMatchObject({ code: 5, stderr: expect.stringContaining('it went back') })
  for (const text of ['something', 'else']) expect((await cli.run(['send', '#general', text])).code).toBe(0)
  expect(await cosign()).toMatchObject({ code: 5, stderr: expect.stringContaining('another history of as many events') })
  expect((await cli.run(['send', '#general', 'more'])).code).toBe(0)
  expect(await cosign()).toMatchObject({ code: 5, stderr: expect.stringContaining('does not go on behind') })
  await relay.live('one')
  expect(await cosign()).toMatchObject({ code: 0 })
})
