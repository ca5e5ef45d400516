// A newcomer's run: the pages' shell blocks, one after the other, as they are written, in a fresh home.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AgentChatClient } from '../../lib/client/index.ts'
import { generateKeyPair } from '../../lib/identity/index.ts'
import { nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { newCertificate } from '../kit/certificate.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { freePort } from '../kit/port.ts'
import { Reader, asOnPage, blocksOf, installed } from '../kit/page.ts'
import { ServeProgram, builtBin } from '../kit/process.ts'

const adminKey = 'a key for the tutorial'
const localUrl = 'ws://localhost:6667'
const urlPattern = /wss?:\/\/[\w.-]+:\d+/

/** The files of this checkout that a clone would have. */
const clone = (folder: string): void => {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'], { encoding: 'utf8' })
  for (const name of names.split('\0').filter(each => each !== '')) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    cpSync(name, join(folder, name))
  }
}

/**
 * The addon that was compiled for this checkout, where npm looks for one before it compiles: that takes minutes.
 * AGENTCHAT_E2E_COMPILE=1 lets it compile.
 */
const compiledAddon = (folder: Folder): Readonly<Record<string, string>> => {
  if (process.env['AGENTCHAT_E2E_COMPILE'] === '1') return {}
  const { version } = JSON.parse(readFileSync('node_modules/better-sqlite3/package.json', 'utf8')) as { version: string }
  const name = `better-sqlite3-v${version}-node-v${process.versions.modules}-${process.platform}-${process.arch}.tar.gz`
  execFileSync('tar', ['-czf', folder.at(name), '-C', 'node_modules/better-sqlite3', 'build/Release/better_sqlite3.node'])
  return { npm_config_better_sqlite3_local_prebuilds: folder.path }
}

/** npm as this machine has it set up, with what is installed for all kept in the folder. */
const npmEnv = (folder: Folder): Readonly<Record<string, string>> => {
  const asked = (key: string) => execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim()
  // How packages are fetched here, where the environment says so.
  const isNetwork = /^(?:npm_config_(?:ca|cafile|proxy|https_proxy|noproxy|strict_ssl|nodedir)|node_extra_ca_certs|(?:https?|no)_proxy)$/i
  const network = Object.entries(process.env).filter(([name]) => isNetwork.test(name))
  return {
    ...Object.fromEntries(network) as Readonly<Record<string, string>>,
    npm_config_cache: asked('cache'),
    npm_config_registry: asked('registry'),
    npm_config_globalconfig: asked('globalconfig'),
    npm_config_userconfig: asked('userconfig'),
    npm_config_prefix: folder.at('npm'),
    npm_config_update_notifier: 'false',
    PATH: [folder.at('npm/bin'), process.env['PATH']].join(delimiter),
  }
}

/** The agent that the README and SKILL.md speak to and hire: it answers, accepts what it is offered and delivers what is paid for. */
const startPeer = async (url: string): Promise<AgentChatClient> => {
  const peer = new AgentChatClient({
    server: url,
    transport: wsTransport,
    identity: nodeIdentity(generateKeyPair().privateKey, { name: 'peer' }),
  })
  peer.on('PROPOSAL', ({ proposalId: deal }) => peer.trade.accept(deal))
  peer.on('FUND', ({ proposalId: deal }) => peer.trade.submit(deal, { text: 'looks good' }))
  peer.on('message', message => message.mine || message.replay || message.to !== peer.agentId ? undefined : message.reply('on Friday'))
  await peer.connect()
  await peer.join('#general')
  return peer
}

describe('README.md', () => {
  const blocks = blocksOf('README.md')

  test('every block runs in a fresh clone and a fresh home', async () => {
    using folder = newFolder()
    const tree = folder.at('agentchat')
    clone(tree)
    const env = { ...npmEnv(folder), ...compiledAddon(folder), AGENTCHAT_PORT: '0', AGENTCHAT_ADMIN_KEY: adminKey }
    const meant: [string, string][] = [['--port 7000 --data /var/lib/agentchat', `--port 0 --data ${folder.at('another')}`]]
    await using reader = new Reader({ folder: folder.path, start: tree, env, meant })
    writeFileSync(join(tree, 'report.txt'), 'one\ntwo\nthree\n')

    const [first, ...rest] = blocks
    expect(first!.commands).toBe('npm ci && npm start\n')
    await reader.read(first!)
    const [url] = await reader.running('npm start').prints(urlPattern, 600_000)
    meant.push([localUrl, url])
    const peer = await startPeer(url)
    const speaking = setInterval(() => void peer.send('#general', 'still here').catch(() => undefined), 1_500)
    try {
      meant.push(['@8addfe276526c9f6', peer.agentId!])
      for (const block of rest) {
        if (block.heading === 'Deals') await credit(peer, reader.home(block), env, 'USD', 1_250)
        await reader.read(block)
      }
      expect(reader.running('listen').stdout).toContain('hello from a shell')
      await reader.running('--port 7000').prints(urlPattern)
      const deals = await peer.trade.list()
      expect(deals).toMatchObject([{ status: 'completed', capturedMinor: 1_250 }])
      execFileSync(process.execPath, ['--input-type=module', '-e', "await import('agentchat'); await import('agentchat/node')"], {
        cwd: folder.at('my-agent'),
      })
      const relays = ['npm start', '--port 7000'].map(word => reader.running(word))
      await reader.stop()
      for (const relay of relays) expect(relay.stdout + relay.stderr).toContain('"msg":"stopped"')
    } finally {
      clearInterval(speaking)
      await peer.close()
    }
  }, 900_000)
})

