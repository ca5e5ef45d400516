// Random interleavings of sending, repeating, losing connections, killing clients and killing the relay, against the simplest
// model: every message once, in one order, seen by all.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AgentChatClient, MemoryPositions, type AgentId, type Message, type Target } from '../lib/index.ts'
import type { Identity } from '../lib/identity/index.ts'
import { createVerify, wsTransport } from '../lib/node/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import { newFolder } from './kit/folder.ts'
import { toldProblems } from './kit/kept.ts'
import { freePort } from './kit/port.ts'
import { builtBin, ServeProgram } from './kit/process.ts'
import { identityOf, newKey } from './kit/wire.ts'

const channel = '#general'
const names = ['ann', 'bob', 'eve'] as const
const reconnect = { minMs: 5, maxMs: 40 }

/** A message as its sender meant it. */
interface Meant {
  readonly id: string
  readonly to: Target
  readonly content: string
  isStored: boolean
}

const copyOf = (positions: MemoryPositions): MemoryPositions => {
  const copy = new MemoryPositions()
  if (positions.epoch !== undefined) copy.reset(positions.epoch)
  for (const [stream, seq] of positions.entries()) copy.set(stream, seq)
  return copy
}

/** An agent that outlives its processes: what a program keeps on its disk, and the client that it runs for now. */
class Subject {
  readonly identity: Identity
  readonly #url: string
  /** What it was shown, by stream: in the order it came. */
  readonly view = new Map<string, Message[]>()
  /** What it has to say, in its order, and what it knows to be stored. */
  readonly outbox: Meant[] = []
  #positions = new MemoryPositions()
  #client: AgentChatClient | undefined
  #cut: () => void = () => undefined
  #sending: Promise<unknown>[] = []

  constructor(identity: Identity, url: string) {
    this.identity = identity
    this.#url = url
  }

  /** A new process: it knows what the last one had written down, and says again what that one was not sure of. */
  async live(): Promise<void> {
    let isAlive = true
    const transport: Transport = (url, handlers) => {
      let isCut = false
      const socket = wsTransport(url, {
        open: () => {
          if (!isCut) handlers.open()
        },
        message: text => {
          if (!isCut) handlers.message(text)
        },
        close: (code, reason) => {
          if (!isCut) handlers.close(code, reason)
        },
      })
      // Whatever is on its way, in either direction, is gone.
      const cut = () => {
        if (isCut) return
        isCut = true
        socket.close()
        handlers.close(1_006, 'cut')
      }
      this.#cut = cut
      return {
        send: text => {
          if (!isCut && isAlive) socket.send(text)
        },
        close: (code, reason) => socket.close(code, reason),
      }
    }
    const positions = this.#positions = copyOf(this.#positions)
    const client = this.#client = new AgentChatClient({
      server: this.#url,
      identity: this.identity,
      transport,
      verify: createVerify(),
      reconnect,
      positions,
      heartbeatMs: 500,
      requestTimeoutMs: 10_000,
    })
    client.on('message', message => {
      if (!isAlive) return
      const stream = message.frame.to.startsWith('#')
        ? message.frame.to
        : message.frame.from === this.identity.agentId
        ? message.frame.to
        : message.frame.from
      this.view.set(stream, [...this.view.get(stream) ?? [], message])
    })
    this.kill = () => {
      isAlive = false
      this.#client = undefined
      this.#positions = copyOf(positions)
      this.#sending = []
      void client.close().catch(() => undefined)
      this.#cut()
    }
    for (;;) {
      try {
        await client.connect()
        break
      } catch {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    while (true) {
      try {
        await client.join(channel, positions.get(channel) === undefined ? { since: 0 } : {})
        break
      } catch {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    for (const meant of this.outbox)
      if (!meant.isStored)
        this.#deliver(meant, () => {
          meant.isStored = true
        })
  }

  kill: () => void = () => undefined

  cut(): void {
    this.#cut()
  }

  say(to: Target): void {
    const n = this.outbox.length
    const meant = { id: `${this.identity.name}-${n}`, to, content: `${this.identity.name} ${n}`, isStored: false }
    this.outbox.push(meant)
    this.#deliver(meant, () => {
      meant.isStored = true
    })
  }

  /** Says something again that it has said before, as a program does that lost its memory of the answer. */
  repeat(which: number): void {
    const meant = this.outbox[which % Math.max(1, this.outbox.length)]
    if (meant?.isStored === true) this.#deliver(meant, isDuplicate => expect(isDuplicate).toBe(true))
  }

  #deliver(meant: Meant, stored: (isDuplicate: boolean) => void): void {
    const client = this.#client!
    this.#sending.push(client.send(meant.to, meant.content, { id: meant.id, timeoutMs: 60_000 }).then(
      ({ duplicate }) => stored(duplicate === true),
      (error: unknown) => {
        if (this.#client === client) throw error
      },
    ))
  }

  /** Everything it said is stored, and it is connected. */
  async settle(): Promise<void> {
    await Promise.all(this.#sending)
    await expect.poll(() => this.#client!.state, { timeout: 10_000, interval: 5 }).toBe('open')
  }

  client(): AgentChatClient {
    return this.#client!
  }
}

const stepsOf = fc.array(fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('say' as const), who: fc.nat(2), to: fc.nat(3), times: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), who: fc.nat(2), which: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('cut' as const), who: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('kill' as const), who: fc.nat(2) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill relay' as const) }) },
), { minLength: 8, maxLength: 60 })

