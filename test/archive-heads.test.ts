// Exports prove themselves: every event is under a head that the relay signed. Two verifiers say so, this one and one in another language, and
// of hundreds of single changes both refuse each.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKeeper, type Keeper } from '../src/app.ts'
import { readCheckpoint } from '../lib/identity/transcripts/index.ts'
import { memoryFolder, newFolder, type Folder } from './kit/folder.ts'
import { noPython, pythonPath } from './kit/python-run.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

let folder: Folder
let keeper: Keeper
let archive: string
let lines: readonly string[]

const verifying = (files: readonly string[]): readonly string[] => {
  const { stdout, stderr, error } = spawnSync(pythonPath()!, ['test/verifier/verify.py', ...files], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) throw error
  const verdicts = stdout.trimEnd().split('\n')
  if (verdicts.length !== files.length) throw new Error(stderr)
  return verdicts
}

const bytesOf = async function*(text: string | Buffer): AsyncGenerator<Buffer> {
  yield Buffer.from(text as string)
}
const ours = (text: string | Buffer) => keeper.verifyArchive(bytesOf(text))
const exportOf = async (data: string): Promise<string> => {
  let text = ''
  await keeper.export({ data, now: 7, write: piece => void (text += piece) })
  return text
}
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

beforeAll(async () => {
  folder = newFolder(memoryFolder())
  keeper = await openKeeper()
  const data = folder.at('data')
  const [alices, bobs] = [newKey(), newKey()]
  {
    await using relay = await startTestRelay({ data })
    await using alice = await relay.login('alice', { key: alices })
    await using bob = await relay.login('bob', { key: bobs })
    for (let i = 1; i <= 20; i++)
      await alice.ask({ type: 'MSG', to: '#general', content: `message ${i} "quoted" ü 🙂`, id: `a${i}` }, 'ACK')
    await bob.ask({ type: 'MSG', to: '#general', content: 'to be erased', id: 'b1' }, 'ACK')
    const { msg_id } = await alice.ask({ type: 'MSG', to: '#general', content: 'first', id: 'c1' }, 'ACK')
    await alice.ask({ type: 'RETRACT', msg_id }, 'ACK')
    await alice.ask({ type: 'MSG', to: bobs.id, content: 'psst', id: 'd1' }, 'ACK')
    await bob.ask({ type: 'ERASE' }, 'ERASED')
    await relay.store.write(tx => tx.keep.deleteThrough('#general', 5, 1))
    // A channel that ended, and one of the same name.
    await alice.ask({ type: 'CREATE_CHANNEL', channel: '#again' }, 'JOINED')
    await alice.ask({ type: 'MSG', to: '#again', content: 'once', id: 'e1' }, 'ACK')
    await alice.ask({ type: 'DELETE_CHANNEL', channel: '#again' }, 'OK')
    // What of the first is left is cleared away by and by, and it may not be made before.
    while ((await alice.answer({ type: 'CREATE_CHANNEL', channel: '#again' })).type === 'ERROR')
      await new Promise(resolve => setTimeout(resolve, 50))
    await alice.ask({ type: 'MSG', to: '#again', content: 'twice', id: 'e2' }, 'ACK')
  }
  archive = await exportOf(data)
  lines = archive.trimEnd().split('\n')
}, 60_000)
afterAll(() => folder[Symbol.dispose]())

/** As somebody would make it who can count and hash, but has not the relay's key. */
const forged = (change: (lines: string[]) => string[]): string => {
  const body = change(lines.slice(0, -1))
  const header = JSON.parse(body[0]!) as { counts: Record<string, number> }
  for (const kind of Object.keys(header.counts)) header.counts[kind] = body.filter(line => line.startsWith(`{"kind":"${kind}"`)).length
  body[0] = JSON.stringify(header)
  const text = body.map(line => `${line}\n`).join('')
  return `${text}${JSON.stringify({ kind: 'end', counts: header.counts, sha256: createHash('sha256').update(text).digest('hex') })}\n`
}

