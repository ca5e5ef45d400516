// What became of messages, against a model: edits, retractions and answers at random, readers that are cut off and relays that begin again.
// Whoever has read everything, however often he was interrupted, sees what the model says; of what was taken back nothing is left.
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Said, isInThread } from '../lib/index.ts'
import type { Frame } from '../lib/protocol/index.ts'
import { isOnPostgres } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const seeds = (process.env['EDIT_SEEDS'] ?? '1,2').split(',').map(Number)
const steps = 120

/** Numbers that only look random. */
const randomFrom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

interface Expected {
  readonly author: number
  readonly root: string
  content: string
  /** what it said before */
  readonly former: string[]
  isGone: boolean
}

/** Somebody who reads, and goes on where he was when he comes back. */
class Reader {
  readonly said = new Said()
  readonly threads = new Map<string, number>()
  #seq = 0
  #wire: Wire | undefined

  async come(relay: TestRelay): Promise<void> {
    this.#wire ??= await relay.login('reader', { autojoin: false })
    await this.#wire.ask({ type: 'JOIN', channel: '#general', since: this.#seq }, 'JOINED')
  }

  async leave(): Promise<void> {
    this.take()
    await this.#wire?.[Symbol.asyncDispose]()
    this.#wire = undefined
  }

  take(): void {
    for (const frame of this.#wire?.heard.splice(0) ?? []) {
      if (frame.type !== 'MSG' || frame.seq === undefined) continue
      expect(frame.seq).toBe(this.#seq + 1)
      this.#seq = frame.seq
      this.said.add(frame)
    }
  }

  async upTo(seq: number): Promise<void> {
    while (this.#seq < seq) {
      await this.#wire!.barrier()
      this.take()
    }
  }
}

test.each(seeds)('every reader sees what the model says, seed %i', async seed => {
  using data = newFolder()
  const random = randomFrom(seed)
  const keys = [newKey(), newKey()]
  const model = new Map<string, Expected>()
  const readers = [new Reader(), new Reader()]
  const start = () => startTestRelay({ data: data.path })
  let relay = await start()
  let wires: Wire[] = []
  let last = 0
  const arrive = async () => {
    wires = []
    for (const [i, key] of keys.entries()) {
      const wire = await relay.login(`author${i}`, { key, autojoin: false })
      await wire.ask({ type: 'JOIN', channel: '#general', limit: 0 }, 'JOINED')
      wires.push(wire)
    }
    for (const reader of readers) await reader.come(relay)
  }
  const pick = () => [...model.keys()][random(model.size)]!
  /** A request that is answered, under an id: sent twice now and then, as after a lost answer. */
  const say = async (
    author: number,
    request: { readonly type: string, readonly [field: string]: unknown },
  ): Promise<Frame<'ACK'> | undefined> => {
    const whole = { ...request, id: `${seed}-${last}-${random(2 ** 31)}` }
    const answer = await wires[author]!.answer(whole)
    if (random(5) === 0) {
      const again = await wires[author]!.answer(whole)
      if (answer.type === 'ACK') expect(again).toMatchObject({ type: 'ACK', msg_id: answer.msg_id, duplicate: true })
      else expect(again).toMatchObject({ type: 'ERROR' })
    }
    if (answer.type !== 'ACK') return undefined
    last = answer.seq
    return answer
  }

  await arrive()
  for (let step = 0; step < steps; step++) {
    const author = random(2)
    const secret = `secret-${seed}-${step}-`
    const kind = model.size < 3 ? 0 : random(12)
    if (kind <= 3) {
      const answered = kind <= 1 || model.size === 0 ? undefined : pick()
      const ack = await say(author, {
        type: 'MSG',
        to: '#general',
        content: secret,
        ...(answered !== undefined && { in_reply_to: answered }),
      })
      const root = answered === undefined ? ack!.msg_id : model.get(answered)!.root
      model.set(ack!.msg_id, { author, root, content: secret, former: [], isGone: false })
    } else if (kind <= 7) {
      const id = pick()
      const message = model.get(id)!
      const ack = await say(author, { type: 'EDIT', msg_id: id, content: secret })
      expect(ack !== undefined, `edit of ${id}`).toBe(message.author === author && !message.isGone)
      if (ack !== undefined) {
        message.former.push(message.content)
        message.content = secret
      }
    } else if (kind === 8) {
      const id = pick()
      const message = model.get(id)!
      const ack = await say(author, { type: 'RETRACT', msg_id: id })
      expect(ack !== undefined, `retraction of ${id}`).toBe(message.author === author && !message.isGone)
      if (ack !== undefined) {
        message.former.push(message.content)
        message.isGone = true
        message.content = ''
      }
    } else if (kind === 9) {
      const reader = readers[random(2)]!
      await reader.leave()
      await reader.come(relay)
    } else if (kind === 10 && random(4) === 0) {
      for (const reader of readers) await reader.leave()
      await relay.drain()
      relay = await start()
      await arrive()
    } else {
      const id = pick()
      const thread = await wires[author]!.ask({ type: 'THREAD', msg_id: id }, 'THREAD')
      const { root } = model.get(id)!
      const members = [...model].filter(([, message]) => message.root === root)
      expect(thread).toMatchObject({ msg_id: root, replies: members.length - 1 })
      const now = new Said()
      for (const event of [...thread.events, ...thread.changes ?? []]) now.add(event as unknown as Frame<'MSG'>)
      expect(now.messages().map(({ id, content }) => [id, content])).toEqual(members.map(([id, { content }]) => [id, content]))
    }
  }

  const wanted = [...model].map(([id, { content, isGone }]) => ({ id, content, isGone }))
  const shown = (said: Said) => said.messages().map(({ id, content, isGone }) => ({ id, content, isGone }))
  for (const reader of readers) {
    await reader.upTo(last)
    expect(shown(reader.said)).toEqual(wanted)
  }
  // Who comes late and reads page by page, each page by itself too.
  const late = new Said()
  for (let after = 0, more = true; more;) {
    const page = await wires[0]!.ask({ type: 'HISTORY', channel: '#general', after, limit: 7 }, 'HISTORY')
    const alone = new Said()
    for (const event of [...page.events, ...page.changes ?? []] as unknown as Frame<'MSG'>[]) {
      alone.add(event)
      late.add(event)
    }
    for (const event of page.events as unknown as Frame<'MSG'>[])
      if (model.has(event.msg_id!)) expect(alone.get(event.msg_id!)).toMatchObject({ content: model.get(event.msg_id!)!.content })
    for (const { seq, replies } of page.threads ?? []) {
      const { msg_id: root } = (page.events as unknown as Frame<'MSG'>[]).find(event => event.seq === seq)!
      expect(replies).toBe([...model.values()].filter(message => message.root === root).length - 1)
    }
    more = page.more
    after = page.events.at(-1)!.seq!
  }
  expect(shown(late)).toEqual(wanted)
  // Live frames tell their thread by themselves.
  for (const { frame } of late.messages())
    if (frame.edit === undefined && !frame.erased && frame.retract === undefined)
      expect(isInThread(frame, model.get(frame.msg_id!)!.root), frame.msg_id).toBe(true)
  const gone = [...model].filter(([, { isGone }]) => isGone).map(([id]) => id)
  expect(gone.length).toBeGreaterThan(0)
  for (const id of gone) {
    const { events } = await wires[0]!.ask({ type: 'EDITS', msg_id: id }, 'EDITS')
    expect(JSON.stringify(events)).not.toContain('secret-')
  }
  for (const reader of readers) await reader.leave()
  await relay.drain()
  if (isOnPostgres) return
  // Nor is anything left of it in the files, where what was edited is.
  const files = readdirSync(data.path).filter(name => name.startsWith('agentchat.db')).map(name =>
    readFileSync(data.at(name)).toString('latin1')
  )
  const isKept = (text: string) => files.some(file => file.includes(text))
  for (const { isGone, former, content } of model.values())
    for (const text of [...former, ...isGone ? [] : [content]]) expect(isKept(text), text).toBe(!isGone)
}, 120_000)
