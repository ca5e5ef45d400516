// Heads and proofs of a relay, read by the code with which Go checks its own log of modules: it comes with Go, where Go's sources do, so that nothing
// is fetched. Without Go on the PATH there is nothing to check with.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { keyOf, textsIn } from '../kit/linked.ts'
import { startTestRelay } from '../kit/relay.ts'
import { newKey } from '../kit/wire.ts'

const rootOfGo = ((): string | undefined => {
  const asked = spawnSync('go', ['env', 'GOROOT'], { encoding: 'utf8' })
  return asked.status === 0 ? asked.stdout.trim() : undefined
})()
const vendored = join(rootOfGo ?? '', 'src/cmd/vendor/golang.org/x')
const noGo = rootOfGo === undefined
  ? 'go is not on the PATH'
  : existsSync(join(vendored, 'mod/sumdb/tlog'))
  ? undefined
  : `${vendored} has no mod/sumdb`

interface Proof {
  readonly serverId: string
  /** The 32 bytes of an Ed25519 key, base64. */
  readonly key: string
  readonly checkpoint: string
  readonly text?: string
  readonly inclusion?: readonly string[]
  readonly from?: number
  readonly former?: string
  readonly consistency?: readonly string[]
}

/** Builds the verifier beside what it needs of Go's own. */
const built = (folder: Folder): (cases: readonly Proof[]) => readonly string[] => {
  const modules = ['mod', 'crypto'].filter(name => existsSync(join(vendored, name)))
  const parts = ['mod/sumdb/note', 'mod/sumdb/tlog', 'crypto/ed25519'].filter(part => existsSync(join(vendored, part)))
  for (const part of parts) cpSync(join(vendored, part), folder.at(part), { recursive: true, dereference: true })
  for (const name of modules) {
    mkdirSync(folder.at(name), { recursive: true })
    writeFileSync(folder.at(`${name}/go.mod`), `module golang.org/x/${name}\n`)
  }
  const lines = (prefix: string, end: (name: string) => string) =>
    modules.map(name => `${prefix} golang.org/x/${name} ${end(name)}\n`).join('')
  writeFileSync(folder.at('go.mod'),
    `module agentchat.example/verify\n\ngo 1.19\n\n${lines('require', () => 'v0.0.0')}${lines('replace', name => `=> ./${name}`)}`)
  cpSync(join(import.meta.dirname, 'verify.go'), folder.at('verify.go'))
  // Nothing is asked of a network, and nothing is left behind.
  const env = {
    ...{ PATH: process.env['PATH'], HOME: folder.path, GOPATH: folder.at('path'), GOCACHE: folder.at('cache') },
    ...{ GOPROXY: 'off', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' },
  }
  execFileSync('go', ['build', '-o', 'verify', '.'], { cwd: folder.path, env })
  return cases => execFileSync(folder.at('verify'), { input: JSON.stringify(cases), encoding: 'utf8' }).trim().split('\n')
}

/** One character of base64 is another. */
const other = (hash: string): string => (hash.startsWith('A') ? 'B' : 'A') + hash.slice(1)
const rootIn = (checkpoint: string): string => checkpoint.split('\n')[2]!
const last = (pem: string): string => Buffer.from(pem.replaceAll(/-----.*?-----|\s/g, ''), 'base64').subarray(-32).toString('base64')

describe.skipIf(noGo !== undefined)(`Go's own note and tlog${noGo === undefined ? '' : ` (${noGo})`}`, () => {
  let verdictsOf: ReturnType<typeof built>
  beforeAll(() => {
    const folder = newFolder()
    verdictsOf = built(folder)
    return () => folder[Symbol.dispose]()
  }, 120_000)

  test('take each head, event and beginning of what a relay has, and nothing of it that is changed', async () => {
    await using relay = await startTestRelay()
    await using ann = await relay.login('ann', { key: newKey() })
    const heads: string[] = []
    const size = 21
    for (let n = 1; n <= size; n++) {
      await ann.ask({ type: 'MSG', to: '#general', content: `“${n}” <&> \u2028 ü`, id: `${n}` }, 'ACK')
      heads.push((await ann.ask({ type: 'HEAD', channel: '#general' }, 'HEAD')).checkpoint)
    }
    const texts = await textsIn(relay, '#general')
    const of = { serverId: relay.serverId, key: last(await keyOf(relay)) }
    const cases: Proof[] = heads.map(checkpoint => ({ ...of, checkpoint }))
    for (let n = 1; n <= size; n++) {
      const { checkpoint, consistency, inclusion } = await ann.ask({ type: 'HEAD', channel: '#general', from: n, seq: n }, 'HEAD')
      cases.push({
        ...{ ...of, checkpoint, text: texts[n - 1]!, inclusion: inclusion! },
        ...{ from: n, former: rootIn(heads[n - 1]!), consistency: consistency! },
      })
    }
    expect(verdictsOf(cases)).toEqual(cases.map(() => 'ok'))

    const { checkpoint, text, inclusion, former, consistency, ...rest } = cases[size + 4]! as Required<Proof>
    const good: Proof = { ...rest, checkpoint, text, inclusion, former, consistency }
    const changed: Readonly<Record<string, Proof>> = {
      'another relay': { ...good, key: last(newKey().pem) },
      'another name': { ...good, serverId: '0'.repeat(64) },
      'a root that was not signed': { ...good, checkpoint: checkpoint.replace(rootIn(checkpoint), other(rootIn(checkpoint))) },
      'a size that was not signed': { ...good, checkpoint: checkpoint.replace(`\n${size}\n`, `\n${size - 1}\n`) },
      'another content': { ...good, text: text.replace('”', '’') },
      'another number': { ...good, text: text.replace('"seq":5', '"seq":6') },
      'another event': { ...good, text: texts[5]! },
      'no proof of the event': { ...good, inclusion: [] },
      'another beginning': { ...good, former: other(former) },
      'another size of it': { ...good, from: 6 },
      'no proof of it': { ...good, consistency: [] },
      ...Object.fromEntries(inclusion.map((hash, i) => [`node ${i} of the event`, { ...good, inclusion: inclusion.with(i, other(hash)) }])),
      ...Object.fromEntries(
        consistency.map((hash, i) => [`node ${i} of the beginning`, { ...good, consistency: consistency.with(i, other(hash)) }]),
      ),
    }
    const verdicts = verdictsOf([good, ...Object.values(changed)])
    expect(verdicts[0]).toBe('ok')
    expect(Object.keys(changed).filter((_, i) => !verdicts[i + 1]!.startsWith('no: '))).toEqual([])
  })

  test('take the vectors', () => {
    const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/transcripts.json'), 'utf8')) as {
      readonly serverId: string
      readonly checkpoint: string
      readonly texts: readonly string[]
      readonly roots: readonly string[]
      readonly inclusion2of3: readonly string[]
      readonly consistency1to3: readonly string[]
    }
    // Of the seed of 32 bytes 01, by RFC 8032.
    const key = 'iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w='
    const { serverId, checkpoint, texts, roots, inclusion2of3: inclusion, consistency1to3: consistency } = vectors
    expect(verdictsOf([{ serverId, key, checkpoint, text: texts[1]!, inclusion, from: 1, former: roots[1]!, consistency }])).toEqual(['ok'])
  })
})
