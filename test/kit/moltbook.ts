// A stand-in for Moltbook's API, after its public skill file: it enforces the documented limits and challenges, and counts
// whoever breaks them.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestClock } from './relay.ts'

export interface MoltbookPost {
  readonly title: string
  readonly content: string
  readonly at: number
  visible: boolean
}

type Trouble = 'none' | 'challenge' | 'busy' | 'fault' | 'redirect' | 'silent' | 'hang'

const minuteMs = 60_000

export class MoltbookStandIn {
  /** What a client did that it must not: none of it is ever right. */
  readonly violations: string[] = []
  readonly posts: MoltbookPost[] = []
  readonly requests: string[] = []
  isClaimed = true
  createdAt = 0
  /** What happens to the next post. */
  next: Trouble = 'none'
  /** What happens to the next answer. */
  isVerifyBusy = false
  readonly #clock: () => TestClock
  readonly #server = createServer((request, response) =>
    void this.#take(request).then(answer => {
      if (answer === undefined) response.destroy()
      else response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(JSON.stringify(answer.body))
    })
  )
  #reads: number[] = []
  #writes: number[] = []
  #waitUntil = 0
  #lastPost = -Infinity
  #codes = new Map<string, { readonly post: MoltbookPost, readonly until: number, used: boolean }>()
  failures = 0

  constructor(clock: () => TestClock) {
    this.#clock = clock
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await new Promise(resolve => this.#server.once('listening', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #take(
    request: IncomingMessage,
  ): Promise<{ readonly status: number, readonly body: object, readonly headers?: Record<string, string> } | undefined> {
    const now = this.#clock().now()
    const { method = '', url = '' } = request
    this.requests.push(`${method} ${url}`)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, string>
    const refuse = (status: number, error: string, headers: Record<string, string> = {}) => ({
      status,
      body: { success: false, error, hint: 'see skill.md' },
      headers,
    })
    if (!url.startsWith('/api/v1/')) this.violations.push(`a request elsewhere: ${url}`)
    if (request.headers.authorization !== 'Bearer moltbook_key') return refuse(401, 'Invalid API key')

    const recent = method === 'GET'
      ? this.#reads = this.#reads.filter(at => at > now - minuteMs)
      : this.#writes = this.#writes.filter(at => at > now - minuteMs)
    recent.push(now)
    if (recent.length > (method === 'GET' ? 60 : 30)) this.violations.push(`${recent.length} ${method}s in a minute`)
    if (now < this.#waitUntil) this.violations.push(`a request ${this.#waitUntil - now} ms before Retry-After is over`)
    switch (`${method} ${url.slice('/api/v1'.length)}`) {
      case 'GET /agents/status':
        return { status: 200, body: { status: this.isClaimed ? 'claimed' : 'pending_claim' } }
      case 'GET /agents/me':
        return { status: 200, body: { success: true, agent: { name: 'relay', created_at: new Date(this.createdAt).toISOString() } } }
      case 'POST /posts':
        return this.#post(body, now, refuse)
      case 'POST /verify': {
        if (this.isVerifyBusy) {
          this.isVerifyBusy = false
          this.#waitUntil = now + 30_000
          return refuse(429, 'Too many requests', { 'retry-after': '30' })
        }
        const open = this.#codes.get(body['verification_code']!)
        if (!/^-?\d+\.\d\d$/.test(body['answer'] ?? '')) this.violations.push(`an answer like ${body['answer']}`)
        if (open === undefined) return refuse(404, 'Unknown code')
        if (open.used) {
          this.violations.push('a second answer to one question')
          return refuse(409, 'Already used')
        }
        open.used = true
        if (now > open.until) this.violations.push('an answer after its time')
        const isRight = now <= open.until && body['answer'] === '15.00'
        this.failures = isRight ? 0 : this.failures + 1
        if (this.failures >= 10) this.violations.push('suspended: ten failures in a row')
        if (!isRight) return refuse(now > open.until ? 410 : 400, 'Incorrect answer')
        open.post.visible = true
        return { status: 200, body: { success: true } }
      }
      default:
        this.violations.push(`an address that is not documented: ${method} ${url}`)
        return refuse(404, 'Not found')
    }
  }

  #post(
    body: Record<string, string>,
    now: number,
    refuse: (
      status: number,
      error: string,
      headers?: Record<string, string>,
    ) => { status: number, body: object, headers: Record<string, string> },
  ) {
    const trouble = this.next
    this.next = 'none'
    if (trouble === 'busy') {
      this.#waitUntil = now + 120_000
      return refuse(429, 'Too many requests', { 'retry-after': '120' })
    }
    if (trouble === 'redirect') return { status: 307, body: {}, headers: { location: 'http://127.0.0.1:9/steal' } }
    if (!this.isClaimed) this.violations.push('a post before the agent was claimed')
    const everyMs = now - this.createdAt < 24 * 60 * minuteMs ? 120 * minuteMs : 30 * minuteMs
    if (now - this.#lastPost < everyMs) this.violations.push(`a post ${now - this.#lastPost} ms after the last`)
    const { title = '', content = '' } = body
    if (title.length === 0 || title.length > 300 || content.length > 40_000 || body['submolt_name'] !== 'general')
      this.violations.push('a post out of bounds')
    if (this.posts.some(post => post.title === title && post.content === content)) this.violations.push(`the same text twice: ${title}`)
    this.#lastPost = now
    if (trouble === 'fault') {
      this.posts.push({ title, content, at: now, visible: true })
      return refuse(502, 'Bad gateway')
    }
    const post = { title, content, at: now, visible: trouble !== 'challenge' }
    this.posts.push(post)
    if (trouble === 'silent') return undefined
    // The answer never comes.
    if (trouble === 'hang') return new Promise<undefined>(() => undefined)
    const id = `p${this.posts.length}`
    if (trouble !== 'challenge')
      return {
        status: 201,
        body: { success: true, post: { id } },
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil((now + everyMs) / 1_000)) },
      }
    const code = `moltbook_verify_${this.posts.length}`
    this.#codes.set(code, { post, until: now + 5 * minuteMs, used: false })
    return {
      status: 201,
      body: {
        success: true,
        verification_required: true,
        post: {
          id,
          verification: {
            verification_code: code,
            challenge_text: 'a cLaW oF t]eN aNd oN^e oF fIvE',
            expires_at: new Date(now + 5 * minuteMs).toISOString(),
          },
        },
      },
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800' },
    }
  }
}
