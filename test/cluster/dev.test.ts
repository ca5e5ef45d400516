// agentchat serve --cluster dev, as a process: its servers and its three processes run, are told of when they end, and are gone when it is.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../src/app.ts'
import { DevCluster as Servers } from '../../src/dev-cluster/cluster.ts'
import { findPrograms } from '../../src/dev-cluster/programs.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { noNats } from '../kit/nats-run.ts'
import { runServer } from '../kit/postgres.ts'
import { builtBin, Program } from '../kit/process.ts'
import { login, newKey } from '../kit/wire.ts'

interface Said {
  readonly nodes: readonly { readonly node: string, readonly url: string, readonly pid: number }[]
  readonly store: string
  readonly postgres_pid: number
  readonly nats_pid: number
}

class DevCluster extends Program {
  private constructor(folder: Folder, more: readonly string[], bin: string) {
    super(process.execPath, [builtBin(), 'serve', '--cluster', 'dev', '--port', '0', '--json', '--msg-rate', '0', ...more], {
      cwd: folder.path,
      env: { TMPDIR: folder.path, PATH: `${bin}${delimiter}${process.env['PATH']}` },
    })
  }

  /** With the PostgreSQL of the other tests. */
  static async start(folder: Folder, more: readonly string[] = []): Promise<DevCluster> {
    return new DevCluster(folder, more, (await runServer()).bin)
  }

  async said(): Promise<Said> {
    await this.until('the cluster', () => this.lineCount > 0)
    return this.jsonLines[0] as unknown as Said
  }
}

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const pidsOf = ({ nodes, postgres_pid, nats_pid }: Said) => [...nodes.map(({ pid }) => pid), postgres_pid, nats_pid]
const comesTrue = async (look: () => boolean): Promise<void> => {
  while (!look()) await new Promise(resolve => setTimeout(resolve, 50))
}
/** As the servers' user may reach it, where that is another one. */
const reachable = (): Folder => {
  const folder = newFolder(tmpdir())
  chmodSync(folder.path, 0o755)
  return folder
}

test('what is not installed is named, with how to get it', () => {
  using folder = newFolder()
  expect(() => findPrograms(folder.path, folder.at('none'))).toThrow(/PostgreSQL 15 or newer \(initdb and postgres\).*none/)
  mkdirSync(folder.at('debian/9/bin'), { recursive: true })
  mkdirSync(folder.at('debian/16/bin'), { recursive: true })
  for (const program of ['debian/9/bin/initdb', 'debian/9/bin/postgres', 'debian/16/bin/initdb', 'debian/16/bin/postgres', 'nats-server'])
    writeFileSync(folder.at(program), '', { mode: 0o755 })
  expect(findPrograms(folder.path, folder.at('debian'))).toEqual({
    initdb: folder.at('debian/16/bin/initdb'),
    postgres: folder.at('debian/16/bin/postgres'),
    nats: folder.at('nats-server'),
  })
})

test('a folder in the place of the database that holds something else is left as it is', async () => {
  using folder = newFolder()
  mkdirSync(folder.at('data/postgres'), { recursive: true })
  writeFileSync(folder.at('data/postgres/init.sql'), 'mine')
  for (const program of ['initdb', 'postgres', 'nats-server']) writeFileSync(folder.at(program), '', { mode: 0o755 })
  const started = Servers.start({
    config: defaultConfig(),
    env: { PATH: folder.path },
    data: folder.at('data'),
    program: [process.execPath],
    onLog: () => undefined,
    onEnd: () => undefined,
  }, new AbortController().signal)
  await expect(started).rejects.toMatchObject({
    message: expect.stringContaining('is not empty') as string,
    hint: expect.stringContaining('--data') as string,
  })
  expect(readFileSync(folder.at('data/postgres/init.sql'), 'utf8')).toBe('mine')
})

describe.skipIf(noNats !== undefined)('serve --cluster dev', () => {
  test('two processes hear each other; one that is killed is told of; SIGINT ends all, and what was kept is there again', async () => {
    using folder = reachable()
    mkdirSync(folder.at('kept'))
    const key = newKey()
    {
      await using cluster = await DevCluster.start(folder, ['--data', folder.at('kept')])
      const said = await cluster.said()
      expect(said.nodes.map(({ node }) => node)).toEqual(['a', 'b', 'c'])
      const [a, b, c] = said.nodes
      await using ada = await login(a!.url, 'ada', { key })
      await using bob = await login(b!.url, 'bob', { key: newKey() })
      await ada.ask({ type: 'MSG', to: '#general', content: 'over there?', id: '1' }, 'ACK')
      expect(await bob.next('MSG')).toMatchObject({ content: 'over there?', seq: 1 })

      process.kill(c!.pid, 'SIGKILL')
      await cluster.prints(/"process":"c","pid":\d+,"how":"SIGKILL"/)
      await bob.ask({ type: 'MSG', to: '#general', content: 'here', id: '2' }, 'ACK')
      expect(await ada.next('MSG')).toMatchObject({ content: 'over there?' })
      expect(await ada.next('MSG')).toMatchObject({ content: 'here', seq: 2 })

      cluster.signal('SIGINT')
      expect(await cluster.ended).toEqual({ code: 0, signal: null })
      expect(pidsOf(said).filter(runs)).toEqual([])
      expect(readdirSync(folder.path)).toEqual(['kept'])
    }
    await using again = await DevCluster.start(folder, ['--data', folder.at('kept')])
    const { nodes } = await again.said()
    await using ada = await login(nodes[2]!.url, 'ada', { key, autojoin: false })
    await ada.ask({ type: 'JOIN', channel: '#general', since: 1 }, 'JOINED')
    expect(await ada.next('MSG')).toMatchObject({ content: 'here', seq: 2, replay: true })
    // Killed itself, it takes everything with it.
    const all = pidsOf(await again.said())
    again.signal('SIGKILL')
    await comesTrue(() => !all.some(runs) && readdirSync(folder.path).join() === 'kept')
  }, 90_000)

  test('with no process of the relay left, it ends, and so does a server that was stopped', async () => {
    using folder = reachable()
    await using cluster = await DevCluster.start(folder)
    const said = await cluster.said()
    process.kill(said.postgres_pid, 'SIGSTOP')
    for (const { pid } of said.nodes) process.kill(pid, 'SIGKILL')
    expect((await cluster.ended).code).toBe(1)
    expect(cluster.stderr).toContain('no process of the relay is left')
    expect(pidsOf(said).filter(runs)).toEqual([])
    expect(existsSync(folder.path) && readdirSync(folder.path)).toEqual([])
  }, 90_000)
})
