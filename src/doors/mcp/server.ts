// An MCP server of the official SDK over the tools: what of it touches the SDK. It is loaded late, and only where the door is on.
import type { Server, ServerContext } from '@modelcontextprotocol/server'
import { randomBytes, randomUUID } from 'node:crypto'
import { version } from '../../base/version.ts'
import { Changes } from './changes.ts'
import { Codes } from './confirm.ts'
import { prompts, promptText } from './prompts.ts'
import { Reader } from './reader.ts'
import { wasAnswered } from './node-http.ts'
import { changeOf, completed, readResource, resources, resourceTemplates, uriOf } from './resources.ts'
import { Reply } from './reply.ts'
import { Refusal, type Seat } from './seat.ts'
import type { ShownMemory } from './shown.ts'
import type { Call, Person, Tool, ToolLimits } from './tool.ts'
import { callTool, listed, refusalText, type Asking } from './tools.ts'

export type Sdk = typeof import('@modelcontextprotocol/server')

/** Pinned, as in package.json. */
export const sdkInstall = 'npm install @modelcontextprotocol/server@2.4.0'

/** The SDK, where it is installed. */
export const loadSdk = async (): Promise<Sdk | undefined> => {
  try {
    return await import('@modelcontextprotocol/server')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return undefined
  }
}

/** A seat and what it has been shown. */
export interface Place {
  readonly seat: Seat
  readonly reader: Reader
}

export const placeOf = <S extends Seat>(seat: S, memory?: ShownMemory): Place & { readonly seat: S } => ({
  seat,
  reader: new Reader(memory),
})

export interface ServerParts {
  readonly tools: readonly Tool[]
  readonly limits: ToolLimits
  /** Who asks is a program: tools tell it fields. */
  readonly isStructured?: boolean | undefined
  readonly codes: Codes
  /** ms since 1970 */
  readonly now: () => number
  /** Something of ours failed: told to nobody outside but by its number. */
  readonly failed: (error: unknown) => string
}

/** One server: for whom, and in which era. */
export interface Served {
  readonly era: 'legacy' | 'modern'
  readonly instructions: string
  /** Who calls, once the relay can be reached; by the request that asks, where one does. @throws Refusal */
  readonly place: (asks?: Request) => Promise<Place>
  /** Hosts are told of what changes: where a server lives as long as its host. */
  readonly tellsChanges: boolean
}

const hour = 3_600_000

/** Of random ids: those are made of bytes that were drawn many at once. */
const draw = (): string => randomUUID().slice(0, 6)

/** Tells a host that a call goes on, by the token that it came with. */
const progressOf = ({ mcpReq: { _meta, notify } }: ServerContext): Call['progress'] => {
  const token = _meta?.progressToken
  if (token === undefined) return undefined
  return (progress, total) => {
    const message = `waiting, ${Math.round(progress)} of ${Math.round(total)} s`
    notify({ method: 'notifications/progress', params: { progressToken: token, progress, total, message } }).catch(() => undefined)
  }
}

const answerKey = 'agreement'

const agreeing = {
  type: 'object' as const,
  properties: { agree: { type: 'boolean' as const, title: 'Do it', description: 'Signed with your key, and not to be taken back.' } },
  required: ['agree'],
}

