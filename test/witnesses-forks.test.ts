// Witnesses against relays that keep two groups apart: found by who asks for a witness, proved by what it cosigned.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { findingOf, readCheckpoint, type LocalIdentity } from '../lib/identity/index.ts'
import type { AgentChatClient } from '../lib/index.ts'
import { openKeeper } from '../src/app.ts'
import { databaseName } from '../src/keeping/files.ts'
import { clientOf, newIdentity, statusOf } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { adminKey, cosignedHead, hostOf, keyOf, link, linksOf, mirrored, startLinkable, until } from './kit/linked.ts'
import { startLyingRelay, type LyingRelay } from './kit/lying-relay.ts'

/** Says so many things at a relay, as somebody who comes and goes. */
const spoken = async (url: string, identity: LocalIdentity, count: number) => {
  const client = await clientOf(url, { identity })
  await client.join('#general')
  for (let i = 0; i < count; i++) await client.send('#general', `message ${i} of ${identity.name}`)
  await client.close()
}

/** Both groups were told the same once; from then on each has its own life, and the witness is shown the first. */
const startApart = async (witnesses: Parameters<typeof startLinkable>[0] = {}) => {
  const witness = await startLinkable(witnesses)
  const relay = await startLyingRelay({ witnesses: [witness.serverId] })
  const [alices, bobs] = [newIdentity('alice'), newIdentity('bob')]
  const first = await relay.live('one')
  for (const identity of [alices, bobs]) await spoken(relay.url, identity, 1)
  await relay.stop('one')
  relay.copy('one', 'other')
  const one = await relay.live('one')
  await link(witness, first, ['#general'], { url: relay.url })
  await spoken(relay.url, alices, 5)
  await using wire = await one.login('eve')
  const head = await cosignedHead(wire)
  return {
    witness,
    relay,
    bobs,
    head: head.checkpoint,
    key: await keyOf(witness),
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]()
      await witness[Symbol.asyncDispose]()
    },
  }
}

/** As who has both would: what the witness cosigned of the one life is shown in the other. Both have to be stopped. */
const showCosigned = (relay: LyingRelay): void => {
  const from = new BetterSqlite3(join(relay.folderOf('one'), databaseName), { readonly: true })
  const rows = from.prepare<[], Record<string, unknown>>('SELECT * FROM cosignatures').all()
  from.close()
  const other = new BetterSqlite3(join(relay.folderOf('other'), databaseName))
  for (const row of rows)
    other.prepare('INSERT OR REPLACE INTO cosignatures VALUES (@channel, @witness, @epoch, @size, @checkpoint, @line)').run(row)
  other.close()
}

describe('a relay that keeps two groups apart', () => {
  const listening = (client: AgentChatClient) => {
    void (async () => {
      for await (const message of client.messages()) message.ack()
    })()
    const told: string[] = []
    client.on('status', status => {
      if (status.kind === 'transcript') told.push(status.problem)
    })
    return told
  }

  test('is found by who asks for one witness, and by nobody who asks for none', async () => {
    await using apart = await startApart()
    const { relay, bobs, key } = apart
    await relay.live('other')
    const careless = await clientOf(relay.url, { identity: newIdentity('carol'), transcripts: 'strict' })
    const told = listening(careless)
    await careless.join('#general', { since: 0 })
    for (let i = 0; i < 8; i++) await careless.send('#general', `for bob ${i}`)
    const bob = await clientOf(relay.url, { identity: bobs, transcripts: 'strict', witnesses: { keys: [key], withinMs: 100 } })
    const [came, ended] = [statusOf(bob, 'transcript'), statusOf(bob, 'ended')]
    listening(bob)
    await bob.join('#general', { since: 0 })
    expect(await came).toMatchObject({ problem: 'unwitnessed', evidence: { stream: '#general' } })
    await ended
    expect(told).toEqual([])
    expect(careless.state).toBe('open')
    await careless.close()
  })

  test('is proved by what the witness cosigned, where it shows that to both', async () => {
    await using apart = await startApart()
    const { relay, bobs, key, head } = apart
    await relay.stop('one')
    showCosigned(relay)
    await relay.live('other')
    await spoken(relay.url, bobs, 8)
    const bob = await clientOf(relay.url, { identity: bobs, witnesses: { keys: [key], withinMs: 100 } })
    const came = statusOf(bob, 'transcript')
    listening(bob)
    await bob.join('#general', { since: 0 })
    const { problem, evidence } = await came
    expect(problem).toBe('fork')
    expect(evidence.heads[0]).toBe(head)
    expect(readCheckpoint(evidence.heads[1]!).size).toBeGreaterThan(readCheckpoint(head).size)
    expect(findingOf(evidence)).toMatchObject({ finding: 'fork' })
    const { proof: _, ...bare } = evidence
    expect(findingOf(bare)).toMatchObject({ finding: 'longer' })
    expect(findingOf({ ...evidence, proof: { ...evidence.proof!, root: evidence.proof!.root.replace(/^./, c => c === 'A' ? 'B' : 'A') } }))
      .toMatchObject({ finding: 'longer' })
    await bob.close()
  })

  test('is refused by the witness itself, which is shown both', async () => {
    await using apart = await startApart()
    const { relay, witness } = apart
    await relay.live('other')
    await spoken(relay.url, apart.bobs, 8)
    relay.cut()
    const { problem } = await until(async () => (await linksOf(witness))[0]?.mirrors.find(({ state }) => state === 'stopped'))
    expect(problem).toMatch(/not what its relay signed/)
  })
})

