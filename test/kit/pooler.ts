// A pooler before a PostgreSQL server, as PgBouncer is one by the transaction: whoever says something is lent a connection of the server until
// its transaction is over, the one that was given back last. Nobody is asked for a password.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Server } from './postgres.ts'

export interface Pooler extends AsyncDisposable {
  readonly port: number
}

export interface PoolerOptions {
  readonly database: string
  /** As PgBouncer does unless it is told to ignore them, it refuses connections with parameters that it does not know. */
  readonly isStrict?: boolean
}

const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

const ready = message('Z', Buffer.from('I'))
const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('K', Buffer.alloc(8)), ready])
const refusal = message('E', Buffer.from('SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0'))

/** Calls for each message of the server: its type, and what follows the length. */
const messages = (each: (type: string, body: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = rest.readInt32BE(1) + 1
      each(rest.toString('latin1', 0, 1), rest.subarray(5, end))
      rest = rest.subarray(end)
    }
  }
}

/** A connection of the server, which tells those who have it what they hear. */
class Lent {
  readonly #socket: Socket
  to: Socket | undefined
  isIdle: () => void = () => undefined

  constructor({ folder, port }: Server, database: string) {
    this.#socket = connect(`${folder}/.s.PGSQL.${port}`)
    const body = Buffer.from(`\0\x03\0\0user\0agentchat\0database\0${database}\0\0`)
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    this.#socket.write(Buffer.concat([length, body]))
    this.#socket.on('error', () => undefined)
    let isStarted = false
    this.#socket.on('data', messages((type, part) => {
      if (isStarted) this.to?.write(message(type, part))
      if (type !== 'Z') return
      if (isStarted && part.toString() === 'I') this.isIdle()
      isStarted = true
    }))
  }

  say(chunk: Buffer): void {
    this.#socket.write(chunk)
  }

  end(): void {
    this.#socket.destroy()
  }
}

export const startPooler = async (server: Server, { database, isStrict = false }: PoolerOptions): Promise<Pooler> => {
  const free: Lent[] = []
  const all: Lent[] = []
  const clients = new Set<Socket>()
  const lend = (client: Socket): Lent => {
    const lent = free.pop() ?? new Lent(server, database)
    if (!all.includes(lent)) all.push(lent)
    lent.to = client
    return lent
  }
  const listener = createServer(client => {
    clients.add(client)
    client.on('error', () => undefined)
    client.on('close', () => clients.delete(client))
    client.once('data', startup => {
      if (isStrict && startup.includes('statement_timeout')) return void client.end(refusal)
      client.write(welcome)
      let lent: Lent | undefined
      client.on('data', chunk => {
        if (chunk[0] === 'X'.charCodeAt(0)) return void client.end()
        if (lent === undefined) {
          lent = lend(client)
          lent.isIdle = () => {
            free.push(lent!)
            lent = undefined
          }
        }
        lent.say(chunk)
      })
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      for (const lent of all) lent.end()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}