test.skipIf(noPython !== undefined)('an export is under its heads, says this verifier and the other', async () => {
  const checked = await ours(archive)
  expect(checked).toMatchObject({ heads: 3, isSigned: true, serverPubkey: expect.stringContaining('PUBLIC KEY') })
  const file = folder.at('whole.jsonl')
  writeFileSync(file, archive)
  expect(verifying([file])).toEqual([`ok ${checked.counts.event} 3`])
  const heads = lines.filter(line => line.startsWith('{"kind":"head"')).map(line =>
    JSON.parse(line) as { base: { size: number }, checkpoint: string }
  )
  expect(heads.map(({ base }) => base.size)).toEqual(expect.arrayContaining([5, 2, 0]))
  // Not changed but by a forger that changes nothing.
  expect(await ours(forged(all => all))).toMatchObject({ heads: 3, isSigned: false })
})

test('what is imported has the same trees under a new epoch, and goes on with them', async () => {
  const data = folder.at('imported')
  await keeper.import({ source: bytesOf(archive), data, newEpoch: 'b'.repeat(16) })
  const again = await exportOf.call(undefined, await started(data))
  const rootsOf = (text: string) =>
    text.split('\n').filter(line => line.startsWith('{"kind":"head"')).map(line => {
      const { stream, size, root } = readCheckpoint((JSON.parse(line) as { checkpoint: string }).checkpoint)
      return [stream, size, Buffer.from(root).toString('hex')]
    }).sort()
  expect(rootsOf(again)).toEqual(rootsOf(archive))
  const file = folder.at('again.jsonl')
  writeFileSync(file, again)
  expect(verifying([file])[0]).toMatch(/^ok /)
  expect(await ours(again)).toMatchObject({ heads: 3 })
}, 30_000)

/** A relay has run on it, and has given it a key. */
const started = async (data: string): Promise<string> => {
  await using relay = await startTestRelay({ data })
  await using alice = await relay.login('alice', { key: newKey() })
  expect(await alice.ask({ type: 'HEAD', channel: '#general', from: 5, peaks: true }, 'HEAD')).toMatchObject({ oldest: 6 })
  return data
}

test('an archive of before there were heads is read as it was', async () => {
  const older = forged(all => {
    const { server_pubkey: _, ...header } = JSON.parse(all[0]!) as Record<string, unknown>
    return [JSON.stringify({ ...header, format: 'agentchat-export/1' }), ...all.slice(1).filter(line => !line.startsWith('{"kind":"head"'))]
  })
  expect(await ours(older)).toMatchObject({ heads: undefined, isSigned: false })
  await expect(keeper.import({ source: bytesOf(older), data: folder.at('older'), newEpoch: 'c'.repeat(16) })).resolves.toMatchObject({
    isSigned: false,
  })
  // With heads, or without where they have to be, it is neither.
  await expect(ours(older.replace('export/1', 'export/2'))).rejects.toThrow(/Line 1/)
})

