// The way from one relay to another: cut, also between what the other has done and its answer, held up, mute, or not there at all.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

interface Line {
  /** Who came. */
  readonly near: Socket
  readonly far: Socket
  /** What is said is not passed on: by the one who came, and by the other. */
  isMute: boolean
  isDeaf: boolean
}

export class Way implements Disposable {
  readonly #lines = new Set<Line>()
  readonly #server: Server
  isDown = false
  port = 0

  private constructor(portThere: () => number) {
    this.#server = createServer({ noDelay: true }, near => {
      if (this.isDown) return void near.resetAndDestroy()
      const far = connect({ port: portThere(), host: '127.0.0.1', noDelay: true })
      const line: Line = { near, far, isMute: false, isDeaf: false }
      this.#lines.add(line)
      this.#pass(line, near, far, () => line.isMute)
      this.#pass(line, far, near, () => line.isDeaf)
    })
  }

  static async open(portThere: () => number): Promise<Way> {
    const way = new Way(portThere)
    await once(way.#server.listen(0, '127.0.0.1'), 'listening')
    way.port = (way.#server.address() as AddressInfo).port
    return way
  }

  /** Every line ends. */
  cut(): void {
    for (const { near, far } of this.#lines) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  /** What is said still arrives for as long, and no answer comes; then it is cut. */
  async cutAnswers(wait: () => Promise<unknown>): Promise<void> {
    const lines = [...this.#lines]
    for (const line of lines) line.isDeaf = true
    await wait()
    for (const { near, far } of lines) for (const socket of [near, far]) socket.destroy()
  }

  /** Nothing of what is said arrives for as long, and what the other says does; then it is cut. */
  async cutWords(wait: () => Promise<unknown>): Promise<void> {
    const lines = [...this.#lines]
    for (const line of lines) line.isMute = true
    await wait()
    for (const { near, far } of lines) for (const socket of [near, far]) socket.destroy()
  }

  /** Nobody is there for as long. */
  async shut(wait: () => Promise<unknown>): Promise<void> {
    this.isDown = true
    this.cut()
    await wait()
    this.isDown = false
  }

  /** Nothing arrives for as long and nobody is told; then, at the latest, it is cut. */
  async silence(wait: () => Promise<unknown>): Promise<void> {
    const lines = [...this.#lines]
    for (const line of lines) line.isMute = line.isDeaf = true
    await wait()
    for (const { near, far } of lines) for (const socket of [near, far]) socket.destroy()
  }

  /** Nothing moves for as long; then all of it arrives. */
  async hold(wait: () => Promise<unknown>): Promise<void> {
    const sockets = [...this.#lines].flatMap(({ near, far }) => [near, far])
    for (const socket of sockets) socket.pause()
    await wait()
    for (const socket of sockets) socket.resume()
  }

  close(): void {
    this.#server.close()
    for (const { near, far } of this.#lines) for (const socket of [near, far]) socket.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #pass(line: Line, from: Socket, to: Socket, isLost: () => boolean): void {
    from.on('data', chunk => {
      if (!isLost() && !to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#lines.delete(line)
      to.destroy()
    })
  }
}
