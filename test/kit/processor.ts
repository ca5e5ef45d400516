// A payment processor as an operator would run one: over HTTP, signed both ways, and doing nothing twice for one key.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSigned, signBody, signatureHeader } from '../../src/outbound/signing.ts'
import type { ProcessorCall } from '../../src/outbound/processor.ts'

export const secret = 'sixteen characters or more'

export class TestProcessor implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end',
      () => this.#hear(Buffer.concat(parts).toString(), String(request.headers[signatureHeader]), response))
  })
  /** Every call that came, with a good signature or not, in its order. */
  readonly calls: (ProcessorCall & { readonly isSigned: boolean })[] = []
  /** What was done, once per key. */
  readonly done = new Map<string, ProcessorCall>()
  now: () => number = Date.now
  /** What becomes of a call: done and said so, done and nothing said, refused, or nothing at all. */
  policy: (call: ProcessorCall) => 'done' | 'silent' | 'refused' | 'absent' | 'unsigned' = () => 'done'

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/escrow`
  }

  /** What it holds now. */
  get held(): number {
    return [...this.done.values()].reduce((sum, { op, amount_minor }) => sum + (op === 'fund' ? amount_minor : -amount_minor), 0)
  }

  keys(op: ProcessorCall['op']): readonly string[] {
    return this.calls.filter(call => call.op === op).map(call => call.key)
  }

  #hear(body: string, signature: string, response: ServerResponse): void {
    const call = JSON.parse(body) as ProcessorCall
    this.calls.push({ ...call, isSigned: isSigned(secret, body, signature, this.now()) })
    const policy = this.policy(call)
    if (policy === 'done' || policy === 'silent' || policy === 'unsigned') this.#carryOut(call)
    if (policy === 'absent' || policy === 'silent') return void response.destroy()
    const answer = JSON.stringify(policy === 'refused' ? { status: 'refused', reason: 'card declined' } : { status: 'done' })
    response.writeHead(200, policy === 'unsigned' ? {} : { [signatureHeader]: signBody(secret, answer, this.now(), signature) }).end(answer)
  }

  #carryOut(call: ProcessorCall): void {
    if (this.done.has(call.key)) return
    // The undoing of a hold that never was is done, too.
    if (call.key.endsWith(' undo') && !this.done.has(call.key.slice(0, -' undo'.length))) return
    this.done.set(call.key, call)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
