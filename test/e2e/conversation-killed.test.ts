// Messages, answers, edits, retractions, reactions and reads at random, while the relay's process is killed under them: what was answered
// holds, what was not is asked again and done once, and whoever reads on where he was sees what the model says.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Said } from '../../lib/index.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import { newFolder } from '../kit/folder.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { login, newKey, type Wire } from '../kit/wire.ts'

const channel = '#general'
const steps = Number(process.env['KILL_STEPS'] ?? 60)
const killEvery = 25
const maxMsBeforeKill = 6
const kinds = ['👍', 'ok'] as const
const agents = [0, 1] as const

interface Expected {
  readonly author: number
  content: string
  isGone: boolean
  readonly reactions: Map<string, Set<number>>
}

/** Numbers that only look random. */
const randomFrom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

/** The wires of everybody, to a relay that is killed and begins again. */
class Stage implements AsyncDisposable {
  readonly #flags: readonly string[]
  readonly #keys = [newKey(), newKey(), newKey()]
  readonly said = new Said()
  #relay: ServeProgram | undefined
  #wires: readonly Wire[] = []
  /** Up to where the reader has come. */
  seq = 0

  constructor(flags: readonly string[]) {
    this.#flags = flags
  }

  wire(who: number): Wire {
    return this.#wires[who]!
  }

  /** The last one reads: what came after where it was. */
  async begin(): Promise<void> {
    this.#relay = new ServeProgram(builtBin(), ['--port', '0', '--msg-rate', '0', ...this.#flags])
    const url = await this.#relay.url
    this.#wires = await Promise.all(this.#keys.map((key, i) => login(url, `agent${i}`, { key, autojoin: false })))
    for (const wire of this.#wires.slice(0, -1)) await wire.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
    await this.#wires.at(-1)!.ask({ type: 'JOIN', channel, since: this.seq }, 'JOINED')
  }

  async killed(): Promise<void> {
    this.#relay!.signal('SIGKILL')
    await this.#relay!.ended
    await Promise.all(this.#wires.map(wire => wire.closed()))
    this.#read()
  }

  async readUpTo(seq: number): Promise<void> {
    while (this.seq < seq) {
      await this.#wires.at(-1)!.barrier()
      this.#read()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#wires.map(wire => wire[Symbol.asyncDispose]()))
    await this.#relay?.[Symbol.asyncDispose]()
  }

  #read(): void {
    for (const frame of this.#wires.at(-1)!.heard.splice(0)) {
      if (frame.type !== 'MSG' || frame.seq === undefined) continue
      expect(frame.seq).toBe(this.seq + 1)
      this.seq = frame.seq
      this.said.add(frame)
    }
  }
}

const engines = [
  ['SQLite', () => Promise.resolve({ flags: [], [Symbol.asyncDispose]: () => Promise.resolve() })],
  ['PostgreSQL', async () => {
    const database = await newDatabase()
    return { flags: ['--store', database.url], [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
  }],
] as const

test.each(engines)('every view equals the model after kill -9, on %s', async (_name, place) => {
  using data = newFolder()
  await using kept = await place()
  await using stage = new Stage(['--data', data.path, ...kept.flags])
  const random = randomFrom(Number(process.env['KILL_SEED'] ?? 3))
  const model = new Map<string, Expected>()
  const reads = agents.map(() => 0)
  let [last, asked, kills] = [0, 0, 0]

  /** Every so often the relay dies before it answers, or just after; then it is asked again. */
  const ask = async (who: number, request: { readonly type: string, readonly [field: string]: unknown }): Promise<Frame> => {
    const whole = { ...request, id: `request-${++asked}` }
    const answer = stage.wire(who).answer(whole)
    if (asked % killEvery !== 0) return answer
    const first = answer.catch(() => undefined)
    await sleep(random(maxMsBeforeKill))
    await stage.killed()
    kills++
    const before = await first
    await stage.begin()
    const again = await stage.wire(who).answer(whole)
    if (before?.type === 'ACK') expect(again).toMatchObject({ type: 'ACK', msg_id: before.msg_id, seq: before.seq, duplicate: true })
    return again
  }
  const acknowledged = async (who: number, request: Parameters<typeof ask>[1]): Promise<Frame<'ACK'>> => {
    const answer = await ask(who, request)
    if (answer.type !== 'ACK') throw new Error(JSON.stringify(answer))
    last = answer.seq
    return answer
  }
  const pick = (isWanted: (message: Expected) => boolean) => {
    const found = [...model].filter(([, message]) => !message.isGone && isWanted(message))
    return found[random(found.length)]
  }

  await stage.begin()
  for (let step = 0; step < steps; step++) {
    const who = random(agents.length)
    const content = `text ${step}`
    const kind = kinds[random(kinds.length)]!
    const what = model.size < 3 ? 0 : random(12)
    const own = pick(({ author }) => author === who)
    const any = pick(() => true)
    if (what <= 2 || own === undefined || any === undefined) {
      const { msg_id } = await acknowledged(who, { type: 'MSG', to: channel, content, ...(any !== undefined && { in_reply_to: any[0] }) })
      model.set(msg_id, { author: who, content, isGone: false, reactions: new Map(kinds.map(each => [each, new Set()])) })
    } else if (what <= 5) {
      await acknowledged(who, { type: 'EDIT', msg_id: own[0], content })
      own[1].content = content
    } else if (what === 6) {
      await acknowledged(who, { type: 'RETRACT', msg_id: own[0] })
      Object.assign(own[1], { content: '', isGone: true })
    } else if (what <= 10) {
      const answer = await ask(who, { type: what <= 9 ? 'REACT' : 'UNREACT', msg_id: any[0], kind })
      expect(answer.type).toBe('REACTED')
      if (what <= 9) any[1].reactions.get(kind)!.add(who)
      else any[1].reactions.get(kind)!.delete(who)
    } else {
      const seq = 1 + random(last)
      expect(await ask(who, { type: 'READ', channel, seq })).not.toMatchObject({ type: 'ERROR' })
      reads[who] = Math.max(reads[who]!, seq)
    }
  }
  expect(kills).toBeGreaterThan(1)
  await stage.killed()
  await stage.begin()

  const wanted = [...model].map(([id, { content, isGone }]) => ({ id, content, isGone }))
  const shown = (said: Said) => said.messages().map(({ id, content, isGone }) => ({ id, content, isGone }))
  await stage.readUpTo(last)
  expect(shown(stage.said)).toEqual(wanted)
  const { events } = await stage.wire(0).ask({ type: 'HISTORY', channel, limit: 200 }, 'HISTORY')
  const late = new Said()
  for (const event of events) late.add(event as Frame<'MSG'>)
  expect(shown(late)).toEqual(wanted)
  const { list } = await stage.wire(0).ask({ type: 'REACTIONS', channel, since: 0, limit: 100 }, 'REACTIONS')
  for (const [id, { isGone, reactions }] of model) {
    const counts = Object.fromEntries((list.find(({ msg_id }) => msg_id === id)?.sums ?? []).map(({ kind, count }) => [kind, count]))
    const meant = isGone ? [] : [...reactions].flatMap(([kind, by]) => by.size === 0 ? [] : [[kind, by.size] as const])
    expect(counts, id).toEqual(Object.fromEntries(meant))
  }
  for (const who of agents) {
    const { channels } = await stage.wire(who).ask({ type: 'UNREAD' }, 'UNREAD')
    expect(channels).toMatchObject([{ channel, seq: last, read: reads[who]!, unread: last - reads[who]! }])
  }
}, 120_000)
