// A pile-on: six agents, each a process of `agentchat wake`, and one question that wakes all of them. One answers; and where the one who would
// have is killed, another one does.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AgentChatClient, setGroup, type ChannelName } from '../../lib/client/index.ts'
import { generateKeyPair } from '../../lib/identity/index.ts'
import { identityOf, newIdentityFile, nodeIdentity, onNode, saveIdentityFile } from '../../lib/node/index.ts'
import { newFolder } from '../kit/folder.ts'
import { Program, builtBin } from '../kit/process.ts'
import { startTestRelay } from '../kit/relay.ts'

const count = 6
const channel: ChannelName = '#desk'

test(`${count} agents and one question: one answer, and one still when who would answer is killed`, async () => {
  using folder = newFolder()
  await using relay = await startTestRelay()
  const { transport, verify } = onNode()
  const clientOf = async (identity: ReturnType<typeof identityOf>) => {
    const client = new AgentChatClient({ server: relay.url, identity, transport, verify })
    await client.connect()
    return client
  }
  const ann = await clientOf(nodeIdentity(generateKeyPair().privateKey, { name: 'ann' }))
  await ann.createChannel(channel)
  const crew: { readonly id: ReturnType<typeof identityOf>['agentId'], readonly file: string }[] = []
  for (let n = 0; n < count; n++) {
    const kept = newIdentityFile(`agent-${n}`, Date.now())
    const file = folder.at(`agent-${n}.json`)
    saveIdentityFile(file, kept)
    const identity = identityOf(kept)
    const member = await clientOf(identity)
    await member.join(channel)
    await member.close()
    crew.push({ id: identity.agentId, file })
  }
  await setGroup(ann, channel, 'crew', crew.map(({ id }) => id))

  // Notes that it runs, and as whom. Who runs first for a question that says so would take a minute.
  const runs = folder.at('runs')
  const command = `if grep -q slowly && mkdir "${folder.at('first')}"; then slow=60; fi; echo "$AGENTCHAT_MSG_ID $ME $$" >> ${runs}; `
    + 'sleep "${slow:-0}"; echo "I am $ME"'
  const workers = crew.map(({ id, file }) =>
    new Program(process.execPath, [builtBin(), 'wake', relay.url, '--exec', command, '--reply', '--floor', '-i', file], {
      env: { HOME: folder.path, ME: id },
    })
  )
  const runsOf = (msgId: string) => {
    try {
      return readFileSync(runs, 'utf8').split('\n').map(line => line.split(' ')).filter(([of]) => of === msgId)
    } catch {
      return []
    }
  }
  const answersTo = async (msgId: string) =>
    (await ann.request('HISTORY', { channel, limit: 100 })).events.filter(event => event['in_reply_to'] === msgId)
  /** Once each of them is done with it. */
  const dealtWith = async (msgId: string, by: number) =>
    expect.poll(async () => (await ann.status(msgId)).recipients.filter(({ state }) => state === 'read').length, { timeout: 30_000 }).toBe(
      by,
    )
  try {
    for (const worker of workers) await worker.prints(/Connected as/)
    const first = await ann.send(channel, '@crew what is two and two?')
    await dealtWith(first.msgId, count)
    const [run, ...more] = runsOf(first.msgId)
    expect(more).toEqual([])
    expect(await answersTo(first.msgId)).toMatchObject([{ from: run![1], content: `I am ${run![1]}` }])

    const second = await ann.send(channel, '@crew what is it, slowly?')
    await expect.poll(() => runsOf(second.msgId).length, { timeout: 20_000 }).toBe(1)
    const [, holder, pid] = runsOf(second.msgId)[0]!
    const killed = workers[crew.findIndex(({ id }) => id === holder)]!
    killed.signal('SIGKILL')
    // What it had begun would hold its output open.
    process.kill(-Number(pid), 'SIGKILL')
    await killed.ended
    // Five seconds without a session: it has gone. No more, or what the others hold is over too.
    for (let waited = 0; waited < 4; waited++) {
      relay.clock.advance(2_000)
      await sleep(300)
    }
    await expect.poll(() => runsOf(second.msgId).length, { timeout: 30_000 }).toBe(2)
    await dealtWith(second.msgId, count - 1)
    const [, next, ...others] = runsOf(second.msgId)
    expect(others).toEqual([])
    expect(next![1]).not.toBe(holder)
    expect(await answersTo(second.msgId)).toMatchObject([{ from: next![1], content: `I am ${next![1]}` }])
  } finally {
    for (const worker of workers) await worker[Symbol.asyncDispose]()
    await ann.close()
  }
}, 90_000)