/** Makes servers: one for each connection, or for each request. The list of tools is made once. */
export const serverFactory = (sdk: Sdk, { tools, limits, isStructured, codes, now, failed }: ServerParts) => {
  const list = listed(tools, isStructured)
  const named = new Map(tools.map(tool => [tool.name, tool]))
  const invalid = (message: string) => new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, message)
  /** A refusal as an error of the protocol: what is no tool has no other way to say it. */
  const refusing = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) throw invalid('CANCELLED: The call was cancelled')
      if (error instanceof Refusal) throw invalid(refusalText(error, draw))
      throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InternalError, `Something went wrong here (incident ${failed(error)})`)
    }
  }
  /** In the older era the SDK makes a request of it, and calls again with the answer. */
  const asking = ({ question, code }: Asking) =>
    sdk.inputRequired({
      inputRequests: { [answerKey]: sdk.inputRequired.elicit({ message: question, requestedSchema: agreeing }) },
      requestState: code,
    })
  /** Whoever sits at the host, where it can ask them. */
  const personAt = (server: Server, { mcpReq }: ServerContext): Person | undefined => {
    const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined
    const declared = envelope?.[sdk.CLIENT_CAPABILITIES_META_KEY] as ReturnType<Server['getClientCapabilities']>
    const { elicitation } = declared ?? server.getClientCapabilities() ?? {}
    if (elicitation === undefined || (elicitation.url !== undefined && elicitation.form === undefined)) return undefined
    const code = mcpReq.requestState()
    if (typeof code !== 'string' || mcpReq.inputResponses?.[answerKey] === undefined) return {}
    return { answer: { code, agrees: sdk.acceptedContent(mcpReq.inputResponses, answerKey)?.['agree'] === true } }
  }
  return ({ era, instructions, place, tellsChanges }: Served): Server => {
    const server = new sdk.Server({ name: 'agentchat', version }, {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} },
      instructions,
      cacheHints: {
        'tools/list': { ttlMs: hour, cacheScope: 'public' },
        'prompts/list': { ttlMs: hour, cacheScope: 'public' },
        'resources/list': { ttlMs: hour, cacheScope: 'public' },
        'resources/templates/list': { ttlMs: hour, cacheScope: 'public' },
      },
    })
    server.setRequestHandler('tools/list', () => ({ tools: list as never }))
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const tool = named.get(params.name)
      if (tool === undefined) throw invalid(`No tool ${params.name.slice(0, 80)}`)
      const { mcpReq: { signal }, http } = context
      let end: (told: boolean | Promise<boolean>) => void = () => undefined
      const told = new Promise<boolean>(resolve => end = resolve)
      const call = async (): Promise<Call> => ({
        ...await place(context.http?.req),
        ...{ signal, told },
        progress: progressOf(context),
        maxWaitMs: limits.maxWaitMs,
        codes,
        limits,
        now,
        newId: () => `mcp-${randomBytes(12).toString('base64url')}`,
        newReply: () => new Reply(isStructured),
        person: personAt(server, context),
      })
      const done = await callTool(tool, params.arguments, call, draw, failed)
      // Whoever gave up is answered no more; what goes to the end of a pipe is there.
      end(!signal.aborted && !('isError' in done) && (http?.req === undefined || wasAnswered(http.req)))
      return ('question' in done ? asking(done) : done) as never
    })
    server.setRequestHandler('resources/list', () => ({ resources: [...resources] }))
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [...resourceTemplates] }))
    server.setRequestHandler('resources/read', ({ params: { uri } }, { mcpReq: { signal }, http }) =>
      refusing(signal, async () => {
        const reply = await readResource(uri, (await place(http?.req)).seat, signal)
        return { contents: [{ uri, mimeType: 'text/plain', text: reply.text(draw) }] }
      }))
    server.setRequestHandler('prompts/list', () => ({ prompts: prompts.map(prompt => ({ ...prompt, arguments: [...prompt.arguments] })) }))
    server.setRequestHandler('prompts/get', ({ params }) => {
      const found = promptText(params.name, params.arguments)
      if ('problem' in found) throw invalid(found.problem)
      return { messages: [{ role: 'user', content: { type: 'text', text: found.text } }] }
    })
    server.setRequestHandler('completion/complete',
      ({ params: { argument, ref } }, { mcpReq: { signal }, http }) =>
        refusing(signal, async () => {
          const seat = ref.type === 'ref/resource' ? (await place(http?.req)).seat : undefined
          const values = seat === undefined ? [] : await completed(argument.name, argument.value, seat, signal)
          return { completion: { values: [...values], hasMore: false } }
        }))
    if (tellsChanges) tellChanges(server, { era, place, refuse: invalid })
    return server
  }
}

/** How many resources one host may be told of. */
const maxSubscribed = 200

/** Tells a host of what it subscribed to. In the new era the entry of the SDK knows what that is, and lets nothing else through. */
const tellChanges = (
  server: Server,
  { era, place, refuse }: {
    readonly era: 'legacy' | 'modern'
    readonly place: Served['place']
    readonly refuse: (message: string) => Error
  },
): void => {
  const subscribed = new Map<string, { end: () => void }>()
  const changes = new Changes(uri => void server.sendResourceUpdated({ uri }).catch(() => undefined))
  let stop: (() => void) | undefined
  let isOver = false
  const listen = ({ seat }: Place) => {
    if (isOver || stop !== undefined) return
    stop = seat.changes(change => {
      const uri = uriOf(change)
      if (era === 'modern' || subscribed.has(uri)) changes.add(uri)
    })
  }
  // Where the relay cannot be reached yet, a call that reaches it comes first.
  if (era === 'modern') place().then(listen, () => undefined)
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, { http }) => {
    const change = changeOf(uri)
    if (change === undefined) throw refuse('There is no such resource')
    if (subscribed.has(uri)) return {}
    if (subscribed.size >= maxSubscribed) throw refuse(`At most ${maxSubscribed} resources`)
    const mine = { end: () => {} }
    subscribed.set(uri, mine)
    place(http?.req).then(here => {
      listen(here)
      // It may be over by now, and even have begun anew.
      if (subscribed.get(uri) === mine && !isOver) mine.end = here.seat.want(change)
    }, () => undefined)
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    subscribed.get(uri)?.end()
    subscribed.delete(uri)
    return {}
  })
  server.onclose = () => {
    isOver = true
    changes.stop()
    stop?.()
    for (const { end } of subscribed.values()) end()
  }
}
