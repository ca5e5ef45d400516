// A line to a server that a test can stall and cut, and cut behind a COMMIT.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Lines that come from now on lead there. */
  leadTo(port: number): void
  /** Every line ends, as a network does that is gone. */
  cut(): void
  /** Nothing passes on the lines that there are, and nobody is told. */
  stall(): void
  /** The next COMMIT is `lost` on its way to the server, or its `answer` is on the way back; then the line is cut. */
  cutAt(what: 'lost' | 'answer'): void
  /** What is said with this text in it, for the so-manieth time, `passes` or is held, and nothing more is heard on its line. */
  holdAt(text: string, time: number, passes: boolean): void
  /** Whether that has come. */
  readonly isHeld: boolean
  /** So often the question what became of a commit is cut off as well. */
  cutQuestions(times: number): void
  /** How often somebody who had heard of the server said something more. */
  readonly trips: number
  /** How often a COMMIT was cut off. */
  readonly cuts: number
}

export const newProxy = async (target: number): Promise<Proxy> => {
  const lines = new Set<Socket>()
  let there = target
  let next: 'lost' | 'answer' | undefined
  let cuts = 0
  let hold: { readonly text: string, readonly passes: boolean, left: number } | undefined
  let questions = 0
  let trips = 0
  const stalled = new WeakSet<Socket>()
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ port: there, host: '127.0.0.1', noDelay: true })
    let isMute = false
    let isNext = true
    for (const socket of [near, far]) {
      lines.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        lines.delete(socket)
        near.destroy()
        // What was handed over still arrives.
        far.end()
      })
    }
    near.on('data', chunk => {
      if (stalled.has(near)) return
      if (isNext) trips++
      isNext = false
      if (questions > 0 && chunk.includes('pg_xact_status')) {
        questions--
        return void near.destroy()
      }
      if (isMute) return
      if (hold !== undefined && hold.left > 0 && chunk.includes(hold.text) && --hold.left === 0) {
        isMute = true
        return void (hold.passes && far.write(chunk))
      }
      if (next === undefined || !chunk.includes('COMMIT')) return void far.write(chunk)
      cuts++
      isMute = true
      if (next === 'answer') far.write(chunk, () => near.destroy())
      else near.destroy()
      next = undefined
    })
    far.on('data', chunk => {
      isNext = true
      if (!isMute && !stalled.has(near)) near.write(chunk)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: port => {
      there = port
    },
    cut: () => {
      for (const line of lines) line.destroy()
    },
    stall: () => {
      for (const line of lines) stalled.add(line)
    },
    cutAt: what => {
      next = what
    },
    holdAt: (text, time, passes) => {
      hold = { text, passes, left: time }
    },
    get isHeld() {
      return hold?.left === 0
    },
    cutQuestions: times => {
      questions = times
    },
    get trips() {
      return trips
    },
    get cuts() {
      return cuts
    },
    [Symbol.asyncDispose]: async () => {
      for (const line of lines) line.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
