// Whatever is sent to whichever operation: a declared status, an answer as its schema says or a problem, and never a fault.
// REQUESTS=10000 npx vitest run test/http-fuzz.test.ts: as many as a release is tried with.
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestDocs, type RequestType } from '../lib/protocol/index.ts'
import { openapi } from '../src/doors/http/openapi.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

interface Operation {
  readonly method: string
  readonly path: string
  readonly type: RequestType | undefined
  readonly statuses: readonly string[]
  readonly schema: object | undefined
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
/** Those that end: streams have tests of their own. */
const operations: readonly Operation[] = Object.entries(document.paths).filter(([path]) => !path.endsWith('/events'))
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path,
      type: /^\/v1\/call\/(\w+)$/.exec(path)?.[1] as RequestType | undefined,
      statuses: Object.keys(responses),
      schema: responses['200']?.content?.['application/json']?.schema,
    }))
  )

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false })
ajv.addSchema({ $id: 'openapi', ...document })
/** A reference of the document, from outside of it. */
const validatorOf = (schema: object) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object)

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

test('every operation, with what is right, nearly right and not', async () => {
  await using relay = await startTestRelay({ frameRate: 0, addressFrameRate: 0, addressRate: 0 })
  const wire = await relay.login('ada', { key: newKey() })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage', 'deals'] }, 'TOKEN_CREATED')
  const validators = new Map(operations.filter(({ schema }) => schema !== undefined).map(each => [each, validatorOf(each.schema!)]))
  const asked = new Set<string>()
  const one = fc.record({
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
  await fc.assert(
    fc.asyncProperty(one, async ({ operation, segment, query, body, contentType }) => {
      const { method, path, type, statuses } = operation
      const example = type === undefined ? { content: 'hi', channel: '#fuzz' } : requestDocs[type].example as Record<string, unknown>
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
      asked.add(`${method} ${path}`)
      if (response.status >= 400) {
        expect(response.headers.get('content-type'), context).toBe('application/problem+json')
        expect(JSON.parse(text), context).toMatchObject({ status: response.status, code: expect.any(String) as string })
      } else if (response.status === 200) {
        const validate = validators.get(operation)
        if (validate !== undefined && !validate(JSON.parse(text))) throw new Error(`${ajv.errorsText(validate.errors)}: ${context}`)
      }
    }),
    { numRuns: Number(process.env['REQUESTS'] ?? 800) },
  )
  expect(asked.size).toBeGreaterThan(operations.length * 0.9)
  expect((await fetch(`${relay.httpUrl}/readyz`)).status).toBe(200)
}, 240_000)
