// Back to any moment, as docs/OPERATIONS.md has the lines: an archive of the write-ahead log, a copy of the server's files, and a server that
// reads both up to a time. Clients of before go on at the relay on it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clientOf, statusOf } from '../kit/client.ts'
import { newFolder } from '../kit/folder.ts'
import { blocksOf, installed } from '../kit/page.ts'
import {
  asked,
  baseBackup,
  crash,
  giveToServer,
  newServerFolder,
  startRecovered,
  startServer,
  stopServer,
  urlOf,
  type Server,
} from '../kit/postgres.ts'
import { startTestRelay } from '../kit/relay.ts'

/** What the page writes into the settings of a server, by its first word. */
const settings = (first: string): string => {
  const [, lines] = new RegExp(`^\`\`\`\\n(${first} = .*?)^\`\`\`$`, 'ms').exec(readFileSync('docs/OPERATIONS.md', 'utf8')) ?? []
  expect(lines, `settings that begin with ${first}`).toBeDefined()
  return lines!
}

test('a database is brought to a moment between two messages: what came before is there, and clients go on under a new epoch', async () => {
  using folder = newFolder()
  const home = newServerFolder()
  const archive = join(home, 'archive')
  mkdirSync(archive)
  giveToServer(archive, 0o700)
  const meant = (lines: string) => lines.replaceAll('/archive/', `${archive}/`)
  const archiving = meant(settings('archive_mode')).trim().split('\n').map(line => line.replace(/^(\w+) = '?(.*?)'?$/, '$1=$2'))
  const server = await startServer(home, archiving)
  const ask = async (sql: string) => (await asked<{ it: string }>(urlOf(server, 'postgres'), sql))[0]!.it
  let recovered: Server | undefined
  try {
    await asked(urlOf(server, 'postgres'), 'CREATE DATABASE agentchat')
    const before = await startTestRelay({ store: urlOf(server, 'agentchat') })
    const heard: string[] = []
    await using client = await clientOf(before, { name: 'reader' })
    client.on('message', ({ content }) => heard.push(content))
    await client.join('#general')
    await client.send('#general', 'in the copy')
    const copy = await baseBackup(server)
    await client.send('#general', 'after the copy')
    const moment = await ask('SELECT clock_timestamp()::text AS it')
    await client.send('#general', 'after the moment')
    await expect.poll(() => heard).toEqual(['in the copy', 'after the copy', 'after the moment'])
    await before.drain()
    const last = join(archive, await ask('SELECT pg_walfile_name(pg_switch_wal()) AS it'))
    await expect.poll(() => existsSync(last), { timeout: 10_000 }).toBe(true)
    await crash(server)

    recovered = await startRecovered(server, copy, meant(settings('restore_command')).replace(/2026-11-21 09:30:00\+00/, moment))
    const url = urlOf(recovered, 'agentchat')
    const [renewal] = blocksOf('docs/OPERATIONS.md').filter(({ commands }) => commands.startsWith('agentchat epoch new --store'))
    const command = renewal!.commands.replace(/postgres:\S+/, `'${url}'`)
    expect(execFileSync('sh', ['-e', '-c', `exec 2>&1\n${command}`], { env: { ...process.env, ...installed(folder) }, encoding: 'utf8' }))
      .toContain(before.store.epoch)
    const again = statusOf(client, 'epoch-changed')
    await using after = await startTestRelay({ store: url, port: Number(new URL(before.url).port) })
    expect(await again).toMatchObject({ epoch: after.store.epoch })
    expect(after.serverId).toBe(before.serverId)
    await client.send('#general', 'next')
    await expect.poll(() => heard.slice(3)).toEqual(['next'])
    await using wire = await after.login('newcomer')
    expect((await wire.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events.map(({ seq, content }) => [seq, content]))
      .toEqual([[1, 'in the copy'], [2, 'after the copy'], [3, 'next']])
  } finally {
    for (const each of [server, recovered]) if (each !== undefined) await stopServer(each)
  }
}, 60_000)
