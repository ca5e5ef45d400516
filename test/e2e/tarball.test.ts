// The main promise, on the package as it ships: a text file piped through `agentchat send -` arrives everywhere byte for byte,
// every acknowledged line exactly once and in order, though the relay is killed half-way.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { install, type Installed } from '../kit/install.ts'
import { Program, ServeProgram, type RunOptions } from '../kit/process.ts'

/** Optional, and pinned. */
const { peerDependencies: peers } = JSON.parse(readFileSync('package.json', 'utf8')) as { peerDependencies: Record<string, string> }

let folder: Folder
let installed: Installed
beforeAll(() => {
  folder = newFolder()
  installed = install(folder.path)
}, 300_000)
afterAll(() => folder[Symbol.dispose]())

/** Nothing of the tester's own files or settings is used. */
const options = (): RunOptions => ({ cwd: installed.project, env: { HOME: folder.path } })
const agentchat = (...args: readonly string[]) => new Program(process.execPath, [installed.bin, ...args], options())
const script = (name: string, text: string, ...args: readonly string[]) => {
  writeFileSync(join(installed.project, name), text)
  return new Program(process.execPath, [name, ...args], options())
}

test('every entry point of the package can be imported', async () => {
  await using program = script('entries.js', `
    for (const entry of ['agentchat', 'agentchat/protocol', 'agentchat/identity', 'agentchat/node', 'agentchat/server']) {
      console.log(JSON.stringify({ entry, names: Object.keys(await import(entry)) }))
    }
  `)
  expect(await program.ended, program.stderr).toMatchObject({ code: 0 })
  const names = Object.fromEntries(program.jsonLines.map(({ entry, names }) => [entry, names]))
  expect(names['agentchat']).toContain('AgentChatClient')
  expect(names['agentchat/protocol']).toContain('requests')
  expect(names['agentchat/identity']).toContain('agentIdOf')
  expect(names['agentchat/node']).toContain('wsTransport')
  expect(names['agentchat/server']).toContain('startRelay')
})

/** A program of somebody else's, as strict as it can be, without any type packages. */
const consumer = `
  import { AgentChatClient, RelayError, channelName, isAgent, type ErrorCode, type Told } from 'agentchat'
  import { generateKeyPair, verifyReceipt } from 'agentchat/identity'
  import { nodeIdentity, onNode } from 'agentchat/node'
  import { decodeFrame, requests } from 'agentchat/protocol'
  import { defaultConfig, openKeeper, startRelay, type Logger } from 'agentchat/server'

  const log: Logger = { ...console, fatal: console.error, isLevelEnabled: () => false }
  const relay = await startRelay(defaultConfig({ port: 0, data: ':memory:' }), { log, onEscrow: ({ proposal }) => console.log(proposal.status) })
  await using client = new AgentChatClient({ ...onNode(), server: relay.url, identity: nodeIdentity(generateKeyPair().privateKey) })
  const welcome: Told<'WELCOME'> = await client.connect()
  const bytes: number = welcome.limits.maxFrameBytes + welcome.frame.limits.max_frame_bytes
  await client.join(channelName('general'))
  // @ts-expect-error a text is no channel
  client.join('general')
  client.on('PROPOSAL', ({ proposalId, frame }) => console.log(proposalId, frame.proposal_id))
  const [name] = process.argv
  if (name !== undefined && isAgent(name)) await client.dm(name, { json: { bytes } })
  const code: ErrorCode | 'UNKNOWN' = new RelayError('BUSY', '').code
  console.log(code, decodeFrame('{}').ok, requests.JOIN.reply, verifyReceipt({}).valid, openKeeper)
  await relay.drain()
`.replace('process.argv', "['@8addfe276526c9f6'] as string[]")

test.each(['typescript-floor', 'typescript'])('a strict program that looks into every declaration needs no other types, by %s',
  compiler => {
    expect(existsSync(join(installed.project, 'node_modules/@types'))).toBe(false)
    const folder = join(installed.project, compiler)
    mkdirSync(folder)
    writeFileSync(join(folder, 'program.ts'), consumer)
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'NodeNext',
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        types: [],
        noEmit: true,
      },
      files: ['program.ts'],
    }))
    const { stdout } = spawnSync(process.execPath, [join(import.meta.dirname, '../../node_modules', compiler, 'bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
  }, 120_000)

test('a deployment can be described, planned and written from the installed package', async () => {
  for (const words of [['init'], ['plan', '--target', 'systemd'], ['plan', '--target', 'kubernetes'], ['up', '--files-only', '--yes']]) {
    await using program = agentchat('deploy', ...words)
    expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null })
  }
  expect(readFileSync(join(installed.project, 'docker-compose.yml'), 'utf8')).toContain('image: agentchat:latest')
})