describe('single changes of an export', () => {
  const events = () => lines.flatMap((line, i) => line.startsWith('{"kind":"event"') ? [i] : [])
  const heads = () => lines.flatMap((line, i) => line.startsWith('{"kind":"head"') ? [i] : [])
  const at = (place: number, change: (line: string) => string) => (all: string[]) => all.with(place, change(all[place]!))

  const made = (): readonly (readonly [string, string | Buffer])[] => {
    const random = seeded(7)
    const any = (count: number) => Math.floor(random() * count)
    const mutants: [string, string | Buffer][] = []
    // As it is: a bit, anywhere.
    for (let i = 0; i < 250; i++) {
      const bytes = Buffer.from(archive)
      const place = any(bytes.length)
      bytes[place]! ^= 1 << any(8)
      mutants.push([`bit in byte ${place}`, bytes])
    }
    // By a forger with a hash of his own: a bit, in an event or a head.
    const covered = [...events(), ...heads()]
    for (let i = 0; i < 250; i++) {
      const place = covered[any(covered.length)]!
      const bytes = Buffer.from(lines[place]!)
      bytes[any(bytes.length)]! ^= 1 << any(7)
      const line = bytes.toString('latin1')
      if (line.includes('\n')) continue
      mutants.push([
        `forged bit in line ${place + 1}`,
        Buffer.from(forged(at(place, () => `\0${i}\0`)).replace(`\0${i}\0`, line), 'latin1'),
      ])
    }
    for (const place of events()) {
      mutants.push([`line ${place + 1} dropped`, forged(all => all.toSpliced(place, 1))])
      mutants.push([`line ${place + 1} doubled`, forged(all => all.toSpliced(place, 0, all[place]!))])
      if (events().includes(place + 1))
        mutants.push([
          `line ${place + 1} swapped`,
          forged(all => all.toSpliced(place, 2, all[place + 1]!, all[place]!)),
        ])
      for (const field of ['ts', 'from', 'msg_id', 'content', 'to']) {
        mutants.push([
          `${field} of line ${place + 1}`,
          forged(at(place, line => {
            const record = JSON.parse(line) as { text: string }
            const said = JSON.parse(record.text) as Record<string, unknown>
            const value = said[field]
            said[field] = typeof value === 'number'
              ? value + 1
              : field === 'content'
              ? `${String(value)}x`
              : `${String(value).slice(0, -1)}0`
            if (said[field] === value) said[field] = `${String(value).slice(0, -1)}1`
            return JSON.stringify({ ...record, text: JSON.stringify(said) })
          })),
        ])
      }
    }
    for (const place of heads()) {
      mutants.push([`no head in line ${place + 1}`, forged(all => all.toSpliced(place, 1))])
      mutants.push([`two heads in line ${place + 1}`, forged(all => all.toSpliced(place, 0, all[place]!))])
      mutants.push([
        `size in line ${place + 1}`,
        forged(at(place, line => line.replace(/\\n(\d+)\\n/, (_, size) => `\\n${Number(size) + 1}\\n`))),
      ])
      mutants.push([
        `base in line ${place + 1}`,
        forged(at(place, line => line.replace(/"size":(\d+)/, (_, size) => `"size":${Number(size) + 1}`))),
      ])
    }
    mutants.push(['the last event of a channel dropped', forged(all => all.toSpliced(heads()[0]! - 1, 1))])
    for (const share of [0.3, 0.6, 0.999]) mutants.push([`cut at ${share}`, archive.slice(0, Math.floor(archive.length * share))])
    mutants.push(['no end', lines.slice(0, -1).map(line => `${line}\n`).join('')], ['something behind the end', `${archive}{}\n`])
    return mutants
  }

  test.skipIf(noPython !== undefined)('are all refused, by both verifiers', async () => {
    const mutants = made().filter(([, text]) => !Buffer.from(text as string).equals(Buffer.from(archive)))
    expect(mutants.length).toBeGreaterThanOrEqual(500)
    mkdirSync(folder.at('mutants'))
    const files = mutants.map(([, text], i) => {
      const file = folder.at(`mutants/${i}`)
      writeFileSync(file, text)
      return file
    })
    const passed = verifying(files).flatMap((verdict, i) => verdict.startsWith('bad') ? [] : [`the other: ${mutants[i]![0]}`])
    for (const [name, text] of mutants) {
      const told = await ours(text).then(() => undefined, (error: Error) => error.message)
      if (told === undefined) passed.push(`ours: ${name}`)
      else expect(told, name).toMatch(/^Line \d+: /)
    }
    expect(passed).toEqual([])
  }, 120_000)

  test('are not imported either, and nothing is left of the try', async () => {
    for (const [i, place] of [events()[2]!, events().at(-1)!].entries()) {
      const source = bytesOf(
        forged(at(place, line => line.replace('message', 'massage').replace('twice', 'thrice').replace('psst', 'pst'))),
      )
      const data = folder.at(`refused${i}`)
      await expect(keeper.import({ source, data, newEpoch: 'd'.repeat(16) })).rejects.toThrow(
        /the events are not those that the relay signed/,
      )
      expect(() => readFileSync(`${data}/agentchat.db`)).toThrow(/ENOENT/)
    }
  })
})
