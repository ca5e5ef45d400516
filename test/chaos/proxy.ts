// The network between clients and relay: it cuts connections after a number of bytes drawn beforehand, in the middle of a frame
// or of the handshake, and lets some stand still for a while.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Random } from './random.ts'

interface Link {
  readonly client: Socket
  readonly relay: Socket
  /** bytes, both directions together, until it is cut */
  left: number
}

/** One connection in so many is cut within its handshake or login. */
const earlyCutChance = 0.15
const earlyBytes = 3_000
const meanBytes = 1_200_000

export class TearingProxy {
  readonly #random: Random
  readonly #relayPort: () => number
  readonly #server: Server
  readonly #links = new Set<Link>()
  /** Off: connections are passed on whole. */
  tears = false
  cuts = 0
  stalls = 0

  constructor(random: Random, relayPort: () => number) {
    this.#random = random
    this.#relayPort = relayPort
    this.#server = createServer({ noDelay: true }, client => this.#accept(client))
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Cuts every connection that there is. */
  cutAll(): void {
    for (const link of this.#links) this.#cut(link)
  }

  /** Stops reading what the relay sends on one connection, or what both ends send: a slow reader, or a dead line that comes back. */
  stallOne(random: Random, ms: number): void {
    const link = [...this.#links][random.between(0, this.#links.size)]
    if (link === undefined) return
    this.stalls++
    const sockets = random.chance(0.5) ? [link.relay] : [link.relay, link.client]
    for (const socket of sockets) socket.pause()
    setTimeout(() => {
      for (const socket of sockets) socket.resume()
    }, ms)
  }

  close(): void {
    this.#server.close()
    for (const { client, relay } of this.#links) for (const socket of [client, relay]) socket.destroy()
  }

  #accept(client: Socket): void {
    const relay = connect({ port: this.#relayPort(), host: '127.0.0.1', noDelay: true })
    const isEarly = this.#random.chance(earlyCutChance)
    const budget = isEarly ? this.#random.between(0, earlyBytes) : this.#random.exponential(meanBytes)
    const link: Link = { client, relay, left: this.tears ? budget : Number.POSITIVE_INFINITY }
    this.#links.add(link)
    this.#pass(link, client, relay)
    this.#pass(link, relay, client)
  }

  #pass(link: Link, from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (link.left <= 0) return
      const isLast = chunk.length >= link.left
      const part = isLast ? chunk.subarray(0, link.left) : chunk
      link.left -= part.length
      if (isLast) to.write(part, () => this.#cut(link))
      else if (!to.write(part)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#links.delete(link)
      to.destroy()
    })
  }

  #cut(link: Link): void {
    this.cuts++
    link.client.resetAndDestroy()
    link.relay.resetAndDestroy()
  }
}
