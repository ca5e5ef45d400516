// Copies of a database by the server's own tools, as docs/OPERATIONS.md has the lines: the relay on the restored one has what the copy had,
// under a new epoch. And what the commands for directories say where the data is on a server.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Cli } from '../kit/cli.ts'
import { newFolder } from '../kit/folder.ts'
import { blocksOf, installed } from '../kit/page.ts'
import { newDatabase, password, urlOf, type TestDatabase } from '../kit/postgres.ts'
import { startTestRelay } from '../kit/relay.ts'
import { newKey } from '../kit/wire.ts'

const withoutPassword = ({ server, name }: TestDatabase): string => {
  const url = new URL(urlOf(server, name, true))
  url.password = ''
  return url.href
}

test('pg_dump, pg_restore and a new epoch, as the page says', async ({ skip }) => {
  using folder = newFolder()
  await using database = await newDatabase()
  await using restored = await newDatabase('template0')
  // The registry's package has the server only; Debian's has the tools too.
  skip(!existsSync(join(database.server.bin, 'pg_dump')), 'there is no pg_dump beside the server')
  const key = newKey()
  const pages = blocksOf('docs/OPERATIONS.md').filter(({ heading }) => heading === 'Backups of a database')
  expect(pages).toHaveLength(2)
  const env = installed(folder)
  const meant = (commands: string) =>
    commands.replaceAll('postgres://agentchat@db.example/agentchat_restored', withoutPassword(restored))
      .replaceAll('postgres://agentchat@db.example/agentchat', withoutPassword(database))
  const run = (commands: string) =>
    execFileSync('sh', ['-e', '-c', `exec 2>&1\n${meant(commands)}`], {
      cwd: folder.path,
      env: { ...env, PATH: `${database.server.bin}:${env['PATH']}`, PGPASSWORD: password },
      encoding: 'utf8',
    })
  let epoch: string
  {
    await using relay = await startTestRelay({ store: database.url })
    await using alice = await relay.login('alice', { key })
    expect((await alice.ask({ type: 'MSG', to: '#general', content: 'in the copy', id: '1' }, 'ACK')).seq).toBe(1)
    epoch = relay.store.epoch
    // While the relay runs.
    run(pages[0]!.commands)
    expect((await alice.ask({ type: 'MSG', to: '#general', content: 'after it', id: '2' }, 'ACK')).seq).toBe(2)
  }
  expect(run(pages[1]!.commands)).toContain(epoch)
  await using relay = await startTestRelay({ store: restored.url })
  expect(relay.store.epoch).not.toBe(epoch)
  await using alice = await relay.login('alice', { key, autojoin: false })
  // A position of the former life, behind the copy: it is not taken for one of this life.
  expect(await alice.ask({ type: 'JOIN', channel: '#general', since: 2, epoch }, 'JOINED')).toMatchObject({ since: 1 })
  expect((await alice.ask({ type: 'MSG', to: '#general', content: 'another second', id: '3' }, 'ACK')).seq).toBe(2)
})

test('backup and restore name the tools of the server, without its password; a new epoch wants a relay, which does not run', async () => {
  using folder = newFolder()
  using cli = new Cli()
  await using database = await newDatabase()
  const env = { AGENTCHAT_STORE: urlOf(database.server, database.name, true) }
  const backup = await cli.run(['backup', folder.at('copy.db')], { env })
  expect(backup).toMatchObject({ code: 5, stderr: expect.stringContaining(`pg_dump -Fc -f ${folder.at('copy.db')} -d`) as string })
  const restore = await cli.run(['restore', folder.at('copy.db'), '--store', 'env'], { env })
  expect(restore).toMatchObject({ code: 5, stderr: expect.stringContaining('agentchat epoch new') as string })
  for (const { stdout, stderr } of [backup, restore]) expect(decodeURIComponent(stdout + stderr)).not.toContain(password)
  // A directory that is named is what is meant.
  expect((await cli.run(['backup', folder.at('copy.db'), '--data', folder.at('nowhere')], { env })).stderr).not.toContain('pg_dump')

  expect((await cli.run(['epoch', 'new'], { env })).stderr).toContain('holds nothing of a relay')
  {
    await using _relay = await startTestRelay({ store: database.url })
    expect((await cli.run(['epoch', 'new'], { env })).stderr).toContain('Another relay runs on this database')
  }
  const [data, before] = [folder.at('data'), await startTestRelay({ data: folder.at('data') })]
  expect((await cli.run(['epoch', 'new', '--data', data])).code).toBe(8)
  await before.drain()
  expect((await cli.run(['epoch', 'new', '--data', data])).stderr).toContain(before.store.epoch)
  await using after = await startTestRelay({ data })
  expect(after.store.epoch).not.toBe(before.store.epoch)
})
