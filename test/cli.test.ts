import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { AnyCommand } from '../src/cli/command.ts'
import { allCommands } from '../src/cli/commands/index.ts'
import { exits } from '../src/cli/exit.ts'
import { messagesText } from '../src/cli/message-text.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let cli: Cli

beforeEach(() => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
})

const paths = (commands: readonly AnyCommand[], path: readonly string[] = []): readonly (readonly [string, AnyCommand])[] =>
  commands.flatMap(record => [[[...path, record.name].join(' '), record] as const, ...paths(record.commands ?? [], [...path, record.name])])

describe('help', async () => {
  test.each(paths(await allCommands()))('%s --help shows usage, every option and its examples, on stdout',
    async (path, { options, examples }) => {
      const { code, stdout, stderr } = await cli.run([...path.split(' '), '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain(`Usage: agentchat ${path} `)
      expect(stdout).toContain('--json')
      for (const key of Object.keys(options)) expect(stdout).toContain(`--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`)
      expect(examples.length).toBeGreaterThan(0)
      for (const { command } of examples) {
        expect(stdout).toContain(command)
        expect(command).toContain(`agentchat ${path}`)
      }
    })

  test('call --help lists the requests of the protocol', async () => {
    const { stdout } = await cli.run(['call', '--help'])
    expect(stdout).toMatch(/^ {2}SET_TOPIC +channel topic$/m)
    expect(stdout).not.toContain('VERIFY_IDENTITY')
  })

  test('the program alone shows its commands, as talk, and is a usage error', async () => {
    const { code, stdout, stderr } = await cli.run([])
    expect({ code, stdout }).toEqual({ code: exits.usage.code, stdout: '' })
    expect(stderr).toContain('listen')
  })
})

describe('usage', () => {
  test.each([
    [['senf'], 'Did you mean send?'],
    [['context', 'bogus'], 'Unknown command "bogus"'],
    [['constructor'], 'unknown command'],
    [['send', 'ws://127.0.0.1:1'], 'Missing argument TARGET'],
    [['send', 'ws://127.0.0.1:1', '#general'], 'Missing argument MESSAGE'],
    [['send', 'ws://127.0.0.1:1', 'general', 'hi'], 'is not a target'],
    [['send', 'ws://127.0.0.1:1', '#general', 'hi', 'there'], 'Too many arguments: "there"'],
    [['send', '#general', 'hi'], 'No relay named'],
    [['listen', 'ws://127.0.0.1:1', '-m', '0'], 'must be 1 or more'],
    [['listen', 'ws://127.0.0.1:1', '@8addfe276526c9f6'], 'is not a channel'],
    [['listen', 'ws://127.0.0.1:1', '--timeout', 'soon'], 'is not a number of seconds'],
    [['channels', 'ws://127.0.0.1:1', '-n', 'not a name'], 'is not a name'],
    [['call', 'ws://127.0.0.1:1', 'NOPE'], 'Unknown request type'],
    [['call', 'ws://127.0.0.1:1', 'HISTORY', 'limit'], 'is not key=value'],
    [['call', 'ws://127.0.0.1:1', 'JOIN', 'channel=5'], 'channel:'],
    [['completion', 'tcsh'], 'No completion'],
    // What a shell makes of send #general hi, and of a text that looks like an option.
    [['send'], 'a bare # begins a comment'],
    [['send', '#general'], 'a bare # begins a comment'],
    [['agents'], 'a bare # begins a comment'],
    [['send', '#general', '-5 degrees'], 'goes behind --'],
    [['send', '#general', '--whole', 'hi'], 'A MESSAGE and --whole do not go together'],
    [['send', '#general', '--whole', '--skip', '1', '-'], '--whole and --skip do not go together'],
    [['send', '#general', '--whole', '-'], 'Standard input is empty'],
    [['listen', '--dm', '#general'], '--dm listens to no channel'],
    [['watch', '8addfe276526c9f6'], 'is not an agent id'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await cli.run(args)
    expect({ code, stdout }).toEqual({ code: exits.usage.code, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('with --json a failure is one line of JSON on stderr', async () => {
    const { code, stdout, stderr } = await cli.run(['send', 'ws://127.0.0.1:1', '#general', 'hi', '--json'])
    expect({ code, stdout }).toEqual({ code: exits.unreachable.code, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({
      error: 'unreachable',
      exit_code: 10,
      retry: true,
      message: expect.any(String),
      hint: expect.any(String),
    })
    expect(JSON.parse((await cli.run(['senf', '--json'])).stderr)).toMatchObject({ error: 'usage', exit_code: 2, retry: false })
  })
})

describe('talking', () => {
  let relay: TestRelay

  beforeEach(async () => {
    relay = await startTestRelay()
    onTestFinished(() => relay[Symbol.asyncDispose]())
    cli.env['AGENTCHAT_URL'] = relay.url
  })

  const identity = async (name: string): Promise<{ readonly file: string, readonly id: string }> => {
    const file = cli.at(`${name}.json`)
    const { json } = await cli.run(['identity', 'generate', '-n', name, '-f', file])
    return { file, id: String(json[0]!['agent_id']) }
  }

  test('send ends with 0 once the message is stored; with --json it prints the ACK', async () => {
    expect(await cli.run(['send', relay.url, '#general', 'hi'])).toMatchObject({ code: 0, stdout: '', stderr: 'Stored in #general as 1\n' })
    const { code, json, stderr } = await cli.run(['send', '#general', 'again', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(json).toEqual([expect.objectContaining({ type: 'ACK', to: '#general', seq: 2, msg_id: expect.any(String) })])
  })

  test.each([
    ['a channel that is not there', ['send', '#nowhere', 'hi'], 'notFound', 'CHANNEL_NOT_FOUND'],
    ['an agent that is not known', ['send', '@00000000', 'hi'], 'notFound', 'AGENT_NOT_FOUND'],
    ['a channel for others', ['send', '#ops', 'hi'], 'auth', 'AUTH_REQUIRED'],
    ['a name that is taken', ['create', '#general'], 'refused', 'CHANNEL_EXISTS'],
    ['a reserved name', ['channels', '-n', 'admin'], 'refused', 'INVALID_NAME'],
  ] as const)('%s: refused', async (_, args, exit, code) => {
    const ran = await cli.run(args)
    expect(ran).toMatchObject({ code: exits[exit].code, stdout: '', stderr: expect.stringContaining(code) })
  })

  test('listen prints frames as JSON Lines in a pipe, with the state of their signatures, and ends after -m', async () => {
    const { file } = await identity('ann')
    await cli.run(['send', '#general', 'signed', '-i', file])
    await cli.run(['send', '#general', 'plain', '-n', 'bob'])
    const { code, json, stderr } = await cli.run(['listen', relay.url, '#general', '--since', 'all', '-m', '2'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^Connected as @\w+\n$/)
    expect(json).toEqual([
      expect.objectContaining({ type: 'MSG', seq: 1, from_name: 'ann', content: 'signed', signature: 'valid', replay: true }),
      expect.objectContaining({ type: 'MSG', seq: 2, from_name: 'bob', content: 'plain', signature: 'none', replay: true }),
    ])
  })

  test('listen --since: a position, everything, or only what comes', async () => {
    for (const text of ['one', 'two', 'three']) await cli.run(['send', '#general', text])
    const contents = async (since: string, count: number) =>
      (await cli.run(['listen', '--since', since, '-m', String(count), '--content'])).stdout
    expect(await contents('1', 2)).toBe('two\nthree\n')
    expect(await contents('all', 3)).toBe('one\ntwo\nthree\n')
    const live = cli.run(['listen', '#general', '--since', 'now', '-m', '1', '--content'])
    await live.prints('Connected')
    await relay.metric('agentchat_agents')
    const sent = cli.run(['send', '#general', 'four'])
    expect((await live).stdout).toBe('four\n')
    await sent
  })

  test('listen --timeout ends with its own code, and an interrupted one with another', async () => {
    expect(await cli.run(['listen', '--since', 'now', '--timeout', '0.05'])).toMatchObject({ code: exits.timeout.code, stdout: '' })
    const running = cli.run(['listen'])
    await running.prints('Connected')
    running.interrupt()
    expect(await running).toMatchObject({ code: exits.interrupted.code })
  })

  test('direct messages wait for --follow-dm, and come once', async () => {
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    await cli.run(['channels', '-i', bob.file])
    for (const text of ['one', 'two', 'three']) expect(await cli.run(['send', bob.id, text, '-i', ann.file])).toMatchObject({ code: 0 })
    const listen = (...flags: string[]) => cli.run(['listen', '-i', bob.file, '--since', 'now', '--content', ...flags])
    expect((await listen('--timeout', '0.2')).stdout).toBe('')
    expect(await listen('--follow-dm', '-m', '1')).toMatchObject({ code: 0, stdout: 'one\n' })
    expect(await listen('--follow-dm', '-m', '2')).toMatchObject({ code: 0, stdout: 'two\nthree\n' })
    expect((await listen('--follow-dm', '--timeout', '0.2')).stdout).toBe('')
    expect((await cli.run(['history', bob.id, '-i', ann.file])).json.map(event => event['content'])).toEqual(['one', 'two', 'three'])
  })

  test('what is waited for is new: an old message that nobody asked for is not it, however often one asks', async () => {
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    await cli.run(['channels', '-i', bob.file])
    await cli.run(['send', '#general', 'old'])
    await cli.run(['send', bob.id, 'for you', '-i', ann.file])
    const next = () => cli.run(['listen', '--follow-dm', '-i', bob.file, '-m', '1', '--content'])
    expect(await next()).toMatchObject({ code: 0, stdout: 'for you\n' })
    for (const again of [next, () => cli.run(['listen', '-m', '1', '--content'])]) {
      const listen = again()
      await listen.prints('Listening to #general: no channel was named')
      await expect.poll(async () => (await cli.run(['agents', 'general'])).json.length).toBe(1)
      await cli.run(['send', '#general', 'new'])
      expect(await listen).toMatchObject({ code: 0, stdout: 'new\n' })
    }
    // Without -m the newest few come first; those that were asked for count.
    expect(await cli.run(['listen', '--since', '0', '-m', '1', '--content'])).toMatchObject({ code: 0, stdout: 'old\n' })
    expect((await cli.run(['listen', '--timeout', '0.3', '--content'])).stdout).toBe('old\nnew\nnew\n')
  })

  test('--dm listens to what is for the agent, and to nothing else', async () => {
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    await cli.run(['call', 'JOIN', 'channel=#general', '-i', bob.file])
    await cli.run(['send', '#general', 'for all'])
    await cli.run(['send', '#general', `${bob.id} is named`])
    await cli.run(['send', bob.id, 'for you', '-i', ann.file])
    const { code, stdout, stderr } = await cli.run(['listen', '--dm', '-i', bob.file, '-m', '2', '--content'])
    expect([code, stdout]).toEqual([0, `${bob.id} is named\nfor you\n`])
    expect(stderr).toMatch(/^Connected as @\w+\n$/)
    expect((await cli.run(['listen', '--dm', '-i', bob.file, '--timeout', '0.2'])).stdout).toBe('')
  })

  test('the # may be left out where a channel is meant; a name that the user gave a relay stays that', async () => {
    expect((await cli.run(['create', 'builders', '--topic', 'what we build'])).code).toBe(0)
    await cli.run(['send', '#builders', 'hi'])
    expect((await cli.run(['listen', 'builders', '--since', 'all', '-m', '1', '--content'])).stdout).toBe('hi\n')
    expect((await cli.run(['topic', 'builders'])).json).toEqual([{ channel: '#builders', topic: 'what we build' }])
    expect((await cli.run(['topic', 'builders', '#1 of all'])).code).toBe(0)
    expect((await cli.run(['agents', 'builders'])).code).toBe(0)
    expect((await cli.run(['discover', 'add', relay.url, '--name', 'builders', '--json'])).code).toBe(0)
    const named = cli.run(['listen', 'builders', '--timeout', '5'])
    await named.prints('Listening to #general')
    named.interrupt()
    await named
    const both = cli.run(['listen', 'builders', '#builders', '--since', 'all', '-m', '1', '--content'])
    expect((await both).stdout).toBe('hi\n')
  })

  test('all of standard input is one message, byte for byte', async () => {
    const text = '\ufeff--- a\r\n+++ b\n\n\u0001 the end\n'
    expect(await cli.run(['send', '#general', '--whole', '-'], { stdin: text })).toMatchObject({
      code: 0,
      stderr: 'Stored in #general as 1\n',
    })
    expect(await cli.run(['send', '#general', '--whole'], { stdin: 'again' })).toMatchObject({ code: 0 })
    expect((await cli.run(['history', '#general'])).json.map(({ content }) => content)).toEqual([text, 'again'])
    expect(await cli.run(['send', '#general', '--whole', '-'], { stdin: new Uint8Array([0x61, 0xff]) })).toMatchObject({
      code: exits.refused.code,
      stderr: expect.stringContaining('not UTF-8'),
    })
    expect(await cli.run(['send', '#general', '--', '-5 degrees'])).toMatchObject({ code: 0 })
  })

  test('two listeners of one agent with the same label: the first one ends for good', async () => {
    const { file } = await identity('ann')
    const first = cli.run(['listen', '-i', file])
    await first.prints('Connected')
    const other = cli.run(['listen', '-i', file, '--session', 'other'])
    await other.prints('Connected')
    const second = cli.run(['listen', '-i', file])
    expect(await first).toMatchObject({ code: exits.ended.code, stderr: expect.stringContaining('elsewhere') })
    other.interrupt()
    second.interrupt()
    expect(await other).toMatchObject({ code: exits.interrupted.code })
    await second
  })

  test('on a terminal text is for eyes, and a peer cannot drive it', async () => {
    await cli.run(['send', '#general', '\u001b]0;owned\u0007\u001b[2J first\nsecond \u202egpj.exe', '-n', 'mallory'])
    const { stdout } = await cli.run(['listen', '--since', 'all', '-m', '1'], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(stdout).toContain('\\u001b]0;owned\\u0007\\u001b[2J first\n')
    expect(stdout).toContain('│ second \\u202egpj.exe\n')
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    const painted = (await cli.run(['listen', '--since', 'all', '-m', '1'], { isTTY: true })).stdout
    expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(stdout)
    expect(painted).not.toBe(stdout)
    // JSON on a terminal is JSON still, and as harmless.
    const json = await cli.run(['listen', '--since', 'all', '-m', '1', '--json'], { isTTY: true })
    expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect(json.json[0]!['content']).toContain('\u202egpj.exe')
  })

  test('standard input goes line by line and arrives byte for byte', async () => {
    const text = 'first\n\n  spaced \r\n\ufeffmark\n- dash\n\u0001control\nlast without an end'
    const sent = await cli.run(['send', '#general', '-', '--json'], { stdin: text })
    expect(sent.code).toBe(0)
    expect(sent.json.map(({ line, seq }) => [line, seq])).toEqual([1, 2, 3, 4, 5, 6, 7].map(n => [n, n]))
    expect(sent.stderr).toMatch(/^7 lines stored in #general/)
    expect((await cli.run(['listen', '--since', 'all', '-m', '7', '--content'])).stdout).toBe(`${text}\n`)
  })

  test('the same input under the same --id is stored once, and --skip leaves lines out', async () => {
    const { file } = await identity('ann')
    const send = (stdin: string, ...flags: string[]) =>
      cli.run(['send', '#general', '--stdin', '-i', file, '--id', 'notes', ...flags], { stdin })
    await send('one\ntwo\n')
    expect((await send('one\ntwo\nthree\n')).stderr).toContain('2 of them were there already')
    expect((await send('one\ntwo\nthree\nfour\n', '--skip', '3')).stderr).toMatch(/^1 lines stored/)
    expect(await send('one\nTWO\n')).toMatchObject({
      code: exits.refused.code,
      stderr: expect.stringMatching(/up to 1 are stored.*--skip 1.*\n.*ID_REUSED/s),
    })
    expect((await cli.run(['listen', '--since', 'all', '-m', '4', '--content'])).stdout).toBe('one\ntwo\nthree\nfour\n')
  })

  test('a line that is no text ends it, and says what is stored', async () => {
    const { code, stderr } = await cli.run(['send', '#general', '-'], { stdin: new Uint8Array([0x61, 0x0a, 0xff, 0x0a, 0x62, 0x0a]) })
    expect(code).toBe(exits.refused.code)
    expect(stderr).toContain('lines up to 1 are stored')
    expect(stderr).toContain('Line 2 is not UTF-8')
  })

  test('an interrupted send of an endless input ends', async () => {
    const stdin = new PassThrough()
    stdin.write('one\n')
    const running = cli.run(['send', '#general', '-', '--json'], { stdin })
    await running.prints('"line":1')
    running.interrupt()
    expect(await running).toMatchObject({ code: exits.interrupted.code, stderr: expect.stringContaining('up to 1 are stored') })
  })

  test('on a terminal progress is shown on stderr, and taken away', async () => {
    const { stdout, stderr } = await cli.run(['send', '#general', '-'], { stdin: 'one\ntwo\n', isTTY: true, env: { NO_COLOR: '1' } })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/\r\u001b\[K1 lines stored, [\d.]+\/s.*\r\u001b\[K2 lines stored in #general/s)
  })

  test('channels, agents, create, topic, invite, who, history, call', async () => {
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    expect((await cli.run(['create', '#core', '-p', '--topic', 'secret', '-i', ann.file])).json).toEqual([
      expect.objectContaining({ type: 'JOINED', channel: '#core', topic: 'secret' }),
    ])
    expect(await cli.run(['send', '#core', 'hi', '-i', bob.file])).toMatchObject({
      code: exits.notFound.code,
      stderr: expect.stringContaining('CHANNEL_NOT_FOUND'),
    })
    expect(await cli.run(['invite', '#core', bob.id, '-i', ann.file])).toMatchObject({ code: 0 })
    expect(await cli.run(['send', '#core', 'hi', '-i', bob.file])).toMatchObject({ code: 0 })
    expect((await cli.run(['topic', '#core', 'open', '-i', bob.file])).json[0]).toMatchObject({ type: 'TOPIC_CHANGED', topic: 'open' })
    expect((await cli.run(['topic', '#core', '-i', ann.file])).json).toEqual([{ channel: '#core', topic: 'open' }])
    expect((await cli.run(['who', bob.id])).json[0]).toMatchObject({
      agent_id: bob.id,
      name: 'bob',
      pubkey: expect.stringContaining('PUBLIC KEY'),
    })
    const listed = await cli.run(['channels', '--json'])
    expect(listed.json).toHaveLength(1)
    expect(listed.json[0]).toContainEqual({ channel: '#general', agents: 0 })
    expect((await cli.run(['channels'])).json).toHaveLength((listed.json[0] as unknown as unknown[]).length)

    const listening = cli.run(['listen', '-i', ann.file])
    await listening.prints('Connected')
    await cli.run(['send', '#general', 'hello', '-n', 'carol'])
    await listening.prints('hello')
    expect((await cli.run(['agents', '#general'])).json).toEqual([
      expect.objectContaining({ agent_id: ann.id, name: 'ann', presence: 'online' }),
    ])
    listening.interrupt()
    await listening

    expect((await cli.run(['call', 'ping'])).json).toEqual([expect.objectContaining({ type: 'PONG' })])
    expect((await cli.run(['call', 'HISTORY', 'channel=#core', 'limit=1', '-i', bob.file])).json[0]).toMatchObject({
      type: 'HISTORY',
      events: [{ content: 'hi' }],
      more: false,
    })
  })

  test('--field: an unknown name is an error that tells the known ones, a name that is missing here is empty', async () => {
    await cli.run(['create', '#core', '--topic', 'secret'])
    expect((await cli.run(['channels', '--field', 'channel,topic'])).stdout).toContain('#core\tsecret\n')
    expect(await cli.run(['channels', '--field', 'chanel'])).toMatchObject({
      code: exits.usage.code,
      stdout: '',
      stderr: expect.stringMatching(/There is no field "chanel" here\n.*Known: channel, agents/),
    })
    // Of messages it is known what they can have; what a message does not have is empty.
    expect((await cli.run(['send', '#core', 'hi', '--field', 'seq,duplicate'])).stdout).toBe('1\t\n')
    expect((await cli.run(['history', '#core', '--field', 'seq,in_reply_to,signature'])).stdout).toBe('1\t\tnone\n')
    for (const field of ['amount', 'task.x']) {
      expect(await cli.run(['listen', '#core', '--since', 'all', '-m', '1', '--field', field])).toMatchObject({
        code: exits.usage.code,
        stdout: '',
        stderr: expect.stringMatching(/There is no field .*in_reply_to.*signature/s),
      })
    }
    // What cannot be taken back is said to have happened.
    expect(await cli.run(['send', '#core', 'again', '--field', 'proposal_id'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('It was done, and only its answer is not shown: do not repeat it'),
    })
    expect((await cli.run(['who', '@00000000', '--field', 'nothing'])).code).toBe(exits.notFound.code)
    expect(await cli.run(['call', 'LIST_AGENTS', 'channel=#core', '--field', 'list.0.id'])).toMatchObject({ code: 0 })
    expect((await cli.run(['call', 'LIST_CHANNELS', '--field', 'list.0.nam'])).stderr).toContain('Known: list.0.name')
  })

  test('--help of a command below another one says all that its page says, once', async () => {
    const ban = (await cli.run(['admin', 'ban', '--help'])).stdout.replaceAll(/\s+/g, ' ')
    expect(ban).toContain('Bans an agent, an address, or both, and ends their sessions.')
    expect(ban).toContain('Lasts until ADMIN_UNBAN.')
    expect(ban.split('Bans an agent')).toHaveLength(2)
    expect((await cli.run(['skills', 'search', '--help'])).stdout).toContain('stderr tells how many there are in all')
    expect((await cli.run(['help', 'skills'])).stdout).toContain('agentchat skills search -c review')
    expect((await cli.run(['admin', 'kick', '--help'])).stdout.split("Ends an agent's sessions")).toHaveLength(2)
  })

  test('on a terminal: titles above tables, the date where the day changes, seq and id of messages, words where there is nothing', async () => {
    const tty = { isTTY: true, env: { NO_COLOR: '1' } }
    const list = await cli.run(['channels'], tty)
    expect(list.stdout).toMatch(/^CHANNEL +AGENTS {2}FOR +OWNER +TOPIC\n#\S+ +0 {2}all/)
    expect(await cli.run(['agents', '#general'], tty)).toMatchObject({ stdout: '', stderr: 'Nobody is connected in #general\n' })
    expect(await cli.run(['history', '#general'], tty)).toMatchObject({ stdout: '', stderr: 'No messages in #general\n' })
    expect(await cli.run(['history', '#general', '--all'], tty)).toMatchObject({ stdout: '', stderr: 'No messages in #general\n' })
    expect((await cli.run(['context', 'list'], tty)).stderr).toContain('No contexts')
    const { file } = await identity('ann')
    await cli.run(['send', '#general', 'hi', '-i', file])
    const today = await cli.run(['history', '#general'], tty)
    expect(today.stdout).toMatch(/^\d\d:\d\d:\d\d #general 1 ann @\w+ ✓ \S+ hi\n$/)
    expect(today.stdout).toContain((await cli.run(['history', '#general', '--field', 'msg_id'])).stdout.trim())
    const text = messagesText(Date.parse('2026-11-28T12:00:00'))
    const shown = (day: string) =>
      text({ ts: Date.parse(`${day}T09:08:07`), from: '@a', from_name: 'a', to: '#c', content: 'x', seq: 3 }, (_, plain) => plain)
    expect(['2026-11-27', '2026-11-27', '2026-11-28', '2027-01-02'].map(shown)).toEqual([
      '── 2026-11-27 ──\n09:08:07 #c 3 a @a x',
      '09:08:07 #c 3 a @a x',
      '── 2026-11-28 ──\n09:08:07 #c 3 a @a x',
      '── 2027-01-02 ──\n09:08:07 #c 3 a @a x',
    ])
  })

  test('history says what the signatures are worth', async () => {
    const { file } = await identity('ann')
    await cli.run(['send', '#general', 'signed', '-i', file])
    await cli.run(['send', '#general', 'plain'])
    expect((await cli.run(['history', '#general', '--json'])).json.flat().map(event => (event as { signature: string }).signature)).toEqual(
      [
        'valid',
        'none',
      ],
    )
    expect((await cli.run(['history', '#general', '--all'])).json.map(({ signature }) => signature)).toEqual(['valid', 'none'])
  })

  test('history pages both ways', async () => {
    const count = 450
    await cli.run(['send', '#general', '-'], { stdin: Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('') })
    const seqs = async (...flags: string[]) => (await cli.run(['history', '#general', ...flags])).json.map(event => event['seq'])
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
    expect(await seqs()).toEqual(range(431, 450))
    expect(await seqs('--all')).toEqual(range(1, 450))
    expect(await seqs('-l', '300')).toEqual(range(151, 450))
    expect(await seqs('--before', '250', '-l', '201')).toEqual(range(49, 249))
    expect(await seqs('--after', '10', '-l', '250')).toEqual(range(11, 260))
    expect(await seqs('--after', '10', '--before', '15', '-l', '100')).toEqual(range(11, 14))
    const document = await cli.run(['history', '#general', '--all', '--json'])
    expect(document.json).toHaveLength(1)
    expect(document.json[0]).toHaveLength(count)
  })

  test('a context stands in for URL, identity and name', async () => {
    delete cli.env['AGENTCHAT_URL']
    const ann = await identity('ann')
    expect((await cli.run(['context', 'add', 'here', relay.url, '-i', ann.file])).code).toBe(0)
    expect((await cli.run(['context', 'add', 'there', 'ws://127.0.0.1:1'])).code).toBe(0)
    expect((await cli.run(['context', 'list'])).json).toMatchObject([{ context: 'here', current: true, url: relay.url }, {
      context: 'there',
      current: false,
    }])
    expect((await cli.run(['send', '#general', 'hi', '--json'])).code).toBe(0)
    expect((await cli.run(['history', '#general'])).json[0]).toMatchObject({ from: ann.id, from_name: 'ann' })
    expect((await cli.run(['channels', '--context', 'there'])).code).toBe(exits.unreachable.code)
    await cli.run(['context', 'use', 'there'])
    expect((await cli.run(['channels'])).code).toBe(exits.unreachable.code)
    expect((await cli.run(['channels'], { env: { AGENTCHAT_CONTEXT: 'here' } })).code).toBe(0)
    await cli.run(['context', 'remove', 'there'])
    expect((await cli.run(['context', 'show'])).code).toBe(exits.notFound.code)
    expect((await cli.run(['context', 'use', 'there'])).code).toBe(exits.notFound.code)
  })

  test('doctor looks at everything and says what to do', async () => {
    const well = await cli.run(['doctor'])
    expect(well.code).toBe(0)
    expect(Object.fromEntries(well.json.map(({ check, status }) => [check, status]))).toEqual({
      node: 'ok',
      sqlite: 'ok',
      config: 'ok',
      data: 'ok',
      identity: 'warn',
      health: 'ok',
      login: 'ok',
    })
    const ill = await cli.run(['doctor', 'ws://127.0.0.1:1', '--json'], {
      env: { AGENTCHAT_PORT: 'many', AGENTCHAT_IDENTITY: cli.at('none.json') },
    })
    expect(ill.code).toBe(exits.error.code)
    const findings = ill.json[0] as unknown as readonly { readonly check: string, readonly status: string, readonly next?: string }[]
    expect(findings.filter(({ status }) => status === 'fail').map(({ check }) => check)).toEqual(['config', 'health', 'login'])
    for (const { status, next } of findings) expect(status === 'ok' || next !== undefined).toBe(true)
  })

  test('a relay whose key has changed is refused to an identity, loudly, until it is accepted; without one it is only told', async () => {
    const { file } = await identity('ann')
    await cli.run(['channels'])
    const known = cli.at('.agentchat/known-relays.json')
    writeFileSync(known, readFileSync(known, 'utf8').replace(relay.serverId, 'f'.repeat(64)))
    for (const [flags, exit] of [[[], exits.ok], [['-i', file], exits.auth]] as const) {
      expect(await cli.run(['send', '#general', 'hi', ...flags])).toMatchObject({
        code: exit.code,
        stderr: expect.stringContaining('ANOTHER KEY'),
      })
    }
    expect((await cli.run(['send', '#general', 'hi', '--accept-new-relay-key'])).code).toBe(0)
    expect((await cli.run(['send', '#general', 'hi', '-i', file])).code).toBe(0)
  })

  test('a cursor file: each run goes on where the last one ended, whatever came meanwhile', async () => {
    await cli.run(['create', '#tasks'])
    for (const content of ['one', 'two']) await cli.run(['send', '#tasks', content])
    const next = async () =>
      (await cli.run(['listen', '#tasks', '--cursor', cli.at('cursor.json'), '-m', '1', '--content', '--timeout', '10'])).stdout
    expect(await next()).toBe('one\n')
    await cli.run(['send', '#tasks', 'three'])
    expect([await next(), await next()]).toEqual(['two\n', 'three\n'])
    // An editor of another system puts a mark in front.
    writeFileSync(cli.at('cursor.json'), `\ufeff${readFileSync(cli.at('cursor.json'), 'utf8')}\r\n`)
    await cli.run(['send', '#tasks', 'four'])
    expect(await next()).toBe('four\n')
    writeFileSync(cli.at('cursor.json'), 'something else')
    expect((await cli.run(['listen', '#tasks', '--cursor', cli.at('cursor.json'), '-m', '1'])).code).toBe(exits.usage.code)
  })

  test('a cursor file that cannot be written is an error before the first message, or when that shows', async () => {
    for (const text of ['one', 'two']) await cli.run(['send', '#general', text])
    writeFileSync(cli.at('file'), '')
    mkdirSync(cli.at('folder'))
    for (const [cursor, why] of [['file/cursor.json', 'Cannot'], ['folder', 'Cannot read']] as const) {
      expect(await cli.run(['listen', '--since', 'all', '--cursor', cli.at(cursor), '-m', '1', '--timeout', '10'])).toMatchObject({
        code: exits.usage.code,
        stdout: '',
        stderr: expect.stringContaining(`${why}`),
      })
    }
    const listening = cli.run(['listen', '--since', 'all', '--cursor', cli.at('folder/cursor.json'), '--content'])
    await listening.prints('two')
    await expect.poll(() => existsSync(cli.at('folder/cursor.json'))).toBe(true)
    rmSync(cli.at('folder'), { recursive: true })
    writeFileSync(cli.at('folder'), '')
    await cli.run(['send', '#general', 'three'])
    expect(await listening).toMatchObject({ code: exits.usage.code, stderr: expect.stringContaining('Cannot write the cursor file') })
  })

  test('what another command prints does not take direct messages away in silence', async () => {
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    await cli.run(['listen', '-i', bob.file, '--since', 'now', '--timeout', '0.05'])
    await cli.run(['send', bob.id, 'hello', '-i', ann.file])
    await cli.run(['propose', bob.id, 'write it', '-i', ann.file])
    const { code, json, stderr } = await cli.run(['proposals', 'watch', '-i', bob.file, '-m', '1', '--timeout', '10'])
    expect([code, json.map(({ task }) => task)]).toEqual([0, ['write it']])
    expect(stderr).toContain(`${ann.id} wrote to you, too: agentchat history ${ann.id}`)
  })

  describe('identity', () => {
    test('generate, show, export; the private key stays in a file for the owner', async () => {
      const made = await cli.run(['identity', 'generate', '-n', 'alice'])
      const file = cli.at('.agentchat/identity.json')
      expect(made.json[0]).toMatchObject({ name: 'alice', file, agent_id: expect.stringMatching(/^@[0-9a-f]{16}$/) })
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(await cli.run(['identity', 'generate', '-n', 'bob'])).toMatchObject({
        code: exits.error.code,
        stderr: expect.stringContaining('--force'),
      })
      expect((await cli.run(['identity', 'show'])).json).toEqual(made.json)
      for (const args of [['show'], ['export']]) {
        const { stdout } = await cli.run(['identity', ...args])
        expect(stdout).toContain('PUBLIC KEY')
        expect(stdout).not.toContain('PRIVATE')
      }
      chmodSync(file, 0o644)
      expect((await cli.run(['channels', '-i', file])).stderr).toContain('chmod 600')
      expect((await cli.run(['channels', '-i', cli.at('none.json')])).code).toBe(exits.notFound.code)
    })

    test('what cannot be undone is asked about: without a terminal it wants --yes, and nothing is done', async () => {
      const file = cli.at('kept.json')
      const made = await cli.run(['identity', 'generate', '-n', 'kept', '-f', file])
      const before = readFileSync(file, 'utf8')
      for (const args of [['rotate'], ['revoke', 'lost'], ['generate', '-n', 'new', '--force']]) {
        const refused = await cli.run(['identity', ...args, '-f', file])
        expect([refused.code, refused.stdout]).toEqual([exits.usage.code, ''])
        expect(refused.stderr).toContain(String(made.json[0]!['agent_id']))
        expect(refused.stderr).toContain('--yes')
      }
      expect(readFileSync(file, 'utf8')).toBe(before)
    })

    test('every command is about the same key: rotate, show, whoami and send', async () => {
      const [one, other] = [cli.at('one.json'), cli.at('other.json')]
      const made = await cli.run(['identity', 'generate', '-n', 'one', '-f', one])
      await cli.run(['identity', 'generate', '-n', 'other', '-f', other])
      const kept = readFileSync(other, 'utf8')
      const env = { AGENTCHAT_IDENTITY: one }
      expect((await cli.run(['whoami'], { env })).json).toEqual([
        { agent_id: made.json[0]!['agent_id'], name: 'one', file: one, chosen_by: 'AGENTCHAT_IDENTITY' },
      ])
      expect((await cli.run(['whoami', '-i', other], { env })).json).toMatchObject([{ name: 'other', chosen_by: '-i' }])
      expect((await cli.run(['identity', 'rotate', '--yes'], { env })).json[0]).toMatchObject({ file: one, rotations: 1 })
      expect(readFileSync(other, 'utf8')).toBe(kept)
      // The default one, said: by send as by propose.
      await cli.run(['identity', 'generate', '-n', 'standard', '--yes', '--force'])
      const [{ agent_id }] = (await cli.run(['whoami'])).json as [{ agent_id: string }]
      const sent = await cli.run(['send', '#general', 'with the default key', '--json'])
      expect(sent.stderr).toContain(`As ${agent_id}`)
      const page = (await cli.run(['history', '#general', '--guest', '--json'])).json.flat() as { content: string, from: string }[]
      expect(page.find(({ content }) => content === 'with the default key')!.from).toBe(agent_id)
      expect((await cli.run(['propose', made.json[0]!['agent_id'] as string, 'x'])).stderr).toContain(`As ${agent_id}`)
      rmSync(cli.at('.agentchat/identity.json'))
      expect((await cli.run(['whoami'])).code).toBe(exits.notFound.code)
    })

    test('a key that was rotated twice between two visits keeps its standing', async () => {
      const file = cli.at('twice.json')
      await cli.run(['identity', 'generate', '-n', 'twice', '-f', file])
      await cli.run(['create', '#twice', '-p', '-i', file])
      for (const _ of [1, 2, 3]) await cli.run(['identity', 'rotate', '-f', file, '--yes'])
      expect(await cli.run(['send', '#twice', 'still a member', '-i', file])).toMatchObject({ code: 0 })
      // A key in between that comes along later finds that it was handed over.
      await cli.run(['identity', 'rotate', '-f', file, '--yes'])
      expect(await cli.run(['send', '#twice', 'and again', '-i', file])).toMatchObject({ code: 0 })
    })

    test('the flags of existing scripts', async () => {
      const file = cli.at('old.json')
      const made = await cli.run(['identity', '-g', '-n', 'old', '-f', file])
      expect((await cli.run(['identity', '-s', '-f', file])).json).toEqual(made.json)
      expect((await cli.run(['identity', '-e', '-f', file])).json[0]).toMatchObject({ name: 'old', publicKey: made.json[0]!['public_key'] })
      expect((await cli.run(['identity', '-r', '-f', file, '--yes'])).json[0]).toMatchObject({
        old_agent_id: made.json[0]!['agent_id'],
        rotations: 1,
      })
      expect((await cli.run(['identity', '--verify-chain', '-f', file])).json[0]).toMatchObject({ valid: true, rotations: 1 })
      const notice = cli.at('notice.json')
      writeFileSync(notice, (await cli.run(['identity', '--revoke', 'lost', '-f', file, '--yes'])).stdout)
      expect(await cli.run(['identity', '--verify-revocation', notice])).toMatchObject({ code: 0, json: [{ valid: true }] })
      writeFileSync(notice, readFileSync(notice, 'utf8').replace('lost', 'sold'))
      expect(await cli.run(['identity', '--verify-revocation', notice])).toMatchObject({ code: exits.error.code, json: [{ valid: false }] })
      expect((await cli.run(['identity', '-g', '-n', 'new', '-f', file, '--force', '--yes'])).json[0]).toMatchObject({ name: 'new' })
    })

    test('a rotated key keeps its standing at every relay it comes to, and a revoked one is out', async () => {
      const ann = await identity('ann')
      await cli.run(['create', '#core', '-p', '-i', ann.file])
      const rotated = await cli.run(['identity', 'rotate', '-f', ann.file, '--yes'])
      expect(rotated.json[0]).toMatchObject({ old_agent_id: ann.id })
      // The connection itself presents the rotation.
      expect((await cli.run(['send', '#core', 'still here', '-i', ann.file])).code).toBe(0)
      expect((await cli.run(['who', ann.id])).json[0]).toMatchObject({ rotated_to: rotated.json[0]!['agent_id'] })
      const again = await cli.run(['identity', 'rotate', '-f', ann.file, '--yes', '--server', relay.url])
      expect((await cli.run(['who', String(rotated.json[0]!['agent_id'])])).json[0]).toMatchObject({
        rotated_to: again.json[0]!['agent_id'],
      })
      expect((await cli.run(['identity', 'revoke', 'lost', '-f', ann.file, '--yes', '--server', relay.url])).code).toBe(0)
      expect((await cli.run(['send', '#core', 'and now?', '-i', ann.file])).code).toBe(exits.auth.code)
    })
  })
})

test('send keeps to the rate that the relay publishes, so that none of its lines is refused', async () => {
  await using relay = await startTestRelay({ msgRate: 20, msgBurst: 3 })
  const { code, json } = await cli.run(['send', relay.url, '#general', '-', '--json'], {
    stdin: Array.from({ length: 10 }, (_, i) => `${i}\n`).join(''),
  })
  expect(code).toBe(0)
  expect(json.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(await relay.metric('agentchat_rate_limited_total')).toBe(0)
})

test('a relay that asks a question gets its answer', async () => {
  await using relay = await startTestRelay({ captcha: true })
  expect(await cli.run(['send', relay.url, '#general', 'hi'])).toMatchObject({ code: 0 })
})

test('send and listen survive a relay that restarts', async () => {
  using data = newFolder()
  const first = await startTestRelay({ data: data.path })
  const port = Number(new URL(first.url).port)
  const stdin = new PassThrough()
  const listening = cli.run(['listen', first.url, '#general', '-m', '4', '--content'])
  await listening.prints('Connected')
  const sending = cli.run(['send', first.url, '#general', '-', '--json'], { stdin })
  stdin.write('one\ntwo\n')
  await sending.prints('"line":2')
  await listening.prints('two')
  await first.drain()
  await listening.prints('trying again')
  stdin.end('three\nfour\n')
  await using second = await startTestRelay({ data: data.path, port })
  expect(await sending).toMatchObject({ code: 0 })
  expect(await listening).toMatchObject({ code: 0, stdout: 'one\ntwo\nthree\nfour\n', stderr: expect.stringContaining('Connected again') })
  expect(second.url).toBe(first.url)
})