test('the packages of Akash are not there until somebody wants them: nothing else needs them, and what needs them says how to get them', async ({ skip }) => {
  expect(readdirSync(join(installed.project, 'node_modules')).filter(name => /^@(cosmjs|akashnetwork)$/.test(name))).toEqual([])
  {
    await using program = script('resolve.js', 'import("@cosmjs/crypto").catch(() => process.exit(1))')
    if ((await program.ended).code === 0) skip('a directory above the temporary ones has them: run with another TMPDIR')
  }
  {
    await using program = agentchat('deploy', 'plan', '--target', 'akash', '--json')
    expect(await program.ended, program.stderr).toMatchObject({ code: 0 })
    expect(program.jsonLines).toMatchObject([{ cost: expect.stringContaining('8.63 ACT') }])
  }
  writeFileSync(join(installed.project, 'password'), 'correct horse battery\n')
  writeFileSync(join(installed.project, 'akash.yaml'), 'target: akash\nimage: ghcr.io/example/agentchat:0.1.0\n')
  for (const words of [['wallet', 'create', '--password-file', 'password'], ['up', '-f', 'akash.yaml', '--dry-run']]) {
    await using program = agentchat('deploy', ...words)
    expect(await program.ended, program.stderr).toMatchObject({ code: 1 })
    expect(program.stderr).toContain(
      `npm install ${
        Object.entries(peers).filter(([name]) => /^@(cosmjs|akashnetwork)\//.test(name)).map(([name, version]) => `${name}@${version}`)
          .join(' ')
      }`,
    )
    expect(program.stderr).not.toContain('    at ')
  }
  await using doctor = agentchat('deploy', 'doctor', '--rpc', 'http://127.0.0.1:9', '--rest', 'http://127.0.0.1:9')
  expect(await doctor.ended).toMatchObject({ code: 1 })
  expect(doctor.jsonLines).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ check: 'packages', status: 'fail', next: expect.stringContaining('npm install @akashnetwork/chain-sdk@') }),
    ]),
  )
})

test('the package of MCP is not there until somebody wants it: a relay runs without it, and what needs it says how to get it', async ({ skip }) => {
  expect(existsSync(join(installed.project, 'node_modules/@modelcontextprotocol'))).toBe(false)
  {
    await using program = script('resolve.js', 'import("@modelcontextprotocol/server").catch(() => process.exit(1))')
    if ((await program.ended).code === 0) skip('a directory above the temporary ones has it: run with another TMPDIR')
  }
  await using program = agentchat('mcp', 'ws://127.0.0.1:9')
  expect(await program.ended, program.stderr).toMatchObject({ code: 1 })
  expect(program.stderr).toContain(`npm install @modelcontextprotocol/server@${peers['@modelcontextprotocol/server']}`)
  expect(program.stderr).not.toContain('    at ')
})

/** Prints the contents of a channel's messages, by the library. */
const libraryReceiver = `
  import { AgentChatClient } from 'agentchat'
  import { wsTransport } from 'agentchat/node'

  const client = new AgentChatClient({ server: process.argv[2], name: 'library', transport: wsTransport })
  client.on('message', ({ content, seq }) => console.log(JSON.stringify({ content, seq })))
  await client.connect()
  await client.join('#general')
  console.error('joined')
`

/** A few MB of real text, and in every repetition lines that invite mistakes. The last line has no newline. */
const sampleText = (): string => {
  const license = readFileSync(join(import.meta.dirname, '../../LICENSE'), 'utf8')
  const traps = [
    '',
    '  leading and trailing  ',
    '\ttab',
    'carriage return\r',
    'größer, 漢字, עברית, 👩‍👩‍👧',
    '\ufeffbyte order mark',
    '\u0000\u001b[31mcontrol\u007f',
    '"quoted" \\ {"type":"MSG"}',
    'x'.repeat(20_000),
    '',
    '',
  ]
  return [...Array.from({ length: 150 }, (_, i) => `${license}\n${i}\n${traps.join('\n')}`), 'no newline after this'].join('\n')
}

/** 1, 2, 3 … and nothing else; told without printing thousands of lines. */
const expectCount = (numbers: readonly unknown[], count: number): void => {
  const at = numbers.findIndex((number, i) => number !== i + 1)
  expect(at, `number ${at + 1} is ${String(numbers[at])}`).toBe(-1)
  expect(numbers).toHaveLength(count)
}

test('a file arrives byte for byte at three receivers, though the relay is killed half-way', { timeout: 120_000 }, async () => {
  const text = sampleText()
  const count = text.split('\n').length
  const flags = ['--data', folder.at('data'), '--msg-rate', '0']
  await using first = new ServeProgram(installed.bin, [...flags, '--port', '0'], options())
  const url = await first.url

  await using lines = agentchat('listen', url, '#general')
  await using file = agentchat('listen', url, '#general', '--content', '--max-messages', String(count + 1))
  await using library = script('receiver.js', libraryReceiver, url)
  await Promise.all([lines.prints(/Connected as/), file.prints(/Connected as/), library.prints(/joined/)])

  await using sender = agentchat('send', url, '#general', '-', '--json')
  sender.stdin.end(text)
  await library.until('the first part', () => library.lineCount > count / 4)
  first.signal('SIGKILL')
  expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' })
  expect(sender.lineCount).toBeLessThan(count)

  await using second = new ServeProgram(installed.bin, [...flags, '--port', new URL(url).port], options())
  expect(await second.url).toBe(url)
  expect(await sender.ended, sender.stderr).toEqual({ code: 0, signal: null })
  expect(sender.stderr).not.toContain('Warning')
  // What comes after the file shows that nothing of it came twice.
  await using last = agentchat('send', url, '#general', 'the end')
  expect(await last.ended, last.stderr).toEqual({ code: 0, signal: null })
  const wanted = `${text}\nthe end`

  for (const field of ['line', 'seq']) expectCount(sender.jsonLines.map(ack => ack[field]), count)
  expect(await file.ended, file.stderr).toEqual({ code: 0, signal: null })
  expect(file.stdout === `${wanted}\n`).toBe(true)
  for (const program of [lines, library]) {
    await program.until('the end', () => program.lineCount > count)
    expectCount(program.jsonLines.map(({ seq }) => seq), count + 1)
    expect(program.jsonLines.map(({ content }) => content).join('\n') === wanted).toBe(true)
  }
})
