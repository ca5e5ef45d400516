// MCP hosts for tests: the official client, in both eras, in front of the tools at a relay.
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import * as sdk from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { randomBytes } from 'node:crypto'
import type { Identity } from '../../lib/identity/index.ts'
import { ClientSeat } from '../../src/doors/mcp/client-seat.ts'
import { Codes } from '../../src/doors/mcp/confirm.ts'
import { placeOf, serverFactory } from '../../src/doors/mcp/server.ts'
import type { ToolLimits } from '../../src/doors/mcp/tool.ts'
import { toolSets } from '../../src/doors/mcp/tools.ts'
import { newClient } from './client.ts'
import type { TestRelay } from './relay.ts'

export const eras = ['2026-07-28', '2025-11-25'] as const
export type Era = typeof eras[number]

/** What whoever sits at a host says to a question. */
export type Person = (question: string) => { readonly action: 'accept' | 'decline' | 'cancel', readonly content?: { agree: boolean } }

/** A client that opens in an era; with a person it can ask them. */
export const newHost = (era: Era, person?: Person): Client => {
  const host = new Client({ name: 'host', version: '1' }, {
    ...(era === '2026-07-28' && { versionNegotiation: { mode: 'auto' } }),
    ...(person && { capabilities: { elicitation: {} } }),
  })
  if (person) host.setRequestHandler('elicitation/create', ({ params: { message } }) => ({ ...person(message) }))
  return host
}

export interface CallOptions {
  readonly onprogress?: (progress: { progress: number, total?: number | undefined, message?: string | undefined }) => void
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly text: string
  readonly isError: boolean
}

/** Calls a tool, and gives its text. */
export const callWith =
  (host: Client) => async (name: string, args: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): Promise<Answer> => {
    const { content, isError } = await host.callTool({ name, arguments: { ...args } }, { ...options, timeout: 600_000 })
    const [first] = content as unknown as readonly [{ readonly text: string }]
    return { text: first.text, isError: isError === true }
  }

export interface Host extends AsyncDisposable {
  readonly me: string
  readonly host: Client
  readonly call: ReturnType<typeof callWith>
  readonly failures: readonly unknown[]
}

/** A host whose tools sit at a relay, with a key or as a guest. */
export const hostAt = async (
  relay: TestRelay | string,
  identity: Identity | undefined,
  { era = '2026-07-28', limits = {}, now = Date.now, person, isStructured = false }: {
    readonly era?: Era
    readonly person?: Person | undefined
    readonly isStructured?: boolean
    readonly limits?: Partial<ToolLimits>
    readonly now?: () => number
  } = {},
): Promise<Host> => {
  const client = newClient(relay, { ...(identity && { identity }), inbox: 'peek', session: `mcp-${randomBytes(4).toString('hex')}` })
  const seat = new ClientSeat(client, identity !== undefined)
  await client.connect()
  const place = placeOf(seat)
  const failures: unknown[] = []
  const serverAt = serverFactory(sdk, {
    tools: toolSets.all,
    limits: { maxWaitMs: 110_000, confirm: 'code', ...limits },
    isStructured,
    codes: new Codes(randomBytes(32), now),
    now,
    failed: error => {
      failures.push(error)
      return 'i'
    },
  })
  const [near, far] = InMemoryTransport.createLinkedPair()
  const served = serveStdio(
    ({ era }) => serverAt({ era, instructions: `You are ${seat.me}.`, place: () => Promise.resolve(place), tellsChanges: true }),
    { transport: far },
  )
  const host = newHost(era, person)
  await host.connect(near)
  return {
    me: seat.me,
    host,
    call: callWith(host),
    failures,
    async [Symbol.asyncDispose]() {
      await host.close()
      await served.close()
      await client.close()
    },
  }
}