test('a witness that is linked anew to another history cosigns nothing of it', async () => {
  await using apart = await startApart()
  const { relay, witness, head } = apart
  const other = await relay.live('other')
  await spoken(relay.url, apart.bobs, 9)
  await using operator = await witness.connect()
  await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(relay) }, 'LINKS')
  // It begins anew, as with a relay that it never saw: under another name, too.
  await link(witness, other, ['#general'], { url: relay.url, host: 'elsewhere.example' })
  await mirrored(witness, '#general@elsewhere.example', 11)
  await spoken(relay.url, apart.bobs, 2)
  await mirrored(witness, '#general@elsewhere.example', 13)
  await using ann = await witness.login('ann')
  const { witnessed } = await ann.ask({ type: 'HEAD', channel: '#general@elsewhere.example', witnessed: true }, 'HEAD')
  expect(witnessed![0]).toBe(head)
  // It hands over what it cosigned before: who asks there for witnesses is shown that there are two histories.
  await using wire = await other.login('eve')
  expect((await wire.ask({ type: 'HEAD', channel: '#general', witnessed: true }, 'HEAD')).witnessed).toEqual([head])
  const bob = await clientOf(relay.url, { identity: apart.bobs, witnesses: { keys: [apart.key], withinMs: 100 } })
  const came = statusOf(bob, 'transcript')
  await bob.join('#general', { since: 0 })
  const { evidence } = await came
  expect(findingOf(evidence)).toMatchObject({ finding: 'fork' })
  await bob.close()
})

test('a witness whose data was carried to another relay cosigns no other history than it did', async () => {
  using folder = newFolder()
  const [from, to] = [folder.at('from'), folder.at('to')]
  await using apart = await startApart({ data: from })
  const { relay, head } = apart
  await apart.witness.drain()
  const keeper = await openKeeper()
  let archive = ''
  await keeper.export({ data: from, now: 1, write: text => void (archive += text) })
  const source = (async function*() {
    yield Buffer.from(archive)
  })()
  await keeper.import({ source, data: to, newEpoch: 'f'.repeat(16) })
  const other = await relay.live('other')
  await spoken(relay.url, apart.bobs, 9)
  await using moved = await startLinkable({ data: to })
  const name = `#general@${hostOf(relay)}`
  await link(moved, other, ['#general'], { url: relay.url })
  await mirrored(moved, name, 10)
  await spoken(relay.url, apart.bobs, 2)
  await mirrored(moved, name, 12)
  await using ann = await moved.login('ann')
  expect((await ann.ask({ type: 'HEAD', channel: name, witnessed: true }, 'HEAD')).witnessed).toContain(head)
  const sizes = (await ann.ask({ type: 'HEAD', channel: name, witnessed: true }, 'HEAD')).witnessed!.map(text => readCheckpoint(text).size)
  expect(Math.max(...sizes)).toBe(readCheckpoint(head).size)
})

test('a witness that was put back to a backup cosigns no other history than the one that it is shown to have cosigned', async () => {
  using folder = newFolder()
  const data = (name: string) => folder.at(name)
  let witnessId: string
  let head: string | undefined
  {
    await using first = await startLinkable({ data: data('witness') })
    witnessId = first.serverId
  }
  await using relay = await startLyingRelay({ witnesses: [witnessId] })
  const [alices, bobs] = [newIdentity('alice'), newIdentity('bob')]
  const name = `#general@${hostOf(relay)}`
  const one = await relay.live('one')
  await spoken(relay.url, alices, 1)
  {
    await using before = await startLinkable({ data: data('witness') })
    await link(before, one, ['#general'], { url: relay.url })
    await using wire = await one.login('eve')
    await cosignedHead(wire)
  }
  cpSync(data('witness'), data('backup'), { recursive: true })
  await relay.stop('one')
  relay.copy('one', 'other')
  await relay.live('one')
  {
    await using after = await startLinkable({ data: data('witness') })
    await spoken(relay.url, alices, 4)
    await mirrored(after, name, 5)
    await using wire = await (await relay.live('one')).login('eve')
    head = (await cosignedHead(wire)).checkpoint
  }
  await relay.stop('one')
  // In the other life the home has what the witness cosigned of the first.
  showCosigned(relay)
  await relay.live('other')
  await spoken(relay.url, bobs, 7)
  await using back = await startLinkable({ data: data('backup') })
  await mirrored(back, name, 8)
  await spoken(relay.url, bobs, 2)
  await mirrored(back, name, 10)
  await using ann = await back.login('ann')
  const { witnessed } = await ann.ask({ type: 'HEAD', channel: name, witnessed: true }, 'HEAD')
  expect(readCheckpoint(head).size).toBe(5)
  expect(witnessed![0]).toBe(head)
})
