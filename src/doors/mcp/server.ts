// An MCP server of the official SDK over the tools: what of it touches the SDK. It is loaded late, and only where the door is on.
import type { Server, ServerContext } from '@modelcontextprotocol/server'
import { randomBytes } from 'node:crypto'
import { version } from '../../base/version.ts'
import { Codes } from './confirm.ts'
import { Reader } from './reader.ts'
import type { Seat } from './seat.ts'
import type { Call, Tool, ToolLimits } from './tool.ts'
import { callTool, listed } from './tools.ts'

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

export const placeOf = (seat: Seat): Place => ({ seat, reader: new Reader(seat) })

export interface ServerParts {
  readonly tools: readonly Tool[]
  readonly limits: ToolLimits
  readonly codes: Codes
  readonly instructions: string
  /** Who calls, once the relay can be reached. @throws Refusal */
  readonly place: () => Promise<Place>
  /** ms since 1970 */
  readonly now: () => number
  /** Something of ours failed: told to nobody outside but by its number. */
  readonly failed: (error: unknown) => string
}

const hour = 3_600_000

const draw = (): string => randomBytes(3).toString('hex')

/** Tells a host that a call goes on, by the token that it came with. */
const progressOf = ({ mcpReq: { _meta, notify } }: ServerContext): Call['progress'] => {
  const token = _meta?.progressToken
  if (token === undefined) return undefined
  return (progress, total) => {
    const message = `waiting, ${Math.round(progress)} of ${Math.round(total)} s`
    notify({ method: 'notifications/progress', params: { progressToken: token, progress, total, message } }).catch(() => undefined)
  }
}

/** Makes servers: one for each connection, or for each request. The list of tools is made once. */
export const serverFactory = (sdk: Sdk, { tools, limits, codes, instructions, place, now, failed }: ServerParts) => {
  const list = listed(tools)
  const named = new Map(tools.map(tool => [tool.name, tool]))
  return (): Server => {
    const server = new sdk.Server({ name: 'agentchat', version }, {
      capabilities: { tools: {} },
      instructions,
      cacheHints: { 'tools/list': { ttlMs: hour, cacheScope: 'public' } },
    })
    server.setRequestHandler('tools/list', () => ({ tools: list as never }))
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const tool = named.get(params.name)
      if (tool === undefined) throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, `No tool ${params.name.slice(0, 80)}`)
      const call = async (): Promise<Call> => ({
        ...await place(),
        signal: context.mcpReq.signal,
        progress: progressOf(context),
        maxWaitMs: limits.maxWaitMs,
        codes,
        limits,
        now,
        newId: () => `mcp-${randomBytes(12).toString('base64url')}`,
      })
      return await callTool(tool, params.arguments, call, draw, failed) as never
    })
    return server
  }
}
