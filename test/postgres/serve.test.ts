// A relay as its operator starts it on a PostgreSQL server: from the command line, killed and started again.
import { expect, test } from 'vitest'
import { Cli } from '../kit/cli.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { login, newKey } from '../kit/wire.ts'

test('serve --store keeps what was said over a kill; a second relay is refused; doctor knows the database', async () => {
  await using database = await newDatabase('template0')
  const key = newKey()
  const flags = ['--port', '0', '--store', database.url, '--log-level', 'info', '--json']
  {
    await using relay = new ServeProgram(builtBin(), flags)
    await using wire = await login(await relay.url, 'alice', { key })
    expect(await wire.ask({ type: 'MSG', to: '#general', content: 'kept', id: '1' }, 'ACK')).toMatchObject({ seq: 1 })

    await using second = new ServeProgram(builtBin(), flags)
    expect((await second.ended).code).not.toBe(0)
    expect(second.stderr).toContain('Another relay runs on this database')
    relay.signal('SIGKILL')
    await relay.ended
  }
  await using relay = new ServeProgram(builtBin(), flags)
  await using wire = await login(await relay.url, 'alice', { key })
  expect(await wire.ask({ type: 'MSG', to: '#general', content: 'kept', id: '1' }, 'ACK')).toMatchObject({ seq: 1, duplicate: true })

  using cli = new Cli()
  const looked = await cli.run(['doctor'], { env: { AGENTCHAT_STORE: database.url } })
  expect(looked.json).toContainEqual({ check: 'store', status: 'ok', message: expect.stringMatching(/^PostgreSQL \d+\.\d+$/) as string })
  const away = await cli.run(['doctor'], { env: { AGENTCHAT_STORE: 'postgres://nobody:hidden@127.0.0.1:1/nothing' } })
  expect(away.json).toContainEqual(
    expect.objectContaining({ check: 'store', status: 'fail', next: expect.stringContaining('No PostgreSQL answers there') as string }),
  )
  expect(away.stdout + away.stderr).not.toContain('hidden')
})

test('serve starts again by itself, on its port, when the log of its database has another epoch', async () => {
  await using database = await newDatabase('template0')
  await using relay = new ServeProgram(builtBin(), ['--port', '0', '--store', database.url, '--log-level', 'info', '--json'])
  const url = await relay.url
  await using wire = await login(url, 'alice', { key: newKey() })
  const before = await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  await database.ask("UPDATE meta SET value = 'another life' WHERE key = 'epoch'")
  await database.ask(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )
  expect((await wire.closed()).code).toBe(1012)
  const again = async () => {
    await using other = await login(url, 'alice', { key: newKey() })
    return (await other.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')).epoch
  }
  await expect.poll(() => again().catch(() => undefined), { timeout: 20_000 }).toBe('another life')
  expect(before.epoch).not.toBe('another life')
})
