// The shell blocks of the pages that no other test runs, as they are written, each page in a fresh home. A relay runs, as the pages say;
// somebody does what a page says of others.
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AgentChatClient } from '../../lib/client/index.ts'
import { fingerprintOf, generateKeyPair, type LocalIdentity } from '../../lib/identity/index.ts'
import { identityOf, loadIdentityFile, nodeIdentity, onNode } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { newHost } from '../kit/mcp.ts'
import { Program, builtBin } from '../kit/process.ts'
import { Reader, blocksOf, installed, type ReaderOptions } from '../kit/page.ts'
import { newReceiver } from '../kit/receiver.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'
import { login, newKey } from '../kit/wire.ts'

const adminKey = 'a key for the pages'
const urlPattern = /wss?:\/\/[\w.-]+:\d+/
const [pageAgent, pageGuest] = ['@8addfe276526c9f6', '@k3x9q2ab'] as const

const onRelay = (folder: Folder, url: string): Readonly<Record<string, string>> => ({
  ...installed(folder),
  AGENTCHAT_URL: url,
  AGENTCHAT_ADMIN_KEY: adminKey,
  AGENTCHAT_OUTBOUND_ALLOW: '127.0.0.1',
  AGENTCHAT_PORT: '0',
})

/** Somebody else, with a key. */
const newAgent = async (relay: TestRelay, name: string, identity: LocalIdentity = nodeIdentity(generateKeyPair().privateKey, { name })) => {
  const { transport, verify } = onNode()
  const agent = new AgentChatClient({ server: relay.url, identity, transport, verify })
  await agent.connect()
  return agent
}

/** A key in a file, as a page has it at hand. */
const keyFile = (file: string, name: string): LocalIdentity => {
  execFileSync(process.execPath, [builtBin(), 'identity', 'generate', '--name', name, '--file', file], { stdio: 'ignore' })
  return identityOf(loadIdentityFile(file))
}

/** Every block, one after the other; gives what they printed, and what of them runs on. */
const readAll = async (page: string, options: ReaderOptions, before: (commands: string) => unknown = () => undefined) => {
  const reader = new Reader(options)
  const printed: string[] = []
  try {
    for (const block of blocksOf(page)) {
      await before(block.commands)
      printed.push(await reader.read(block))
      if (block.isBackground) await reader.running(block.commands).prints(urlPattern)
    }
    expect((await reader.stop()).map(({ code }) => code).filter(code => code !== 0)).toEqual([])
    return printed.join('')
  } finally {
    await reader[Symbol.asyncDispose]()
  }
}

test('DEPLOY.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay()
  const printed = await readAll('docs/DEPLOY.md', {
    folder: folder.path,
    env: installed(folder),
    meant: [['wss://chat.example.org', relay.url]],
  })
  expect(readdirSync(folder.at('home'))).toEqual(expect.arrayContaining(['akash.yaml', 'deploy.yaml', 'kubernetes']))
  expect(printed).toContain('manifest')
}, 120_000)

test('CONDITIONS.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ adminKey, policyWrite: 'chars < 4000 || verified' })
  const printed = await readAll('docs/CONDITIONS.md', { folder: folder.path, env: onRelay(folder, relay.url) })
  expect(printed).toContain('policyWrite')
}, 120_000)

test('DISCOVERY.md', async () => {
  using folder = newFolder()
  await using directory = await startTestRelay({ directory: true, outboundAllow: ['127.0.0.1'], adminKey })
  await using workshop = await startTestRelay({
    name: 'workshop',
    region: 'eu',
    announce: [directory.httpUrl],
    outboundAllow: ['127.0.0.1'],
  })
  await using reviewer = await newAgent(workshop, 'reviewer')
  await reviewer.people.registerSkills([{ capability: 'code-review', rate: 5, currency: 'USD' }])
  await expect.poll(async () => (await fetch(`${directory.httpUrl}/directory/servers?online=true`)).text(), { timeout: 20_000 })
    .toContain('workshop')
  const printed = await readAll('docs/DISCOVERY.md', {
    folder: folder.path,
    env: onRelay(folder, directory.url),
    meant: [['curl -s https://relay.example', `curl -s ${workshop.httpUrl}`], ['https://directory.example', directory.httpUrl]],
  })
  expect(printed).toContain(`"url":"${workshop.url}"`)
  expect(printed).toContain(reviewer.agentId!)
  expect(printed).toContain('Escrow in USD')
}, 120_000)

