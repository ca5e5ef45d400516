// A relay as the witness of logs elsewhere (https://c2sp.org/tlog-witness, add-checkpoint): it cosigns heads that go on behind what it cosigned, and
// tells what is wrong with others as the specification says.
import { describe, expect, test } from 'vitest'
import { cosignedAt, readWitnessKey, relayWitness, witnessKeyText } from '../lib/identity/index.ts'
import { logKeyText, readCheckpoint, readLogKey, readSubmission, writeSubmission } from '../lib/identity/transcripts/index.ts'
import { openKeeper } from '../src/app.ts'
import { createLogger } from '../src/base/log.ts'
import { whereOf } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { hostOf, keyOf, link, mirrored, startLinkable } from './kit/linked.ts'
import { addCheckpoint, bring, TestLog, type Answer } from './kit/log.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const conflict = (size: number): Answer => ({ status: 409, type: 'text/x.tlog.size', text: `${size}\n` })

const startWitness = async (logs: readonly TestLog[], more: Parameters<typeof startTestRelay>[0] = {}) => {
  const relay = await startTestRelay({ witnessedLogs: logs.map(({ keyText }) => keyText), ...more })
  const key = readWitnessKey(witnessKeyText(relayWitness(await keyOf(relay))))
  return { relay, key, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() }
}

/** It has cosigned all of a log, and none that goes on otherwise behind a part of it; what goes on behind all of it is cosigned. */
const holdsTo = async (relay: TestRelay, log: TestLog, part: number): Promise<void> => {
  const other = log.copy(part)
  other.add(7, 'another')
  expect(await bring(relay, other.submission(part))).toEqual(conflict(log.size))
  expect((await bring(relay, other.submission(log.size))).status).toBe(422)
  const whole = log.size
  log.add(1)
  expect((await bring(relay, log.submission(whole))).status).toBe(200)
}

