// Whatever is sent to whichever operation: a declared status, an answer as its schema says or a problem, and never a fault.
// REQUESTS=10000 npx vitest run test/http-fuzz.test.ts: as many as a release is tried with.
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestDocs, type RequestType } from '../lib/protocol/index.ts'
import { openapi } from '../src/doors/http/openapi.ts'
import { resources } from '../src/doors/http/resources.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

interface Operation {
  readonly method: string
  readonly path: string
  readonly type: RequestType | undefined
  readonly statuses: readonly string[]
  /** Of answers with a body, by status. */
  readonly schemas: ReadonlyMap<string, object>
}

const document = JSON.parse(JSON.stringify(openapi('0.0.0'))) as {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<string, {
          readonly responses: Readonly<Record<string, { readonly content?: Record<string, { readonly schema?: object }> }>>
        }>
      >
    >
  >
  readonly components: object
}
/** Which request of the protocol it is, or is prepared by it. */
const typeOf = (method: string, path: string): RequestType | undefined => {
  const plain = path.replace(/:prepare$/, '')
  const called = /^\/v1\/call\/(\w+)$/.exec(plain)?.[1]
  return called as RequestType | undefined
    ?? resources.find(each => each.path === plain && (plain !== path || each.method === method))?.type
}

/** Those that end: streams have tests of their own. */
const operations: readonly Operation[] = Object.entries(document.paths).filter(([path]) => !path.endsWith('/events'))
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path,
      type: typeOf(method.toUpperCase(), path),
      statuses: Object.keys(responses),
      schemas: new Map(
        Object.entries(responses).flatMap(([status, { content }]) => {
          const schema = content?.['application/json']?.schema
          return schema === undefined ? [] : [[status, schema]]
        }),
      ),
    }))
  )

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false })
ajv.addSchema({ $id: 'openapi', ...document })
/** A reference of the document, from outside of it. */
const validatorOf = (schema: object) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object)
const isProblem = validatorOf({ $ref: '#/components/schemas/Problem' })

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('', '#general', '@nobody', '../..', 'a'.repeat(300), '\u0000', '__proto__', -1, 2 ** 53, 1.5, null, true, [], {}),
)
const segment = fc.constantFrom('general', 'nowhere', '%23general', '@8addfe276526c9f6', '%', '%00', '..%2f..', 'x'.repeat(200), '~',
  'INVALID_MSG')
const query = fc.dictionary(
  fc.constantFrom('limit', 'after', 'before', 'agent', 'by', 'state', 'wait', 'zzz', 'id'),
  fc.constantFrom('', '0', '1', '200', '-5', '99999999999999999999', 'true', 'x', '#general'),
  { maxKeys: 3 },
)

/** What is sent. */
interface Tried {
  readonly operation: Operation
  readonly segment: string
  readonly query: Readonly<Record<string, string>>
  readonly body: string | Readonly<Record<string, unknown>> | { readonly name: number, readonly value: unknown }
  readonly contentType: string
}

test('every operation, with what is right, nearly right and not', async () => {
  await using relay = await startTestRelay({ frameRate: 0, addressFrameRate: 0, addressRate: 0 })
  const wire = await relay.login('ada', { key: newKey() })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage', 'deals'] }, 'TOKEN_CREATED')
  const validators = new Map(
    operations.map(each => [each, new Map([...each.schemas].map(([status, schema]) => [status, validatorOf(schema)]))]),
  )
  const checked = new Set<number>()
  const one: fc.Arbitrary<Tried> = fc.record({
    operation: fc.constantFrom(...operations),
    segment,
    query,
    body: fc.oneof(
      fc.constant('example' as const),
      fc.record({ name: fc.nat(), value: odd }),
      fc.dictionary(fc.string({ maxLength: 10 }), odd, { maxKeys: 4 }),
      fc.constantFrom('{', '[]', '7', '"x"', `${'['.repeat(3_000)}`, '{"a":1,"a":2}'),
    ),
    contentType: fc.constantFrom('application/json', 'application/json', 'application/json', 'text/plain', ''),
  })
  const tryIt = async ({ operation, segment, query, body, contentType }: Tried) => {
    const { method, path, type, statuses } = operation
    const example = type === undefined ? { name: 'newcomer' } : requestDocs[type].example as Record<string, unknown>
    const names = Object.keys(example)
    const sent = typeof body === 'string' && body !== 'example'
      ? body
      : JSON.stringify(
        body === 'example' ? example : 'name' in body && 'value' in body && names.length > 0
          ? { ...example, [names[Number(body['name']) % names.length]!]: body['value'] }
          : body,
      )
    const hasBody = method !== 'GET'
    const search = new URLSearchParams({ ...query, ...('wait' in query && { wait: query['wait']!.length > 1 ? 'x' : query['wait']! }) })
    const response = await fetch(`${relay.httpUrl}${path.replaceAll(/\{\w+\}/g, segment)}${hasBody ? '' : `?${search.toString()}`}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(hasBody && contentType !== '' && { 'content-type': contentType }) },
      ...(hasBody && { body: sent }),
    })
    const text = await response.text()
    const context = `${method} ${path} ${segment} ${search.toString()} ${sent.slice(0, 200)} → ${response.status} ${text.slice(0, 300)}`
    expect(statuses, context).toContain(String(response.status))
    expect(response.status === 503 || response.status < 500, context).toBe(true)
    if (response.status >= 400) {
      expect(response.headers.get('content-type'), context).toBe('application/problem+json')
      expect(JSON.parse(text), context).toMatchObject({ status: response.status })
      expect(isProblem(JSON.parse(text)), `${ajv.errorsText(isProblem.errors)}: ${context}`).toBe(true)
    } else {
      const validate = validators.get(operation)!.get(String(response.status))
      if (validate === undefined) expect([response.status, text], context).toEqual([204, ''])
      else if (!validate(JSON.parse(text))) throw new Error(`${ajv.errorsText(validate.errors)}: ${context}`)
      checked.add(response.status)
    }
  }
  // Each of them as it is meant, and then all of them in any way.
  for (const operation of operations)
    await tryIt({ operation, segment: 'general', query: {}, body: 'example', contentType: 'application/json' })
  await fc.assert(fc.asyncProperty(one, tryIt), { numRuns: Number(process.env['REQUESTS'] ?? 800) })
  expect([...checked].toSorted()).toEqual([200, 201, 204])
  expect((await fetch(`${relay.httpUrl}/readyz`)).status).toBe(200)
}, 240_000)