test('DISPUTES.md', async () => {
  using folder = newFolder()
  const arbiters = ['kim', 'lee', 'max'].map(name => nodeIdentity(generateKeyPair().privateKey, { name }))
  const named = arbiters.map(({ publicKey }) => fingerprintOf(publicKey))
  await using relay = await startTestRelay({ arbiters: named, minArbiters: 3, adminKey })
  for (const arbiter of arbiters) await newAgent(relay, arbiter.name!, arbiter)
  await using provider = await newAgent(relay, 'provider')
  const env = onRelay(folder, relay.url)
  const own = keyFile(folder.at('own.json'), 'ann')
  const client = await newAgent(relay, 'ann', own)
  const { proposalId: deal } = await client.trade.propose(provider.agentId!, { task: 'write it', amount: 10, currency: 'USD' })
  await provider.trade.accept(deal)
  await client.close()
  const printed = await readAll('docs/DISPUTES.md', {
    folder: folder.path,
    env: { ...env, AGENTCHAT_IDENTITY: folder.at('own.json'), deal },
    meant: [['8addfe276526c9f60d9ef1d0cc0a1e0ca2be9c49a3dbf19d54b7a5ba1bd7dfb5', named.join(',')]],
  })
  expect(printed).toContain('"drawn":true')
}, 120_000)

test('OPERATIONS.md', async () => {
  using folder = newFolder()
  const env = { ...onRelay(folder, ''), AGENTCHAT_DATA: folder.at('agentchat') }
  const start = () => startTestRelay({ data: folder.at('lib/agentchat'), adminKey })
  let relay = await start()
  const meant: [string | RegExp, string][] = [
    ['/var/lib/', `${folder.at('lib')}/`],
    ['/var/backups/agentchat-2026-11-21.db', `"/var/backups/agentchat-$(date +%F).db"`],
    ['/var/backups', folder.path],
  ]
  const alice = keyFile(folder.at('alice.json'), 'alice')
  writeFileSync(folder.at('alice.pub.json'),
    execFileSync(process.execPath, [builtBin(), 'identity', 'export', '--file', folder.at('alice.json')]))
  const here = { AGENTCHAT_URL: relay.url }
  const printed = await readAll('docs/OPERATIONS.md', { folder: folder.path, start: folder.path, env: { ...env, ...here }, meant },
    async commands => {
      // The page says: with the relay stopped.
      if (commands.includes('restore')) await relay.drain()
      if (!commands.includes('SET_RETENTION')) return
      relay = await start()
      meant.push(['agentchat call', `export AGENTCHAT_URL=${relay.url}\nagentchat call`])
      const owner = await newAgent(relay, 'alice', alice)
      await owner.createChannel('#old')
      await owner.createChannel('#core', { inviteOnly: true })
      const guest = await relay.login('guest')
      await owner.request('INVITE', { channel: '#core', agent: guest.id })
      await guest.ask({ type: 'JOIN', channel: '#core' }, 'JOINED')
      const key = newKey()
      await login(relay.url, 'bob', { key, from: '127.0.0.2' })
      await owner.request('INVITE', { channel: '#core', agent: key.id })
      meant.push([pageAgent, key.id], [pageGuest, guest.id])
    })
  await relay.drain()
  expect(printed).toContain('127.0.0.2')
}, 180_000)

test('PEOPLE.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay()
  await using reviewer = await newAgent(relay, 'reviewer')
  await reviewer.people.registerSkills([{ capability: 'code-review', rate: 5, currency: 'TEST' }])
  await reviewer.people.setProfile({ languages: ['en'] })
  let isAway = false
  const living = setInterval(() => {
    isAway = !isAway
    void reviewer.people.setPresence(isAway ? 'away' : 'online').catch(() => undefined)
  }, 1_000)
  try {
    const printed = await readAll('docs/PEOPLE.md', {
      folder: folder.path,
      env: onRelay(folder, relay.url),
      meant: [[pageAgent, reviewer.agentId!]],
    })
    expect(printed).toContain(`"agent_id":"${reviewer.agentId!}"`)
  } finally {
    clearInterval(living)
  }
}, 120_000)