describe('a witness of other logs', () => {
  test('cosigns a head behind the one before, again as often as it is asked, and gives its line alone', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    const { relay, key } = witness
    for (const [old, more] of [[0, 0], [0, 1], [1, 2], [3, 4], [7, 0], [7, 1_000]] as const) {
      log.add(more)
      const { status, text } = await bring(relay, log.submission(old))
      expect([status, text.split('\n').length], `${old} + ${more}`).toEqual([200, 2])
      expect(cosignedAt(log.head() + text, key)).toBeGreaterThan(1_700_000_000)
    }
    // What a log says behind the third line is cosigned too, and does not count.
    const further = log.head(log.size, { more: 'a line of its own\n' })
    const { status, text } = await bring(relay, writeSubmission({ old: log.size, proof: [], checkpoint: further }))
    expect(status).toBe(200)
    expect(cosignedAt(further + text, key)).toBeDefined()
  })

  test('tells how large the tree was that it cosigned last, to whoever does not know, and cosigns no other of that size', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    const { relay } = witness
    log.add(5)
    expect(await bring(relay, log.submission(3))).toEqual(conflict(0))
    expect((await bring(relay, log.submission(0))).status).toBe(200)
    log.add(4)
    for (const old of [0, 3, 9]) expect(await bring(relay, log.submission(old)), `${old}`).toEqual(conflict(5))
    const other = log.copy(3)
    other.add(2, 'another')
    expect(await bring(relay, other.submission(5))).toEqual(conflict(5))
    // And of nothing there is one root.
    expect(await bring(relay, writeSubmission({ old: 5, proof: [], checkpoint: log.head(5, { root: new Uint8Array(32) }) }))).toEqual(
      conflict(5),
    )
    expect((await bring(relay, log.submission(5))).status).toBe(200)
  })

  test('says in its log, once, that a log signed two histories, with what proves it', async () => {
    const lines: string[] = []
    const log = new TestLog()
    const logger = createLogger({ level: 'warn', format: 'json', destination: { write: line => void lines.push(line) } })
    await using relay = await startTestRelay({ witnessedLogs: [log.keyText] }, { log: logger })
    log.add(4)
    const { text } = await bring(relay, log.submission(0))
    const other = log.copy(3)
    other.add(1, 'another')
    for (let n = 0; n < 3; n++) expect(await bring(relay, other.submission(4))).toEqual(conflict(4))
    expect(lines.map(line => JSON.parse(line) as object).filter(line => 'origin' in line)).toEqual([
      expect.objectContaining({
        origin: log.origin,
        size: 4,
        heads: [log.head() + text, other.head()],
        msg: expect.stringContaining('two histories'),
      }),
    ])
  })

  test('cosigns no other history, however its proof is made, and goes on with the one that it knows', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    const { relay } = witness
    log.add(6)
    expect((await bring(relay, log.submission(0))).status).toBe(200)
    const other = log.copy(4)
    other.add(9, 'another')
    log.add(7)
    const [right, wrong] = [log.proof(6), other.proof(6)]
    const bad: Readonly<Record<string, readonly [checkpoint: string, proof: readonly Uint8Array[]]>> = {
      'another history': [other.head(), wrong],
      'another history with the proof of this one': [other.head(), right],
      'the proof of another': [log.head(), wrong],
      'no proof': [log.head(), []],
      'one hash too few': [log.head(), right.slice(1)],
      'one hash too many': [log.head(), [...right, right[0]!]],
      'another order': [log.head(), right.toReversed()],
      'the same size, and a proof': [log.head(6), right],
      'a larger head than its root is of': [log.head(99, { root: log.root() }), right],
    }
    for (const [name, [checkpoint, proof]] of Object.entries(bad))
      expect((await bring(relay, writeSubmission({ old: 6, proof, checkpoint }))).status, name).toBe(422)
    expect(await bring(relay, log.submission(0))).toEqual(conflict(6))
    expect((await bring(relay, log.submission(6))).status).toBe(200)
  })

  test('asks for a proof where it has cosigned nothing yet: that nothing is to be proved', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    log.add(6)
    const { status } = await bring(witness.relay, writeSubmission({ old: 0, proof: log.proof(3), checkpoint: log.head() }))
    expect(status).toBe(422)
  })

  test('knows the logs that its operator named, each by its own keys', async () => {
    const [log, other, stranger] = [new TestLog(), new TestLog('other.example'), new TestLog('stranger.example')]
    const second = new TestLog(log.origin)
    // Its heads are signed under another name than its origin has.
    const renamed = new TestLog('key.example')
    const named = `${'tree.example/1'} ${renamed.keyText}`
    await using relay = await startTestRelay({ witnessedLogs: [log.keyText, second.keyText, other.keyText, named] })
    for (const each of [log, other, stranger, second]) each.add(3)
    const statusOf = async (checkpoint: string) => (await bring(relay, writeSubmission({ old: 0, proof: [], checkpoint }))).status
    const bodyOf = (text: string) => text.slice(0, text.indexOf('\n\n') + 1)
    const [head, body] = [log.head(), bodyOf(log.head())]
    expect(await statusOf(stranger.head())).toBe(404)
    // The line of another log, that of a stranger, one under its name by another, a changed one, and one of another body.
    const wrong = [
      other.line(body),
      stranger.line(body),
      new TestLog(log.origin).line(body),
      head.slice(body.length + 1).replace(/.{9}\n$/, found => `AAAAAA${found.slice(6)}`),
      log.line(bodyOf(log.head(2))),
    ]
    for (const line of wrong) expect(await statusOf(`${body}\n${line}`), line).toBe(403)
    // Lines of others do not count, whatever they are of.
    const long = `— pq.example ${Buffer.alloc(2_432, 7).toString('base64')}\n`
    expect(await statusOf(`${body}\n${stranger.line(body)}${long}${second.line(body)}`)).toBe(200)
    expect(await statusOf(head.replace(/^.*$/m, 'tree.example/1'))).toBe(403)
    const tree = head.replace(/^.*$/m, 'tree.example/1')
    expect(await statusOf(`${bodyOf(tree)}\n${renamed.line(bodyOf(tree))}`)).toBe(200)
    expect(await statusOf(other.head())).toBe(200)
  })

  test('takes nothing else, and no more than a head and a proof are', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    const { relay } = witness
    log.add(2)
    const whole = log.submission(0)
    const hash = Buffer.alloc(32).toString('base64')
    const bad = [
      '',
      'old 0\n',
      whole.slice(0, -1),
      whole.replace('old 0', 'old 00'),
      whole.replace('old 0', 'old -1'),
      whole.replace('old 0', 'old 99999999999999999'),
      whole.replace('old 0', 'new 0'),
      whole.replace('old 0', 'old 3'),
      whole.replace('old 0\n', 'old 0\nAA==\n'),
      whole.replace('old 0\n', `old 0\n${hash.slice(1)}\n`),
      whole.replace('old 0\n', `old 0\n${`${hash}\n`.repeat(64)}`),
      whole.replace('\n2\n', '\n02\n'),
      whole.replace(/\n\n— .*/s, '\n'),
      whole + 'x'.repeat(17_000),
      log.head(),
    ]
    for (const body of bad) expect((await bring(relay, body)).status, body.slice(0, 80)).toBe(400)
    expect((await bring(relay, 'x'.repeat(70_000))).status).toBe(413)
    const got = await fetch(`${relay.httpUrl}${addCheckpoint}`)
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await bring(relay, whole)).status).toBe(200)
    // 63 hashes are as many as may be sent.
    const { proof } = readSubmission(whole.replace('old 0\n', `old 0\n${`${hash}\n`.repeat(63)}`))
    expect(proof).toHaveLength(63)
  })

  test('is nobody where no log is named; what names none ends the start', async () => {
    await using relay = await startTestRelay()
    expect((await bring(relay, new TestLog().submission(0))).status).toBe(405)
    const { keyText } = new TestLog()
    for (
      const wrong of [keyText.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), `x y ${keyText}`, 'x', witnessKeyText(relayWitness(newKey().pem))]
    )
      await expect(startTestRelay({ witnessedLogs: [wrong] }), wrong).rejects.toThrow(/witnessedLogs: item 1/)
    const witness = witnessKeyText(relayWitness(newKey().pem)).replace(/\+[0-9a-f]{8}\+/, '+00000000+')
    await expect(startTestRelay({ witnesses: [witness] })).rejects.toThrow(/witnesses: item 1/)
    expect(readLogKey(keyText).origin).toBe('log.example/2026')
  })

  test('answers an address as often as others of its pages', async () => {
    const log = new TestLog()
    await using relay = await startTestRelay({ witnessedLogs: [log.keyText], addressRate: 1, addressBurst: 3, msgRate: 5 })
    log.add(1)
    const statuses: number[] = []
    for (let n = 0; n < 6; n++) statuses.push((await bring(relay, log.submission(Math.min(n, 1)))).status)
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200])
    expect(statuses).toContain(429)
  })

  test('knows after a start what it cosigned, and keeps of many heads the newest', async () => {
    using folder = newFolder()
    const data = folder.at('data')
    const log = new TestLog()
    {
      await using witness = await startWitness([log], { data })
      for (let n = 0; n < 40; n++) {
        log.add(1)
        expect((await bring(witness.relay, log.submission(n))).status).toBe(200)
      }
      const { n } = await witness.relay.store.read.tables<{ cosigned: object }>().selectFrom('cosigned')
        .select(({ fn }) => fn.countAll().as('n')).executeTakeFirstOrThrow()
      expect(Number(n)).toBe(16)
    }
    await using witness = await startWitness([log], { data })
    await holdsTo(witness.relay, log, 39)
  })

  test('knows it when its data was carried to another relay: no other history is cosigned there', async () => {
    using folder = newFolder()
    const [from, to] = [folder.at('from'), folder.at('to')]
    const log = new TestLog()
    log.add(9)
    {
      await using witness = await startWitness([log], { data: from })
      for (const [old, size] of [[0, 6], [6, 9]] as const) expect((await bring(witness.relay, log.submission(old, size))).status).toBe(200)
    }
    const keeper = await openKeeper()
    let archive = ''
    await keeper.export({ ...await whereOf(from), now: 1, write: text => void (archive += text) })
    const lines = archive.split('\n').filter(line => line.startsWith('{"kind":"witnessed"'))
    expect(lines).toHaveLength(2)
    const importing = async (text: string, data: string) => {
      const source = (async function*() {
        yield Buffer.from(text)
      })()
      return keeper.import({ source, ...await whereOf(data), newEpoch: 'f'.repeat(16) })
    }
    const lied = archive.replace('"size":9', '"size":8')
    await expect(importing(lied, folder.at('lied'))).rejects.toThrow()
    expect((await importing(archive, to)).counts.witnessed).toBe(2)
    await using witness = await startWitness([log], { data: to })
    await holdsTo(witness.relay, log, 6)
  })

  test('cosigns one of two that go on behind the same, asked at once', async () => {
    const log = new TestLog()
    await using witness = await startWitness([log])
    log.add(8)
    expect((await bring(witness.relay, log.submission(0))).status).toBe(200)
    const branches = Array.from({ length: 8 }, (_, n) => {
      const branch = log.copy()
      branch.add(1 + n, `branch ${n}`)
      return branch
    })
    const answers = await Promise.all(branches.map(branch => bring(witness.relay, branch.submission(8))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const size = branches[answers.findIndex(({ status }) => status === 200)]!.size
    for (const { status, text } of answers) if (status !== 200) expect([status, text]).toEqual([409, `${size}\n`])
  })
})

