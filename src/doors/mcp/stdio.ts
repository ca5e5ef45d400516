// A server over two streams: one host, both eras of MCP, until the host closes its end or the signal aborts.
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { Readable, Writable } from 'node:stream'

export interface Streams {
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: { write(text: string, taken?: (error?: Error | null) => void): unknown }
}

/** Longest message of a host, in bytes. */
const maxMessageBytes = 4 * 1024 * 1024

export const serveStreams = async (
  factory: McpServerFactory,
  { stdin, stdout }: Streams,
  { signal, failed }: { readonly signal: AbortSignal, readonly failed: (error: unknown) => void },
): Promise<void> => {
  const { StdioServerTransport, serveStdio } = await import('@modelcontextprotocol/server/stdio')
  const input = Readable.from(stdin, { objectMode: false })
  const output = new Writable({
    decodeStrings: false,
    write: (chunk: string | Uint8Array, _, taken) => {
      stdout.write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(), taken)
    },
  })
  const ended = new Promise<void>(resolve => {
    input.once('close', resolve)
    output.once('error', () => resolve())
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  const handle = serveStdio(factory, {
    legacy: 'serve',
    transport: new StdioServerTransport(input, output, { maxBufferSize: maxMessageBytes }),
    onerror: failed,
    maxSubscriptions: 64,
  })
  await ended
  await handle.close()
  input.destroy()
}