test('REPUTATION.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ adminKey })
  const env = onRelay(folder, relay.url)
  await using provider = await newAgent(relay, 'provider')
  await using client = await newAgent(relay, 'alice', keyFile(folder.at('alice.json'), 'alice'))
  await client.request('ADMIN_CREDIT', { admin_key: adminKey, agent_id: client.agentId!, currency: 'USD', amount_minor: 1_000, note: 'x' })
  const { proposalId: deal } = await client.trade.propose(provider.agentId!, { task: 'write it', amount: 10, currency: 'USD' })
  await provider.trade.accept(deal)
  await client.trade.fund(deal)
  await provider.trade.submit(deal, { text: 'done' })
  await client.trade.complete(deal)
  for (const party of [client, provider]) {
    const { receipts } = await party.reputation.receipts()
    await party.reputation.signReceipt(receipts[0]!)
  }
  const printed = await readAll('docs/REPUTATION.md', { folder: folder.path, start: folder.path, env })
  expect(printed).toContain('"proven":true')
}, 120_000)

test('HTTP.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay()
  const printed = await readAll('docs/HTTP.md', {
    folder: folder.path,
    env: installed(folder),
    meant: [
      ['ws://localhost:6667', relay.url],
      ['http://localhost:6667', relay.httpUrl],
      // It goes on for as long as somebody reads.
      ['curl -N', 'curl -sN --max-time 2'],
      ['inbox=1"', 'inbox=1" || test $? = 28'],
    ],
  })
  expect(printed).toContain('ada: hello over HTTP')
  expect(printed).toContain('event: hello')
  expect(printed).toContain('#general')
}, 120_000)

test('WEBHOOKS.md', async () => {
  using folder = newFolder()
  await using receiver = await newReceiver()
  await using relay = await startTestRelay({ webhooks: true, outboundAllow: ['127.0.0.1'] }, { pace: { sweepMs: 20 } })
  const meant: [string, string][] = [['https://ci.example', `http://127.0.0.1:${receiver.port}`], ['--from-seq 38', '--from-seq 1']]
  const printed = await readAll('docs/WEBHOOKS.md', { folder: folder.path, env: onRelay(folder, relay.url), meant }, async commands => {
    if (!commands.includes('webhook log')) return
    const identity = identityOf(loadIdentityFile(folder.at('home/.agentchat/identity.json')))
    const owner = await newAgent(relay, 'ada', identity)
    const id = (await owner.request('WEBHOOKS', {})).list[0]!.webhook_id
    meant.push(['wh_kX3f90aBq1', id])
    const bob = await relay.login('bob')
    await bob.ask({ type: 'MSG', to: owner.agentId!, content: 'hello' }, 'ACK')
    await receiver.until(1)
    await owner.close()
  })
  expect(printed).toContain('#builds')
  expect(receiver.contents).toContain('hello')
}, 120_000)

test('MCP.md', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay()
  const env = onRelay(folder, relay.url)
  const page = readFileSync('docs/MCP.md', 'utf8')
  const max = await newAgent(relay, 'max')
  const printed = await readAll('docs/MCP.md', { folder: folder.path, env, meant: [['wss://relay.example', relay.url]] },
    async commands => {
      // Somebody has something to say to the agent that waits.
      if (!commands.startsWith('agentchat listen')) return
      const file = loadIdentityFile(folder.at('home/.agentchat/identity.json'))
      const hello = new AgentChatClient({ ...onNode(), server: relay.url, identity: identityOf(file) })
      await hello.connect()
      await hello.close()
      await max.send(`@${file.agentId}`, 'wake up')
    })
  expect(printed).toContain('wake up')
  await max.close()

  // What each host is told to run, run as it would: by a client of the protocol, on stdin and stdout.
  const lines = [...page.matchAll(/^\| [\w ]+ \| `\w+ mcp add agentchat (?:-- )?(agentchat mcp [^`]+)`/gm)].map(match =>
    match[1]!.split(' ')
  )
  const { mcpServers: { agentchat } } = JSON.parse(/^```json\n(.*?)^```$/ms.exec(page)![1]!) as {
    readonly mcpServers: { readonly agentchat: { readonly command: string, readonly args: readonly string[] } }
  }
  expect(lines).toHaveLength(3)
  for (const [command, ...args] of [...lines, [agentchat.command, ...agentchat.args]]) {
    const host = newHost('2025-11-25')
    await host.connect(new StdioClientTransport({
      command: command!,
      args: args.map(word => word === 'wss://relay.example' ? relay.url : word),
      env: { ...env, HOME: folder.at('home') },
      stderr: 'ignore',
    }))
    expect((await host.listTools()).tools.map(({ name }) => page.includes(`| \`${name}\` |`))).toEqual(Array(9).fill(true))
    await host.close()
  }
}, 120_000)

