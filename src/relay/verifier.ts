// Checks signatures on threads of its own. Node's pool does it too, but each call there costs its caller a good part of what it
// saves, and its threads take the processor from the event loop: here signatures go over many at a time, to threads that step back for it.
// Each address has its turn.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { publicKeyBytes } from '../../lib/identity/index.ts'
import { Turns, type Source } from './turns.ts'

/** Signatures that go over together: few enough that the answer to the first does not wait long for the last. */
const maxTogether = 16
/** What a thread has before it at most: the next ones are chosen when it is nearly through, so that nobody waits for another one's crowd. */
const maxAhead = 2 * maxTogether
/** Parsed keys that a thread keeps. */
const maxKeys = 10_000

/** Text, so that it is the same from sources and from a build. A signature is standard base64, with nothing left over. */
const program = `
  const { createPublicKey, verify } = require('node:crypto')
  const { setPriority } = require('node:os')
  const { parentPort } = require('node:worker_threads')
  try { if (process.platform === 'linux') setPriority(0, 10) } catch {} // of this thread; it only loses its good manners
  const keys = new Map()
  const keyOf = x => {
    const key = keys.get(x) ?? createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
    if (keys.size >= ${maxKeys}) keys.clear()
    keys.set(x, key)
    return key
  }
  const holds = ({ x, text, signature }) => {
    const bytes = Buffer.from(signature, 'base64')
    return bytes.length === 64 && bytes.toString('base64') === signature && verify(null, Buffer.from(text), keyOf(x), bytes)
  }
  parentPort.on('message', checks => parentPort.postMessage(checks.map(check => { try { return holds(check) } catch { return false } })))`

interface Waiting {
  readonly check: { readonly x: string, readonly text: string, readonly signature: string }
  readonly resolve: (holds: boolean) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  /** In the order in which they went over. */
  readonly waiting: Waiting[]
}

export class Verifier {
  readonly #maxThreads: number
  readonly #threads: (Thread | undefined)[] = []
  #next = 0
  readonly #waiting = new Turns<Waiting>()

  constructor({ maxThreads = Math.min(4, availableParallelism()) }: { readonly maxThreads?: number } = {}) {
    this.#maxThreads = maxThreads
  }

  /** Whether a signature (standard base64) is the key's over the text's UTF-8 bytes. Rejects only when its thread ended. */
  async verify(source: Source, publicPem: string, text: string, signature: string): Promise<boolean> {
    let x: string
    try {
      x = Buffer.from(publicKeyBytes(publicPem)).toString('base64url')
    } catch {
      return false
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(source, { check: { x, text, signature }, resolve, reject })
      if (this.#waiting.length === maxTogether) this.#send()
      else if (this.#waiting.length === 1) setImmediate(() => this.#send())
    })
  }

  /** Ends the threads; what was not checked by then is rejected. */
  async close(): Promise<void> {
    for (let next = this.#waiting.take(); next !== undefined; next = this.#waiting.take()) next.reject(ended())
    await Promise.all(this.#threads.map(thread => thread?.worker.terminate()))
  }

  /** As many as the threads have room for, to one after the other. */
  #send(): void {
    for (let full = 0; full < this.#maxThreads && this.#waiting.length > 0; this.#next = (this.#next + 1) % this.#maxThreads) {
      const { worker, waiting } = this.#threads[this.#next] ??= this.#start(this.#next)
      if (waiting.length > maxAhead - maxTogether) full++
      else {
        full = 0
        const more = Array.from({ length: Math.min(maxTogether, this.#waiting.length) }, () => this.#waiting.take()!)
        waiting.push(...more)
        worker.postMessage(more.map(({ check }) => check))
      }
    }
  }

  /** A thread starts when it is first needed. */
  #start(at: number): Thread {
    const worker = new Worker(program, { eval: true })
    const waiting: Waiting[] = []
    worker.on('message', (answers: readonly boolean[]) => {
      waiting.splice(0, answers.length).forEach(({ resolve }, i) => resolve(answers[i]!))
      this.#send()
    })
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      this.#threads[at] = undefined
      for (const { reject } of waiting.splice(0)) reject(ended())
      this.#send()
    })
    worker.unref()
    return { worker, waiting }
  }
}

const ended = (): Error => new Error('A thread that checks signatures ended')
