import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createVerify, nodeIdentity } from '../node/crypto.ts'
import { contentDigestOf, httpSignatureText, readHttpSignature, signHttpRequest, type SignableRequest } from './http-signature.ts'
import { generateKeyPair, identityFrom } from './keys.ts'

const verify = createVerify()
const me = identityFrom(generateKeyPair().privateKey)
const now = 1_800_000_000_000

type Headers = Readonly<Record<string, string>>
type Given = SignableRequest & { readonly body: Uint8Array }
const request = (headers: Headers = {}, more: Partial<Given> = {}): Given => ({
  method: 'POST',
  authority: 'relay.example',
  path: '/v1/channels/general/messages',
  query: '?wait=1',
  header: name => headers[name],
  body: Buffer.from('{"content":"hello"}'),
  ...more,
})

/** A request with its signature. */
const signed = (headers: Headers = {}, more: Partial<Given> = {}, at = now) => {
  const added = signHttpRequest(me, request(headers, more), at)
  return { headers: { ...headers, ...added }, more }
}

const isValid = (headers: Headers, more: Partial<Given> = {}, at = now): boolean => {
  const read = readHttpSignature(request(headers, more), at)
  return !('problem' in read) && read.keyId === me.agentId && verify(me.publicKey, read.text, read.signature)
}

test('the text of the standard’s own example, and its signature', () => {
  const headers: Headers = { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18' }
  const parts = request(headers, { authority: 'example.com', path: '/foo', query: '?param=Value&Pet=dog' })
  const parameters = '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
  const text = httpSignatureText(parts, ['date', '@method', '@path', '@authority', 'content-type', 'content-length'], parameters)
  const key = nodeIdentity(
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----',
  )
  // RFC 9421, B.2.6
  expect(key.sign(text)).toBe('wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==')
})

test('what is signed is read again, with a body and without, under an idempotency key too', () => {
  for (
    const [headers, more] of [[{}, {}], [{}, { body: new Uint8Array(), method: 'GET', query: '' }], [
      { 'idempotency-key': 'k1' },
      {},
    ]] as const
  ) {
    const { headers: sent } = signed(headers, more)
    expect(isValid(sent, more)).toBe(true)
    expect(sent['signature-input']).toContain('"@query"')
  }
})

test('a change anywhere is found', () => {
  const { headers } = signed({ 'idempotency-key': 'k1' })
  const body = Buffer.from('{"content":"hellp"}')
  const changes: readonly (readonly [Headers, Partial<Given>])[] = [
    [{}, { method: 'PUT' }],
    [{}, { authority: 'other.example' }],
    [{}, { path: '/v1/channels/other/messages' }],
    [{}, { query: '?wait=2' }],
    [{}, { query: '' }],
    [{}, { body }],
    [{}, { body: new Uint8Array() }],
    [{ 'content-digest': contentDigestOf(new Uint8Array()) }, { body: new Uint8Array() }],
    [{ 'content-digest': contentDigestOf(body) }, { body }],
    [{ 'idempotency-key': 'k2' }, {}],
    ...['created=1800000001', 'keyid="@0000000000000000"', 'nonce="0000000000000000"'].map(other => {
      const name = other.split('=')[0]!
      return [{ 'signature-input': headers['signature-input']!.replace(new RegExp(`${name}=[^;]*`), other) }, {}] as const
    }),
    [{ signature: headers['signature']!.replace(/:./, ':A') }, {}],
  ]
  expect(isValid(headers)).toBe(true)
  for (const [other, more] of changes) expect(isValid({ ...headers, ...other }, more), JSON.stringify([other, more])).toBe(false)
})

test('of a body that comes later the digest is given, and has to be there', () => {
  const { headers } = signed()
  const read = (sent: Headers) => readHttpSignature({ ...request(sent), body: 'later' }, now)
  expect(read(headers)).toMatchObject({ contentDigest: contentDigestOf(request().body) })
  const { headers: bare } = signed({}, { body: new Uint8Array() })
  expect(read(bare)).toEqual({ problem: expect.stringContaining('content-digest') as string })
})

test('a digest that was signed of an empty body is compared, and none is needed there', () => {
  const body = new Uint8Array()
  const { headers } = signed({}, { body })
  expect(isValid(headers, { body })).toBe(true)
  const parameters = headers['signature-input']!.slice('agentchat='.length).replace('"@query"', '"@query" "content-digest"')
  const components = ['@method', '@authority', '@path', '@query', 'content-digest']
  const over = (digest: string): Headers => {
    const more = { 'content-digest': digest }
    const signature = me.sign(httpSignatureText(request(more, { body }), components, parameters))
    return { ...more, 'signature-input': `agentchat=${parameters}`, signature: `agentchat=:${signature}:` }
  }
  expect(isValid(over(contentDigestOf(body)), { body })).toBe(true)
  expect(isValid(over(contentDigestOf(Buffer.from('{}'))), { body })).toBe(false)
})

test('what the profile does not have is told, one sentence each', () => {
  const { headers } = signed()
  const input = headers['signature-input']!
  const problemOf = (other: Headers, at = now) => readHttpSignature(request({ ...headers, ...other }), at)
  const told = (other: Headers, at?: number) => expect(problemOf(other, at)).toEqual({ problem: expect.any(String) as string })
  for (const name of ['@method', '@authority', '@path', '@query', 'content-digest'])
    expect(problemOf({ 'signature-input': input.replace(`"${name}"`, '"date"') })).toEqual({
      problem: expect.stringContaining(`"${name}"`) as string,
    })
  told({ 'signature-input': '' })
  told({ 'signature-input': `${input}, second=("@method");created=1` })
  told({ 'signature-input': input.replace(' "@path"', '  "@path"') })
  told({ 'signature-input': input.replace('"@path"', '"@path";req') })
  told({ 'signature-input': input.replace('"@path"', '"@path" "@path"') })
  told({ 'signature-input': input.replace('"@path"', '"@path" "@target-uri"') })
  told({ 'signature-input': input.replace('"@path"', '"@path" "x-never"') })
  told({ 'signature-input': input.replace('tag="agentchat"', 'tag="other"') })
  told({ 'signature-input': input.replace('alg="ed25519"', 'alg="rsa-pss-sha512"') })
  told({ 'signature-input': input.replace(/nonce="[^"]*"/, 'nonce="short"') })
  told({ 'signature-input': input.replace(/keyid="[^"]*"/, 'keyid="me"') })
  told({ 'signature-input': `${input};expires=1` })
  told({ 'signature-input': `${input};created=1800000000` })
  told({ 'signature-input': input + 'x'.repeat(2_048) })
  told({ signature: '' })
  told({ signature: headers['signature']!.replace('agentchat=', 'other=') })
  told({ 'content-digest': 'sha-256=:AAAA:' })
  told({ 'x-line': 'a\nb', 'signature-input': input.replace('"@path"', '"@path" "x-line"') })
  told({}, now + 301_000)
  told({}, now - 301_000)
  expect(problemOf({ 'signature-input': `${input};expires=1800000100` })).toHaveProperty('keyId')
})

test('whatever is sent, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array().map(bytes => Buffer.from(bytes).toString('latin1')), fc.string(), fc.string(),
      (input, signature, digest) => {
        const read = readHttpSignature(request({ 'signature-input': input, signature, 'content-digest': digest }), now)
        expect(read).toHaveProperty('problem')
      }),
  )
})
