// THE DOOR OF THE CONSOLE: the relay's own pages for people. They are files and nothing else; what they do they ask as any client does.
import type { DoorVisit, HttpDoor } from '../../relay/inside.ts'
import { prices } from '../../../lib/protocol/price.ts'
import type { Logger } from '../../base/logger.ts'
import type { Brand } from '../../domain/brand.ts'
import { branded } from './brand.ts'
import { consoleFolder, readConsole, type ConsoleFile } from './files.ts'

/** Where it is, on either port. */
export const consolePath = '/console/'

/** What a page may do: nothing but what this relay serves, and no text of anybody becomes markup or script. */
export const consoleHeaders = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    + "object-src 'none'; require-trusted-types-for 'script'; trusted-types agentchat-worker",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

const plain = 'This is an AgentChat relay: connect by WebSocket. Also here: /health /healthz /readyz /.well-known/agentchat.json\n'
/** Long enough for a name that changes with what it names. */
const yearSeconds = 365 * 24 * 60 * 60

/** undefined: it was not built, which is said in the log. */
export const openConsole = (log: Logger, brand: Brand | undefined, folder: string = consoleFolder()): ConsoleDoor | undefined => {
  const files = readConsole(folder)
  if (files.has('index.html')) return new ConsoleDoor(brand === undefined ? files : branded(files, brand))
  log.warn('there is no console to serve: the package brings it, and from sources npm run build makes it')
  return undefined
}

export class ConsoleDoor implements HttpDoor {
  readonly #files: ReadonlyMap<string, ConsoleFile>

  constructor(files: ReadonlyMap<string, ConsoleFile>) {
    this.#files = files
  }

  /** Where a browser finds it, at the host of the relay's url. */
  urlAt(relayUrl: string, port: number): string {
    return `${relayUrl.replace(/^ws/, 'http').replace(/:\d+$/, '')}:${port}${consolePath}`
  }

  takes(path: string): boolean {
    return path === '/' || path === '/console' || path.startsWith(consolePath)
  }

  answer(visit: DoorVisit): void {
    const { request, response, path } = visit
    const isPage = accepts(request.headers.accept, 'text/html')
    // A body that nobody wants is not waited for.
    if (!request.complete && hasBody(visit)) response.setHeader('connection', 'close')
    if (!visit.isWelcome) {
      response.setHeader('connection', 'close')
      return this.#say(visit, 429, 'Too many connections of this address, or in all', { 'retry-after': '5' })
    }
    if (visit.isBanned) return this.#say(visit, 403, 'Your address is banned from this relay')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return this.#say(visit, 405, 'This is read by GET', { allow: 'GET, HEAD' })
    if (path === '/' && !isPage) return this.#send(visit, 404, plain)
    if (!path.startsWith(consolePath)) return this.#say(visit, 307, `The console is at ${consolePath}`, { location: consolePath })
    const name = path.slice(consolePath.length)
    const file = this.#files.get(name) ?? (isPage || name === '' ? this.#files.get('index.html') : undefined)
    if (file === undefined) return this.#say(visit, 404, 'The console has no such file')
    this.#file(visit, file)
  }

  #file(visit: DoorVisit, file: ConsoleFile): void {
    const { request, response } = visit
    const { contentType, etag, isHashed, brotli } = file
    const headers = {
      ...consoleHeaders,
      etag,
      vary: 'accept-encoding, accept',
      'cache-control': isHashed ? `public, max-age=${yearSeconds}, immutable` : 'no-cache',
    }
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.writeHead(304, headers).end()
      return
    }
    const isPacked = brotli !== undefined && accepts(request.headers['accept-encoding'], 'br')
    const sent = isPacked ? brotli : file.body
    visit.owe(sent.length)
    // As every answer: whoever asks for much is heard later.
    visit.charge(Math.floor(sent.length / prices.answerBytesPerFrame))
    response.writeHead(200, {
      ...headers,
      'content-type': contentType,
      'content-length': sent.length,
      ...(isPacked && { 'content-encoding': 'br' }),
    })
    response.end(request.method === 'HEAD' ? '' : sent)
  }

  #say(visit: DoorVisit, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#send(visit, status, `${text}\n`, headers)
  }

  #send({ request, response }: DoorVisit, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    response.writeHead(status, {
      ...consoleHeaders,
      'content-type': 'text/plain',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      ...headers,
    })
    response.end(request.method === 'HEAD' ? '' : text)
  }
}

const hasBody = ({ request: { headers } }: DoorVisit): boolean =>
  'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0

/** Whether a header lists a name, and does not refuse it by `q=0`. */
export const accepts = (header: string | undefined, wanted: string): boolean =>
  (header ?? '').split(',').some(item => {
    const [name = '', ...parameters] = item.split(';')
    return name.trim().toLowerCase() === wanted && !parameters.some(each => /^\s*q=0(?:\.0*)?\s*$/.test(each))
  })

/** Whether who asks has what is under this tag. */
export const isKnown = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some(tag => {
    const known = tag.trim().replace(/^W\//, '')
    return known === etag || known === '*'
  })
