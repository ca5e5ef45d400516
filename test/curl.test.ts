// agentchat curl: what it sends, as a server sees it, and how it ends.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { readHttpSignature } from '../lib/identity/index.ts'
import { createVerify, loadIdentityFile } from '../lib/node/index.ts'
import { Cli } from './kit/cli.ts'

type Answer = { readonly status?: number, readonly body?: string, readonly pieces?: readonly string[] }

/** A server that says of each request whether its signature holds, and answers as it is told. */
const serve = async (publicKey: () => string, answer: (request: IncomingMessage) => Answer = () => ({})) => {
  const seen: { request: IncomingMessage, body: string, isSigned: boolean }[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const body = Buffer.concat(parts)
      const [path = '', search] = request.url!.split('?')
      const read = readHttpSignature({
        method: request.method!,
        authority: request.headers.host!,
        path,
        query: search === undefined ? '' : `?${search}`,
        header: name => request.headers[name] as string | undefined,
        body,
      }, Date.now())
      const isSigned = !('problem' in read) && createVerify()(publicKey(), read.text, read.signature)
      seen.push({ request, body: body.toString(), isSigned })
      const { status = 200, body: text, pieces = [text ?? '{}'] } = answer(request)
      response.writeHead(status, { 'x-own': 'yes' })
      for (const piece of pieces) response.write(piece)
      response.end()
    })()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  }
}

const withKey = async () => {
  const cli = new Cli()
  expect((await cli.run(['identity', 'generate', '-n', 'ada', '-f', cli.at('ada.json')])).code).toBe(0)
  return { cli, key: () => loadIdentityFile(cli.at('ada.json')).publicKey, as: ['-i', cli.at('ada.json')] }
}

test('a request is signed with its body, its query and its key', async () => {
  const { cli, key, as } = await withKey()
  using _ = cli
  await using server = await serve(key)
  expect(await cli.run(['curl', server.url, '/v1/me?full=1', ...as])).toMatchObject({ code: 0, stdout: '{}' })
  expect(await cli.run(['curl', server.url, '/v1/channels/general/messages', '-d', '{"content":"ü"}', '--key', 'k1', ...as])).toMatchObject(
    { code: 0 },
  )
  expect(await cli.run(['curl', server.url, '/v1/me', '-X', 'delete', '-d', '@-', ...as], { stdin: '{"a":1}' })).toMatchObject({ code: 0 })
  expect(
    server.seen.map(({ request: { method, url, headers }, body, isSigned }) => [method, url, headers['idempotency-key'], body, isSigned]),
  ).toEqual([
    ['GET', '/v1/me?full=1', undefined, '', true],
    ['POST', '/v1/channels/general/messages', 'k1', '{"content":"ü"}', true],
    ['DELETE', '/v1/me', undefined, '{"a":1}', true],
  ])
})

test('with a token nothing is signed; without a key neither', async () => {
  const { cli, key, as } = await withKey()
  using _ = cli
  await using server = await serve(key)
  await cli.run(['curl', server.url, '/v1/me', '--token', 'act_x', ...as])
  await cli.run(['curl', server.url, '/v1', '--guest'])
  expect(server.seen.map(({ request: { headers }, isSigned }) => [headers.authorization, headers['signature'], isSigned]))
    .toEqual([['Bearer act_x', undefined, false], [undefined, undefined, false]])
})

test('how an answer ends it: by the code of its problem, else by its status', async () => {
  const { cli, key, as } = await withKey()
  using _ = cli
  const answers: Record<string, Answer> = {
    '/limit': { status: 429, body: '{"code":"RATE_LIMITED"}' },
    '/gone': { status: 404, body: 'nothing here' },
    '/auth': { status: 403, body: '{"code":"NOT_ALLOWED"}' },
    '/bad': { status: 400, body: '{"code":"INVALID_MSG"}' },
    '/late': { status: 503, body: '{"code":"no code"}' },
  }
  await using server = await serve(key, request => answers[request.url!]!)
  const ends = async (path: string) => {
    const { code, stdout, stderr } = await cli.run(['curl', server.url, path, ...as])
    expect(stdout).toBe(answers[path]!.body)
    expect(stderr).toContain(`error: ${answers[path]!.status}`)
    return code
  }
  expect([await ends('/limit'), await ends('/gone'), await ends('/auth'), await ends('/bad'), await ends('/late')]).toEqual([9, 4, 3, 5, 8])
})

test('a peer’s text does nothing to a terminal; in a pipe it is as it came, and headers are told on stderr', async () => {
  const { cli, key, as } = await withKey()
  using _ = cli
  await using server = await serve(key, () => ({ pieces: ['a\u001b[31m', 'ü'] }))
  expect((await cli.run(['curl', server.url, '/x', ...as])).stdout).toBe('a\u001b[31mü')
  const onTerminal = await cli.run(['curl', server.url, '/x', '--include', ...as], { isTTY: true })
  expect(onTerminal.stdout).not.toContain('\u001b[31m')
  expect(onTerminal.stderr).toContain('x-own: yes')
})

test('nobody there, and no path', async () => {
  using cli = new Cli()
  expect((await cli.run(['curl', 'ws://127.0.0.1:1', '/v1'])).code).toBe(10)
  expect((await cli.run(['curl', 'ws://127.0.0.1:1', 'v1'])).code).toBe(2)
  expect((await cli.run(['curl', 'ws://127.0.0.1:1', '/v1', '-X', 'G T'])).code).toBe(2)
})