const pageAll = async (client: AgentChatClient, where: Parameters<AgentChatClient['history']>[0]) => {
  const all: { readonly seq: number, readonly from: string, readonly content: string }[] = []
  for (;;) {
    const { events, more } = await client.history(where, { after: all.at(-1)?.seq ?? 0, limit: 200 })
    all.push(...events as unknown as typeof all)
    if (!more || events.length === 0) return all
  }
}

test('whatever is lost on the way, each message is stored once, and who comes back has seen what one sees who never left', async () => {
  const keys = names.map(newKey)
  const identities = keys.map((key, i) => identityOf(key, names[i]))
  await fc.assert(fc.asyncProperty(stepsOf, async steps => {
    using data = newFolder()
    const port = await freePort()
    const serve = () =>
      new ServeProgram(builtBin(), ['--port', String(port), '--data', data.path, '--msg-rate', '0', '--log-level', 'error', '--json'])
    let relay = serve()
    try {
      const subjects = identities.map(identity => new Subject(identity, `ws://127.0.0.1:${port}`))
      await relay.url
      for (const subject of subjects) await subject.live()

      for (const step of steps) {
        if (step.do === 'wait') await new Promise(resolve => setTimeout(resolve, step.ms))
        else if (step.do === 'kill relay') {
          relay.signal('SIGKILL')
          await relay.ended
          relay = serve()
        } else {
          const subject = subjects[step.who]!
          if (step.do === 'say') {
            for (let i = 0; i < step.times; i++) subject.say(step.to === 3 ? channel : subjects[step.to]!.identity.agentId)
          } else if (step.do === 'repeat') subject.repeat(step.which)
          else if (step.do === 'cut') subject.cut()
          else {
            subject.kill()
            await relay.url
            await subject.live()
          }
        }
      }

      await relay.url
      for (const subject of subjects) await subject.settle()
      const meantFor = (subject: Subject, to: string) => subject.outbox.filter(meant => meant.to === to).map(({ content }) => content)
      for (const subject of subjects) {
        const me = subject.identity.agentId
        const streams = [channel, ...identities.map(({ agentId }) => agentId)]
        for (const stream of streams) {
          const log = await pageAll(subject.client(), stream === channel ? { channel } : { with: stream as AgentId })
          // One numbering without a hole; each author's words in his order, and each once.
          expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
          for (const author of subjects) {
            const id = author.identity.agentId
            if (stream !== channel && id !== me && id !== stream) continue
            const to = stream === channel ? channel : id === me ? stream : me
            expect(log.filter(({ from }) => from === id).map(({ content }) => content)).toEqual(meantFor(author, to))
          }
          // What others said there was shown, in the order of the log; what is on its way may still come.
          const others = log.filter(({ from }) => from !== me).map(({ content }) => content)
          const seen = () => (subject.view.get(stream) ?? []).filter(({ from }) => from !== me).map(({ content }) => content)
          await expect.poll(() => seen().length, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(others.length)
          expect(seen()).toEqual(others)
        }
      }
      for (const subject of subjects) subject.kill()
    } finally {
      await relay[Symbol.asyncDispose]()
    }
    expect(await toldProblems(data.path, keys)).toEqual([])
  }), { numRuns: 6, endOnFailure: true, interruptAfterTimeLimit: 100_000 })
}, 120_000)
