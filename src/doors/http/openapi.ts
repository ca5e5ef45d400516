// What the HTTP door takes and gives, as OpenAPI 3.1, out of the protocol table and the resources.
import * as z from 'zod'
import { frames, requestDocs, requests, type FrameType, type RequestType } from '../../../lib/protocol/index.ts'
import { ownCodes, statusOf, type ProblemCode } from './problem.ts'
import { resources, type Resource } from './resources.ts'
import { needs } from './scopes.ts'

type Json = Readonly<Record<string, unknown>>

const schemaOf = (schema: z.core.$ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-2020-12' }) as Json
  return rest
}

const ref = (kind: 'schemas' | 'responses', name: string): Json => ({ $ref: `#/components/${kind}/${name}` })

/** Statuses by which something is refused, beside those of the request's own codes. */
const always: readonly ProblemCode[] = ['INVALID_MSG', 'AUTH_REQUIRED', 'NOT_ALLOWED', 'RATE_LIMITED', 'BUSY', 'INTERNAL']
const ofBodies: readonly ProblemCode[] = ['BODY_LATE', 'BODY_TOO_LARGE', 'NOT_JSON', 'ID_REUSED']
/** What any request can come to by what it names. */
const byName: readonly ProblemCode[] = ['CHANNEL_NOT_FOUND', 'LIMIT_REACHED']

const refusals = (type: RequestType, hasBody: boolean): Json => {
  const codes: readonly ProblemCode[] = [...always, ...byName, ...requestDocs[type].errors, ...(hasBody ? ofBodies : [])]
  return Object.fromEntries(
    [...new Set(codes.map(statusOf))].sort((a, b) => a - b).map(status => [String(status), ref('responses', 'Problem')]),
  )
}

const answerOf = (type: RequestType, list?: string): Json => {
  const answers = requests[type].reply as readonly FrameType[]
  const schemas = answers.map(name =>
    list === undefined ? ref('schemas', name) : { type: 'object', properties: { items: { type: 'array' } } }
  )
  return { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } } }
}

const idempotency = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'What is stored is stored once under it, however often it is asked.',
  schema: { type: 'string', minLength: 1, maxLength: 64 },
}

/** What a request says of itself: its first sentence is its summary. */
const wordsOf = (type: RequestType): Json => {
  const { doc } = requestDocs[type]
  const end = doc.search(/[.;:](?:\s|$)/)
  const needed = needs[type]
  return {
    summary: end < 0 ? doc : doc.slice(0, end),
    description: `${doc}${doc.endsWith('.') ? '' : '.'} Needs: ${needed === 'signed' ? 'deals, and sig' : needed}.`,
  }
}

const callOf = (type: RequestType): Json => ({
  post: {
    operationId: `call_${type}`,
    tags: ['calls'],
    ...wordsOf(type),
    parameters: [idempotency],
    requestBody: { content: { 'application/json': { schema: ref('schemas', `${type}_request`) } } },
    responses: { 200: { description: 'The frame that answers.', content: answerOf(type) }, ...refusals(type, true) },
  },
})

const operationOf = (resource: Resource): Json => {
  const { method, path, type, inPath, status, list, fixed = {} } = resource
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!)
  const taken = new Set([...names.map(name => inPath?.[name] ?? name), ...Object.keys(fixed), 'id'])
  const { shape } = requests[type].body as unknown as { readonly shape: Readonly<Record<string, z.core.$ZodType>> }
  const query = method !== 'GET' ? [] : Object.entries(shape).filter(([name]) => !taken.has(name)).map(([name, field]) => ({
    name,
    in: 'query',
    required: !z.safeParse(field, undefined).success,
    schema: schemaOf(field, 'input'),
  }))
  const own = method === 'GET' ? [] : Object.keys(shape).filter(name => !taken.has(name))
  const body = z.object(Object.fromEntries(own.map(name => [name, shape[name]!])))
  return {
    operationId: `${method.toLowerCase()}_${path.slice(4).replace(/[{}]/g, '').replaceAll('/', '_')}`,
    tags: [path.split('/')[2]!],
    ...wordsOf(type),
    parameters: [
      ...names.map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...query,
      ...(method === 'POST' ? [idempotency] : []),
    ],
    ...(own.length > 0 && { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status]: { description: 'Done.', ...(status !== 204 && { content: answerOf(type, list) }) },
      ...refusals(type, method !== 'GET'),
    },
  }
}

const open = (summary: string, operationId: string, parameters: readonly Json[] = []): Json => ({
  get: {
    operationId,
    tags: ['relay'],
    summary,
    description: `${summary}.`,
    security: [],
    parameters,
    responses: {
      200: { description: 'Here it is.', content: { 'application/json': { schema: { type: 'object' } } } },
      ...Object.fromEntries([403, 404, 429].map(status => [String(status), ref('responses', 'Problem')])),
    },
  },
})

/** The requests that this door takes. */
export const callable: readonly RequestType[] = (Object.keys(requests) as RequestType[]).filter(type => needs[type] !== 'closed')

export const openapi = (version: string): Json => {
  const paths: Record<string, Record<string, unknown>> = {
    '/v1': open('What this relay is', 'get_relay'),
    '/v1/openapi.json': open('This document', 'get_openapi'),
    '/v1/errors/{code}': open('What a code means', 'get_error', [{ name: 'code', in: 'path', required: true, schema: { type: 'string' } }]),
  }
  for (const resource of resources) (paths[resource.path] ??= {})[resource.method.toLowerCase()] = operationOf(resource)
  for (const type of callable) paths[`/v1/call/${type}`] = callOf(type)
  const answers = [...new Set(callable.flatMap(type => requests[type].reply as readonly FrameType[]))]
  return {
    openapi: '3.1.0',
    info: {
      title: 'AgentChat over HTTP',
      version,
      description: 'Every request of the protocol, and resources for people with curl. Frames and fields: docs/PROTOCOL.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: [...new Set(['relay', ...resources.map(({ path }) => path.split('/')[2]!), 'calls'])].map(name => ({
      name,
      description: `What is asked of ${name}.`,
    })),
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'act_…, made by agentchat token create' } },
      responses: {
        Problem: { description: 'Why it was not done.', content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } } },
      },
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status', 'detail', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { type: 'string', description: `A code of the protocol, or one of ${Object.keys(ownCodes).join(', ')}` },
            retry_after_ms: { type: 'integer' },
          },
        },
        ...Object.fromEntries(callable.map(type => [`${type}_request`, schemaOf(requests[type].body, 'input')])),
        ...Object.fromEntries(answers.map(type => [type, {
          allOf: [{ type: 'object', required: ['type'], properties: { type: { const: type } } }, schemaOf(frames[type].body, 'output')],
        }])),
      },
    },
  }
}
