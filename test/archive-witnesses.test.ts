// Exports with what witnesses cosigned: both verifiers ask for as many as are needed, and refuse what is not theirs.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKeeper, type Keeper } from '../src/app.ts'
import { fingerprintOf } from '../lib/identity/index.ts'
import { cosign, relayWitness, witnessKeyText, witnessPolicy } from '../lib/identity/transcripts/index.ts'
import { memoryFolder, newFolder, type Folder } from './kit/folder.ts'
import { bring, TestLog } from './kit/log.ts'
import { noPython, pythonPath } from './kit/python-run.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith } from './kit/wire.ts'

const witnesses = [newKey(), newKey(), newKey()]
const names = witnesses.map(({ pem }) => witnessKeyText(relayWitness(pem)))
let folder: Folder
let keeper: Keeper
let lines: readonly string[]

beforeAll(async () => {
  folder = newFolder(memoryFolder())
  keeper = await openKeeper()
  const data = folder.at('data')
  {
    const log = new TestLog()
    await using relay = await startTestRelay({
      data,
      witnesses: witnesses.slice(0, 2).map(({ pem }) => fingerprintOf(pem)),
      witnessedLogs: [log.keyText],
    })
    // It is a witness itself: what it cosigned is in the export too.
    log.add(3)
    expect((await bring(relay, log.submission(0))).status).toBe(200)
    await using alice = await relay.login('alice', { key: newKey() })
    const said = async (count: number, by: readonly number[]) => {
      for (let i = 0; i < count; i++) await alice.ask({ type: 'MSG', to: '#general', content: `message ${i}` }, 'ACK')
      const { checkpoint } = await alice.ask({ type: 'HEAD', channel: '#general' }, 'HEAD')
      for (const n of by) {
        const key = witnesses[n]!
        await using wire = await relay.login(`witness-${n}`, { key })
        const line = cosign(checkpoint, { ...relayWitness(key.pem), sign: text => signWith(key, text) }, 1_790_000_000)
        await wire.ask({ type: 'COSIGN', channel: '#general', checkpoint: checkpoint + line }, 'OK')
      }
    }
    await said(3, [0])
    await said(4, [1])
    await said(2, [0])
    await relay.store.write(tx => tx.keep.deleteThrough('#general', 2, 1))
  }
  let text = ''
  await keeper.export({ data, now: 7, write: piece => void (text += piece) })
  lines = text.trimEnd().split('\n')
})
afterAll(() => folder[Symbol.dispose]())

/** As somebody would make it who can count and hash, but has not the relay's key. */
const forged = (change: (lines: string[]) => string[]): string => {
  const body = change(lines.slice(0, -1))
  const text = body.map(line => `${line}\n`).join('')
  const { counts } = JSON.parse(body[0]!) as { counts: object }
  return `${text}${JSON.stringify({ kind: 'end', counts, sha256: createHash('sha256').update(text).digest('hex') })}\n`
}
const cosigned = () => lines.flatMap((line, i) => line.startsWith('{"kind":"cosigned"') ? [i] : [])

const judged = async (text: string, keys: readonly string[], need: number): Promise<readonly [ours: boolean, other: boolean]> => {
  const source = (async function*() {
    yield Buffer.from(text)
  })()
  const ours = await keeper.verifyArchive(source, { ...(keys.length > 0 && { witnesses: witnessPolicy(keys, need) }) })
    .then(() => true, () => false)
  const file = folder.at('file.jsonl')
  writeFileSync(file, text)
  const { stdout, status } = spawnSync(pythonPath()!, [
    'test/verifier/verify.py',
    ...keys.flatMap(key => ['--witness', key]),
    ...(keys.length > 0 ? ['--need', `${need}`] : []),
    file,
  ], { encoding: 'utf8' })
  expect(stdout).toMatch(status === 0 ? /^ok 7 1\n$/ : /^bad /)
  return [ours, status === 0]
}
/** Another letter of base64 there. */
const changed = (line: string, at: number): string => line.slice(0, at) + (line[at] === 'A' ? 'B' : 'A') + line.slice(at + 1)

const both = [true, true]
const neither = [false, false]

test.skipIf(noPython !== undefined)('an export is under as many witnesses as cosigned all of it', async () => {
  const whole = lines.map(line => `${line}\n`).join('')
  // Of each witness the newest, behind its event.
  expect(cosigned().map(i => (JSON.parse(lines[i]!) as { checkpoint: string }).checkpoint.split('\n')[1])).toEqual(['7', '9'])
  expect(lines.filter(line => line.startsWith('{"kind":"witnessed"'))).toHaveLength(1)
  expect(await judged(whole, [], 0)).toEqual(both)
  expect(await judged(whole, [names[0]!], 1)).toEqual(both)
  expect(await judged(whole, names, 1)).toEqual(both)
  expect(await judged(whole, names, 2)).toEqual(neither)
  expect(await judged(whole, [names[1]!], 1)).toEqual(neither)
  expect(await judged(whole, [names[2]!], 1)).toEqual(neither)
})

test.skipIf(noPython !== undefined)('what is changed in it is refused', async () => {
  const [first, last] = cosigned() as [number, number]
  const changes: Readonly<Record<string, (all: string[]) => string[]>> = {
    'taken out': all => all.toSpliced(last, 1),
    'put behind another event': all => all.toSpliced(last, 1).toSpliced(first, 0, all[last]!),
    'of another size': all => all.with(last, all[last]!.replace('\\n9\\n', '\\n8\\n')),
    'another time': all => all.with(last, changed(all[last]!, all[last]!.lastIndexOf(' ') + 12)),
    'another signature': all => all.with(last, changed(all[last]!, all[last]!.lastIndexOf(' ') + 60)),
    'of another stream': all => all.with(last, all[last]!.replace('"stream":"#general"', '"stream":"#generals"')),
    'under a third name': all => all.with(last, all[last]!.replaceAll(fingerprintOf(witnesses[0]!.pem), fingerprintOf(witnesses[2]!.pem))),
    'one event more': all => all.toSpliced(last - 1, 1),
  }
  for (const [name, change] of Object.entries(changes)) {
    const text = forged(all => change([...all]))
    expect(text, name).not.toBe(forged(all => all))
    expect(await judged(text, [names[0]!], 1), name).toEqual(neither)
  }
  expect(await judged(forged(all => all), [names[0]!], 1)).toEqual(both)
})
