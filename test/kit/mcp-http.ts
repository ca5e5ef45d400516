// The door of MCP over HTTP for tests: on a listener of its own, at a real relay, for agents that are known by a word.
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import * as sdk from '@modelcontextprotocol/server'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Identity } from '../../lib/identity/index.ts'
import { Gate } from '../../src/doors/mcp/gate.ts'
import type { McpDoor } from '../../src/doors/mcp/http.ts'
import { toolsDoor, type Admitted } from '../../src/doors/mcp/door.ts'
import { isWelcomeOrigin } from '../../src/relay/browser-origin.ts'
import type { DoorVisit } from '../../src/relay/inside.ts'
import { clientOf, newIdentity } from './client.ts'
import { callWith, newHost, type Era } from './mcp.ts'
import type { TestRelay } from './relay.ts'

/** A request as the relay hands it to a door. */
export const visitOf = (request: IncomingMessage, response: ServerResponse): DoorVisit => ({
  request,
  response,
  address: '127.0.0.1',
  path: '/mcp',
  query: new URLSearchParams(),
  isWelcome: true,
  isBanned: false,
  owe: () => undefined,
  took: () => undefined,
  pace: () => 0,
  charge: () => undefined,
  goesOn: () => undefined,
})

export interface OpenDoor extends AsyncDisposable {
  readonly url: string
  readonly door: McpDoor<never>
  readonly failures: readonly unknown[]
}

/** `port`: where the former one was; `secret`: its. */
export const openDoor = async (
  { inside, store }: Pick<TestRelay, 'inside' | 'store'>,
  { port = 0, secret = 'secret', known, now = Date.now }: {
    readonly port?: number
    readonly secret?: string
    /** id of a token → agent */
    readonly known: ReadonlyMap<string, string>
    readonly now?: () => number
  },
): Promise<OpenDoor> => {
  const failures: unknown[] = []
  const failed = (error: unknown) => {
    failures.push(error)
    return 'i'
  }
  const closing = new AbortController()
  const of = { sdk, inside, store, incarnation: 'this one', closing: closing.signal }
  const door = toolsDoor({ ...of, secret, maxWaitMs: 110_000, now, failed })
  const gate = new Gate({
    authenticate: ({ request: { headers: { authorization } } }: DoorVisit): Promise<Admitted> => {
      const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? ''
      const agent = known.get(token)
      if (agent === undefined)
        return Promise.reject({ status: 401, title: 'A token is needed', headers: { 'www-authenticate': 'Bearer realm="agentchat"' } })
      return Promise.resolve({
        caller: { agent, via: 'mcp', auth: 'token', address: '127.0.0.1' },
        token,
        lacks: () => undefined,
        isStructured: false,
        watch: ended => {
          const looking = setInterval(() => known.has(token) || ended(), 1_000)
          return () => clearInterval(looking)
        },
      })
    },
    isWelcome: (origin, host) => isWelcomeOrigin(origin, host, []),
    failed,
  })
  const server = createServer((request, response) =>
    void gate.pass(visitOf(request, response), admitted => door.handle(visitOf(request, response), admitted))
  )
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as { readonly port: number }
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    door: door as never,
    failures,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await door.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** An agent that has been here, and a token for it: at the door its id is enough. */
export const knownAgent = async (relay: TestRelay, name: string, known: Map<string, string>, identity: Identity = newIdentity(name)) => {
  const client = await clientOf(relay, { identity })
  const { token_id: token } = await client.request('TOKEN_CREATE', { name: 'host' })
  await client.close()
  known.set(token, identity.agentId)
  return { id: identity.agentId, token, identity }
}

/** A host in front of the door; `from`: the address that a proxy before the relay names for each request. */
export const httpHost = async (url: string, token: string, era: Era, from?: () => string) => {
  const host = newHost(era)
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    ...(from && {
      fetch: (to, init) => {
        const headers = new Headers(init?.headers)
        headers.set('x-forwarded-for', from())
        return fetch(to, { ...init, headers })
      },
    }),
  })
  await host.connect(transport)
  return { host, transport, call: callWith(host), [Symbol.asyncDispose]: () => host.close() }
}