test('the heads of a channel elsewhere are cosigned as they are brought, and not beside that as they are mirrored', async () => {
  await using home = await startTestRelay()
  await using bob = await home.login('bob')
  const head = async (from?: number) => {
    const { checkpoint, consistency = [] } = await bob.ask({ type: 'HEAD', channel: '#general', ...(from !== undefined && { from }) },
      'HEAD')
    return { checkpoint, proof: consistency.map(hash => Buffer.from(hash, 'base64')) }
  }
  await bob.ask({ type: 'MSG', to: '#general', content: 'one' }, 'ACK')
  const [origin] = (await head()).checkpoint.split('\n')
  await using witness = await startLinkable({ witnessedLogs: [`${origin} ${logKeyText(await keyOf(home))}`] })
  const name = `#general@${hostOf(home)}`
  await link(witness, home, ['#general'])
  await mirrored(witness, name, 1)
  for (const old of [0, 1, 2]) {
    const { checkpoint, proof } = await head(old)
    const { status, text } = await bring(witness, writeSubmission({ old, proof, checkpoint }))
    expect(status).toBe(200)
    expect(cosignedAt(checkpoint + text, relayWitness(await keyOf(witness)))).toBeDefined()
    await bob.ask({ type: 'MSG', to: '#general', content: 'more' }, 'ACK')
    await mirrored(witness, name, old + 2)
  }
  await using ann = await witness.login('ann')
  const { witnessed } = await ann.ask({ type: 'HEAD', channel: name, witnessed: true }, 'HEAD')
  expect(witnessed!.map(text => readCheckpoint(text).size)).toEqual([3, 2, 1])
})