/** Money for the key of a home, from the relay's admin. */
const credit = async (peer: AgentChatClient, home: string, env: object, currency: string, amountMinor: number): Promise<void> => {
  const id = execFileSync('agentchat', ['whoami', '--field', 'agent_id'], {
    encoding: 'utf8',
    env: { ...env, HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
  await peer.request('ADMIN_CREDIT', { admin_key: adminKey, agent_id: id, currency, amount_minor: amountMinor, note: 'for a test' })
}

test('the tutorial runs as it is written, and prints what it says', async () => {
  using folder = newFolder()
  const meant: [string, string][] = []
  await using reader = new Reader({ folder: folder.path, env: { ...installed(folder), AGENTCHAT_PORT: '0' }, meant })
  const printed: string[] = []
  const blocks = blocksOf('docs/TUTORIAL.md')
  for (const block of blocks) {
    const text = await reader.read(block)
    if (block.prints !== undefined) printed.push(text)
    if (meant.length === 0) meant.push([localUrl, (await reader.running('serve').prints(urlPattern))[0]])
  }
  const said = blocks.flatMap(block => block.prints === undefined ? [] : [block.prints])
  expect(asOnPage(printed.join('\n---\n'))).toBe(said.join('\n---\n'))
}, 120_000)

test('the quick start runs as it is written, up to what needs a public name', async () => {
  using folder = newFolder()
  const { cert, key } = newCertificate(folder, 'localhost')
  const tree = folder.at('agentchat')
  clone(tree)
  cpSync(cert, join(tree, 'fullchain.pem'))
  cpSync(key, join(tree, 'privkey.pem'))
  const env = { ...installed(folder), AGENTCHAT_PORT: '0', NODE_EXTRA_CA_CERTS: cert }
  const [port, metricsPort] = [await freePort(), await freePort()]
  const meant: [string, string][] = [
    ['npm ci && npm run build\nnpm install --global .\n', ''],
    ['--port 443', `--port ${port}`],
    ['--metrics-port 9464', `--metrics-port ${metricsPort}`],
    ['http://127.0.0.1:9464', `http://127.0.0.1:${metricsPort}`],
    ['wss://chat.example.org', `wss://localhost:${port}`],
  ]
  await using reader = new Reader({ folder: folder.path, start: tree, env, meant })
  for (const block of blocksOf('docs/QUICKSTART.md')) {
    await reader.read(block)
    if (block.isBackground) await reader.running('serve').prints(urlPattern)
  }
  expect((await reader.stop()).map(({ code }) => code)).toEqual([0])
}, 120_000)

test('the unit for backups takes one, verifies it, and keeps as many as it says', async () => {
  using folder = newFolder()
  const unit = readFileSync('deploy/systemd/agentchat-backup.service', 'utf8')
  const script = /^ExecStart=\/bin\/sh -euc '(.*?)'$/ms.exec(unit)![1]!.replaceAll('\\\n', '').replaceAll('$$', '$').replaceAll('%%', '%')
    .replaceAll('/var/lib/agentchat', folder.at('data')).replaceAll('/var/backups/agentchat', folder.at('backups'))
    .replaceAll('/usr/local/bin/agentchat', 'agentchat').replace('%SZ', '%S%NZ')
  mkdirSync(folder.at('backups'))
  const env = { ...installed(folder), AGENTCHAT_BACKUPS_KEPT: '2', HOME: folder.path }
  await using relay = new ServeProgram(builtBin(), ['--port', '0', '--data', folder.at('data')], { env })
  await relay.url
  const kept: (readonly string[])[] = []
  for (let night = 0; night < 3; night++) {
    execFileSync('/bin/sh', ['-euc', script], { env, stdio: 'ignore' })
    kept.push(readdirSync(folder.at('backups')).sort())
  }
  expect(kept.map(({ length }) => length)).toEqual([1, 2, 2])
  expect(kept[2]).toEqual([kept[1]![1], expect.any(String)])
}, 120_000)

test('blocks that are not run are few, and say why in one of a few ways', () => {
  const reasons = [
    'needs a cluster',
    'needs a container engine',
    'needs a database server',
    'needs a public name',
    'needs a published release',
    'needs an account at Moltbook',
    'needs systemd, as root',
    'needs the Akash network',
    'takes half an hour',
  ]
  const pages = ['README.md', 'SKILL.md', ...readdirSync('docs').filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
  const notRun = pages.flatMap(blocksOf).flatMap(({ notRun }) => notRun ?? [])
  expect([...new Set(notRun)].sort()).toEqual(reasons)
  expect(notRun.length).toBeLessThan(20)
})