test('no page has blocks that nothing runs', () => {
  const here = [...readFileSync(import.meta.filename, 'utf8').matchAll(/readAll\('(docs\/\w+\.md)'/g)].map(match => match[1]!)
  const elsewhere = ['docs/QUICKSTART.md', 'docs/TUTORIAL.md', 'docs/NEGOTIATION.md', 'docs/FEDERATION.md', 'docs/TRANSCRIPTS.md']
  const generated = ['docs/API.md', 'docs/CLI.md', 'docs/CONFIG.md', 'docs/PROTOCOL.md']
  const pages = readdirSync('docs').filter(name => name.endsWith('.md')).map(name => `docs/${name}`)
  const run = pages.filter(page => !generated.includes(page) && blocksOf(page).some(({ notRun }) => notRun === undefined))
  expect(run.sort()).toEqual([...here, ...elsewhere].sort())
  expect(here).toHaveLength(10)
})

describe('programs', () => {
  /** The blocks of a page in TypeScript that need no types taken off, as programs of a project that has the package. */
  const programsOf = (page: string) => [...readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(match => match[1]!)

  const project = (folder: Folder): Folder => {
    mkdirSync(folder.at('node_modules'))
    symlinkSync(process.cwd(), folder.at('node_modules/agentchat'))
    symlinkSync(join(process.cwd(), 'node_modules/zod'), folder.at('node_modules/zod'))
    return folder
  }

  const run = (folder: Folder, name: string, text: string): Program => {
    writeFileSync(folder.at(name), text)
    return new Program(process.execPath, [name], { cwd: folder.path, env: { HOME: folder.path } })
  }

  test('of README.md answer, ask and read the answer', async () => {
    using folder = project(newFolder())
    await using relay = await startTestRelay()
    await using asker = await newAgent(relay, 'asker')
    await asker.join('#general')
    const [echo, asking] = programsOf('README.md').map(text => text.replaceAll('ws://localhost:6667', relay.url))
    await using echoing = run(folder, 'echo.mjs', echo!)
    const heard = new Promise<string>(resolve => asker.on('message', ({ mine, content }) => mine ? undefined : resolve(content)))
    const saying = setInterval(() => void asker.send('#general', 'anybody here').catch(() => undefined), 500)
    try {
      expect(await heard).toBe('heard: anybody here')
      await echoing.prints(/^stored as number \d+$/m)
    } finally {
      clearInterval(saying)
    }

    const [ask, answer] = asking!.split('// at the other end\n')
    const key = generateKeyPair().privateKey
    const made = (identity: string) =>
      `import { AgentChatClient } from 'agentchat'\nimport { generateKeyPair } from 'agentchat/identity'\n`
      + `import { nodeIdentity, onNode } from 'agentchat/node'\nimport * as z from 'zod'\n`
      + `const client = new AgentChatClient({ ...onNode(), server: '${relay.url}', identity: nodeIdentity(${identity}) })\n`
      + `await client.connect()\n`
    await using answering = run(folder, 'answer.mjs', `${made(JSON.stringify(key))}${answer!}\nconsole.log(client.agentId)\n`)
    const [id] = await answering.prints(/@[0-9a-f]{16}/)
    const asks = `${ask!.replaceAll(pageAgent, id)}\nconsole.log(total)\nawait client.close()\n`
    await using asked = run(folder, 'ask.mjs', `${made('generateKeyPair().privateKey')}${asks}`)
    expect(await asked.ended, asked.stderr).toMatchObject({ code: 0 })
    expect(asked.stdout).toBe('4\n')
  }, 60_000)

  test('of PEOPLE.md believe a page by its signatures', async () => {
    using folder = project(newFolder())
    await using relay = await startTestRelay()
    await using reviewer = await newAgent(relay, 'reviewer')
    await reviewer.people.registerSkills([{ capability: 'code-review' }])
    const [checks] = programsOf('docs/PEOPLE.md').map(text =>
      text.replaceAll('https://relay.example.org', relay.httpUrl).replaceAll(pageAgent, reviewer.agentId!)
    )
    await using checking = run(folder, 'check.mjs',
      `const knownRelayId = '${relay.serverId}'\n${checks!}\nconsole.log(document.agent_id, problem)\n`)
    expect(await checking.ended, checking.stderr).toMatchObject({ code: 0 })
    expect(checking.stdout).toBe(`${reviewer.agentId!} undefined\n`)
  }, 60_000)
})
