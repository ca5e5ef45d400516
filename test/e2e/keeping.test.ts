// Export, import, backup and restore as an operator runs them: beside a relay that is written to, and on what is broken.
import { existsSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'
import { login, newKey, type Wire } from '../kit/wire.ts'

const bin = builtBin()
let folder: Folder

beforeEach(() => {
  folder = newFolder()
  onTestFinished(() => folder[Symbol.dispose]())
})

const run = async (...args: readonly string[]) => {
  await using program = new Program(process.execPath, [bin, ...args], { env: { HOME: folder.path } })
  const { code } = await program.ended
  return { code, stdout: program.stdout, stderr: program.stderr }
}
const serve = (name: string) =>
  new ServeProgram(bin, ['--port', '0', '--data', folder.at(name), '--msg-rate', '0'], { env: { HOME: folder.path } })

/** Says things as fast as they are stored, until it is stopped; gives how many were acknowledged. */
const chatter = (wire: Wire) => {
  let isOver = false
  const work = (async () => {
    let count = 0
    while (!isOver) {
      await wire.ask({ type: 'MSG', to: '#general', content: `line ${count}` }, 'ACK')
      count++
    }
    return count
  })()
  return {
    stop: () => {
      isOver = true
      return work
    },
  }
}

const contentsIn = async (url: string): Promise<{ readonly contents: readonly string[], readonly epoch: string }> => {
  await using reader = await login(url, 'reader')
  const contents: string[] = []
  for (let after = 0;;) {
    const { events, more, epoch } = await reader.ask({ type: 'HISTORY', channel: '#general', after, limit: 200 }, 'HISTORY')
    contents.push(...events.map(({ content }) => String(content)))
    if (!more) return { contents, epoch }
    after = events.at(-1)!.seq!
  }
}
const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`)

describe('beside a running relay', () => {
  test('an export is of one moment, and a new relay made of it knows what was said', async () => {
    await using relay = serve('data')
    await using alice = await login(await relay.url, 'alice', { key: newKey() })
    const talk = chatter(alice)
    await alice.take('ACK', 0)
    const { code, stderr, stdout } = await run('export', '--data', folder.at('data'), '--out', folder.at('all.jsonl'))
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('all.jsonl')
    expect(statSync(folder.at('all.jsonl')).mode & 0o777).toBe(0o600)
    const said = await talk.stop()

    const imported = await run('import', folder.at('all.jsonl'), '--data', folder.at('new'), '--json')
    expect(imported.code).toBe(0)
    const { counts, epoch } = JSON.parse(imported.stdout) as { counts: { event: number }, epoch: string }
    await using other = serve('new')
    expect(await contentsIn(await other.url)).toEqual({ contents: lines(counts.event), epoch })
    expect(counts.event).toBeLessThanOrEqual(said)
  })

  test('a backup is of one moment; restored it is the same relay in a new epoch', async () => {
    await using relay = serve('data')
    const url = await relay.url
    const talk = chatter(await login(url, 'alice', { key: newKey() }))
    const { code } = await run('backup', folder.at('copy.db'), '--data', folder.at('data'))
    expect(code).toBe(0)
    const said = await talk.stop()
    const checked = await run('backup', '--verify', folder.at('copy.db'))
    expect(checked.code).toBe(0)
    const { events, epoch, serverId } = JSON.parse(checked.stdout) as { events: number, epoch: string, serverId: string }
    expect(events).toBeLessThanOrEqual(said)

    // Not under a relay that runs, and not over data that is there.
    const busy = await run('restore', folder.at('copy.db'), '--data', folder.at('data'), '--force')
    expect(busy).toMatchObject({ code: 8, stderr: expect.stringContaining('A relay runs') as string })
    relay.signal('SIGTERM')
    await relay.ended
    expect((await run('restore', folder.at('copy.db'), '--data', folder.at('data'))).code).toBe(5)
    expect((await run('restore', folder.at('copy.db'), '--data', folder.at('data'), '--force')).code).toBe(0)
    await using again = serve('data')
    const restored = await contentsIn(await again.url)
    expect(restored.contents).toEqual(lines(events))
    expect(restored.epoch).not.toBe(epoch)
    await using wire = await login(await again.url, 'carol')
    expect(wire.heard.find(frame => frame.type === 'WELCOME')).toMatchObject({ server_id: serverId })
  })
})

describe('in pipes', () => {
  test('an export goes straight into an import', async () => {
    {
      await using relay = serve('data')
      await using alice = await login(await relay.url, 'alice', { key: newKey() })
      for (const content of lines(300)) await alice.ask({ type: 'MSG', to: '#general', content }, 'ACK')
    }
    await using both = new Program('bash', ['-c', `"$NODE" "$BIN" export --data data | "$NODE" "$BIN" import - --data new`], {
      cwd: folder.path,
      env: { HOME: folder.path, NODE: process.execPath, BIN: bin },
    })
    expect(await both.ended).toEqual({ code: 0, signal: null })
    await using first = new Program('bash', ['-c', `"$NODE" "$BIN" export --data data | head -1; echo "\${PIPESTATUS[0]}"`], {
      cwd: folder.path,
      env: { HOME: folder.path, NODE: process.execPath, BIN: bin },
    })
    await first.ended
    expect(first.stdout).toMatch(/^\{"format":"agentchat-export\/2".*\}\n0\n$/)
    const [general] = (await run('export', '--data', folder.at('new'), '-c', '#general', '-c', '#help')).stdout.split('\n')
    expect(JSON.parse(general!)).toMatchObject({ counts: { channel: 2, event: 300, ban: 0, inbox: 0 } })
    expect((await run('export', '--data', folder.at('new'), '-c', '#nowhere')).code).toBe(4)
  })
})

describe('what is broken', () => {
  test('an archive that was cut or changed leaves nothing, and says which line', async () => {
    {
      await using relay = serve('data')
      await using alice = await login(await relay.url, 'alice', { key: newKey() })
      for (const content of lines(5)) await alice.ask({ type: 'MSG', to: '#general', content }, 'ACK')
    }
    const archive = (await run('export', '--data', folder.at('data'))).stdout
    writeFileSync(folder.at('cut.jsonl'), archive.slice(0, archive.indexOf('line 3')))
    writeFileSync(folder.at('changed.jsonl'), archive.replace('line 3', 'LINE 3'))
    for (
      const [file, why] of [['cut.jsonl', /Line \d+: .*cut/], [
        'changed.jsonl',
        /Line \d+: the events are not those that the relay signed/,
      ]] as const
    ) {
      const { code, stderr } = await run('import', folder.at(file), '--data', folder.at('new'))
      expect(code).toBe(5)
      expect(stderr).toMatch(why)
      expect(stderr).not.toMatch(/^\s+at /m)
      expect(existsSync(folder.at('new'))).toBe(false)
    }
    const json = await run('import', folder.at('cut.jsonl'), '--data', folder.at('new'), '--json')
    expect(JSON.parse(json.stderr)).toMatchObject({ error: 'refused', exit_code: 5, retry: false })
    expect((await run('import', folder.at('nowhere.jsonl'), '--data', folder.at('new'))).code).toBe(4)
  })

  test('a copy that was cut is refused, and what is there stays', async () => {
    {
      await using relay = serve('data')
      await relay.url
    }
    expect((await run('backup', folder.at('copy.db'), '--data', folder.at('data'))).code).toBe(0)
    expect((await run('backup', folder.at('copy.db'), '--data', folder.at('data'))).code).toBe(5)
    truncateSync(folder.at('copy.db'), 30_000)
    const before = readFileSync(folder.at('data/agentchat.db'))
    expect((await run('backup', '--verify', folder.at('copy.db'))).code).toBe(5)
    expect((await run('restore', folder.at('copy.db'), '--data', folder.at('data'), '--force')).code).toBe(5)
    expect(readFileSync(folder.at('data/agentchat.db')).equals(before)).toBe(true)
    expect((await run('backup', folder.at('x.db'), '--data', folder.at('nowhere'))).code).toBe(4)
  })

  test('Ctrl-C ends an import with 130, and leaves nothing', async () => {
    await using program = new Program(process.execPath, [bin, 'import', '-', '--data', folder.at('new')], { env: { HOME: folder.path } })
    program.stdin.write(`${JSON.stringify({ format: 'agentchat-export/1' })}`)
    while (!existsSync(folder.at('new')) && program.stderr === '') await setTimeout(20)
    program.signal('SIGINT')
    expect(await program.ended).toEqual({ code: 130, signal: null })
    expect(readdirSync(folder.path).filter(name => name !== '.agentchat')).toEqual([])
  })
})
