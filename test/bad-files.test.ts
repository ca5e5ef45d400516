// Files of the user's that are unreadable, foreign, cut off, or saved by another system's editor: a sentence, and nothing lost.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { PositionsFile } from '../lib/node/index.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let cli: Cli
let relay: TestRelay

beforeEach(async () => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  relay = await startTestRelay()
  onTestFinished(() => relay[Symbol.asyncDispose]())
  cli.env['AGENTCHAT_URL'] = relay.url
})

/** What editors make of a text. */
const saved: Readonly<Record<string, (text: string) => Uint8Array>> = {
  'with a mark and their ends of lines': text => Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`),
  'in UTF-16': text => Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`, 'utf16le'),
}

describe.each(Object.entries(saved))('files saved %s', (_, save) => {
  test('identity, cursor, contexts and known relays are read as before', async () => {
    const resave = (file: string) => writeFileSync(cli.at(file), save(readFileSync(cli.at(file), 'utf8')))
    await cli.run(['identity', 'generate', '-n', 'ann', '-f', cli.at('ann.json')])
    await cli.run(['context', 'add', 'home', relay.url])
    await cli.run(['create', 'tasks', '-i', cli.at('ann.json')])
    for (const text of ['one', 'two']) await cli.run(['send', '#tasks', text])
    const next = () => cli.run(['listen', 'tasks', '-i', cli.at('ann.json'), '--cursor', cli.at('cursor.json'), '-m', '1', '--content'])
    expect((await next()).stdout).toBe('one\n')
    for (const file of ['ann.json', 'cursor.json', '.agentchat/contexts.json', '.agentchat/known-relays.json']) resave(file)
    expect(await next()).toMatchObject({ code: 0, stdout: 'two\n', stderr: expect.not.stringContaining('warning') })
    expect((await cli.run(['context', 'show'])).json[0]).toMatchObject({ context: 'home' })
  })
})

describe('identity files', () => {
  test.each([
    ['cut off', (text: string) => text.slice(0, 200), 'cut off'],
    ['empty', () => '', 'but empty'],
    ['foreign', () => '{"name":"package","version":"1.0.0"}', 'a key is missing'],
    ['no text', () => Buffer.from([0x80, 0xff, 0x00]), 'no text'],
  ] as const)('%s: named, with what to do, and left as it is', async (_, change, why) => {
    const file = cli.at('ann.json')
    await cli.run(['identity', 'generate', '-n', 'ann', '-f', file])
    writeFileSync(file, change(readFileSync(file, 'utf8')))
    const before = readFileSync(file)
    for (
      const args of [['send', '#general', 'hi', '-i', file], ['identity', 'show', '-f', file], ['identity', 'rotate', '--yes', '-f', file]]
    ) {
      const { code, stdout, stderr } = await cli.run(args)
      expect([code, stdout]).toEqual([exits.error.code, ''])
      expect(stderr).toContain(file)
      expect(stderr).toContain(why)
      expect(stderr).toContain('agentchat identity generate')
    }
    expect(readFileSync(file)).toEqual(before)
    expect((await cli.run(['doctor', '-i', file])).json.find(({ check }) => check === 'identity')).toMatchObject({ status: 'fail' })
  })

  test('one that cannot be read is named with the reason', async () => {
    mkdirSync(cli.at('folder'))
    expect(await cli.run(['send', '#general', 'hi', '-i', cli.at('folder')])).toMatchObject({
      code: exits.error.code,
      stderr: expect.stringContaining(`Cannot read the identity file ${cli.at('folder')}: EISDIR`),
    })
    if (process.getuid?.() === 0) return
    await cli.run(['identity', 'generate', '-n', 'ann', '-f', cli.at('ann.json')])
    chmodSync(cli.at('ann.json'), 0)
    expect((await cli.run(['send', '#general', 'hi', '-i', cli.at('ann.json')])).stderr).toContain('EACCES')
  })
})

describe('cursor files', () => {
  test.each([['cut off', '{"epoch":"e","posi'], ['foreign', '[1,2]'], ['empty', '']])('%s: refused, and left as it is', async (_, text) => {
    writeFileSync(cli.at('cursor.json'), text)
    expect(await cli.run(['listen', '--cursor', cli.at('cursor.json'), '-m', '1'])).toMatchObject({
      code: exits.usage.code,
      stdout: '',
      stderr: expect.stringMatching(/cursor\.json is not a cursor file.*\n.*Give another name/s),
    })
    expect(readFileSync(cli.at('cursor.json'), 'utf8')).toBe(text)
  })

  test('of another relay: each keeps its own place in it', async () => {
    await using other = await startTestRelay()
    const cursor = cli.at('cursor.json')
    for (const url of [relay.url, other.url]) { for (const text of ['one', 'two']) await cli.run(['send', url, '#general', text]) }
    const next = async (url: string) => (await cli.run(['listen', url, '#general', '--cursor', cursor, '-m', '1', '--content'])).stdout
    expect([await next(relay.url), await next(other.url), await next(relay.url), await next(other.url)]).toEqual([
      'one\n',
      'one\n',
      'two\n',
      'two\n',
    ])
    const positions = new PositionsFile(cursor)
    for (let log = 0; log < 20; log++) {
      positions.reset(`log-${log}`)
      positions.enter('#a', `log-${log}`)
      positions.set('#a', log)
    }
    positions.close()
    expect(Object.keys((JSON.parse(readFileSync(cursor, 'utf8')) as { others: object }).others)).toHaveLength(8)
  })
})

test('keys of known relays that cannot be read are told, put aside, and not lost', async () => {
  await cli.run(['channels'])
  const file = cli.at('.agentchat/known-relays.json')
  const broken = readFileSync(file, 'utf8').slice(0, 40)
  writeFileSync(file, broken)
  expect(await cli.run(['channels'])).toMatchObject({ code: 0, stderr: expect.stringContaining('The keys of known relays cannot be read') })
  expect(readFileSync(`${file}.unreadable`, 'utf8')).toBe(broken)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ [relay.url]: relay.serverId })
  expect((await cli.run(['channels'])).stderr).toBe('')
  expect(existsSync(file)).toBe(true)
})
