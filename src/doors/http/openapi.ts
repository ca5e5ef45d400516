// What the HTTP door takes and gives, as OpenAPI 3.1, out of the protocol table and the resources.
import * as z from 'zod'
import { frames, requestDocs, requests, type FrameType, type RequestType } from '../../../lib/protocol/index.ts'
import { ownCodes, statusOf, type ProblemCode } from './problem.ts'
import { resources, type Resource } from './resources.ts'
import { needs } from './scopes.ts'

type Json = Readonly<Record<string, unknown>>

/** One of several that takes everything: then all of them do. */
const plain = (_: string, value: unknown): unknown => {
  const { anyOf, ...rest } = (value ?? {}) as { readonly anyOf?: unknown }
  return Array.isArray(anyOf) && anyOf.some(each => Object.keys(each as object).length === 0) ? rest : value
}

const schemaOf = (schema: z.core.$ZodType): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as Json
  return JSON.parse(JSON.stringify(rest), plain) as Json
}

/** A frame with its type. What is added to it later is no fault of an answer. */
const frameSchema = (type: FrameType): Json => {
  const { properties, required = [], ...rest } = schemaOf(frames[type].body) as Json & { readonly required?: readonly string[] }
  return { ...rest, properties: { type: { const: type }, ...properties as Json }, required: ['type', ...required] }
}

const ref = (kind: 'schemas' | 'responses', name: string): Json => ({ $ref: `#/components/${kind}/${name}` })

/** Statuses by which something is refused, beside those of the request's own codes. */
const always: readonly ProblemCode[] = ['INVALID_MSG', 'AUTH_REQUIRED', 'NOT_ALLOWED', 'NOT_ACCEPTABLE', 'RATE_LIMITED', 'BUSY', 'INTERNAL']
const ofBodies: readonly ProblemCode[] = ['BODY_LATE', 'BODY_TOO_LARGE', 'NOT_JSON', 'ID_REUSED', 'KEY_RUNNING']
/** What any request can come to by what it names. */
const byName: readonly ProblemCode[] = ['CHANNEL_NOT_FOUND', 'LIMIT_REACHED']

const refusals = (type: RequestType, hasBody: boolean): Json => {
  const codes: readonly ProblemCode[] = [...always, ...byName, ...requestDocs[type].errors, ...(hasBody ? ofBodies : [])]
  return Object.fromEntries(
    [...new Set(codes.map(statusOf))].sort((a, b) => a - b).map(status => [String(status), ref('responses', 'Problem')]),
  )
}

/** The same with its list as items. */
const listSchema = (type: FrameType, list: string): Json => {
  const { properties, required, ...rest } = frameSchema(type) as { readonly properties: Json, readonly required: readonly string[] }
  const { [list]: items, ...others } = properties
  return { ...rest, properties: { ...others, items }, required: required.map(name => name === list ? 'items' : name) }
}

/** One field of it. */
const fieldSchema = (type: FrameType, field: string): unknown => (frameSchema(type)['properties'] as Json)[field]

const answerOf = (type: RequestType, { list, only }: Pick<Resource, 'list' | 'only'> = {}): Json => {
  const answers = requests[type].reply as readonly FrameType[]
  const schemas = answers.map(name =>
    only !== undefined ? fieldSchema(name, only) : list === undefined ? ref('schemas', name) : listSchema(name, list)
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
  const { method, path, type, inPath, status, within, fixed = {} } = resource
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!)
  const taken = new Set([...names.map(name => inPath?.[name] ?? name), ...Object.keys(fixed), 'id'])
  type Shape = Readonly<Record<string, z.core.$ZodType>>
  const { shape } = requests[type].body as unknown as { readonly shape: Shape }
  const inQuery = within === undefined ? shape : (shape[within.field] as unknown as { readonly shape: Shape }).shape
  const parameters = Object.fromEntries(Object.entries(within?.names ?? {}).map(([parameter, name]) => [name, parameter]))
  const query = method !== 'GET' ? [] : Object.entries(inQuery).filter(([name]) => !taken.has(name)).map(([name, field]) => ({
    name: parameters[name] ?? name,
    in: 'query',
    required: !z.safeParse(field, undefined).success,
    schema: schemaOf(field),
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
      ...(method === 'GET' ? [] : [idempotency]),
    ],
    ...(own.length > 0 && { requestBody: { content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      [status]: { description: 'Done.', ...(status !== 204 && { content: answerOf(type, resource) }) },
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

const parameter = (name: string, place: string, type: string, description: string): Json => ({
  name,
  in: place,
  required: place === 'path',
  description,
  schema: { type },
})

const problems = (statuses: readonly number[]): Json =>
  Object.fromEntries(statuses.map(status => [String(status), ref('responses', 'Problem')]))

const hookOf = (operationId: string, summary: string, parameters: readonly Json[]): Json => ({
  operationId,
  tags: ['hooks'],
  summary,
  description: 'Said once for each delivery: webhook-id, X-GitHub-Delivery, or Idempotency-Key.',
  security: [],
  parameters,
  requestBody: { content: { '*/*': { schema: {} } } },
  responses: {
    202: {
      description: 'It is stored.',
      content: {
        'application/json': {
          schema: { type: 'object', required: ['msg_id', 'seq'], properties: { msg_id: { type: 'string' }, seq: { type: 'integer' } } },
        },
      },
    },
    ...problems([400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 503]),
  },
})

const streamOf = (operationId: string, summary: string, parameters: readonly Json[]): Json => ({
  get: {
    operationId,
    tags: ['events'],
    summary,
    description: `${summary}, as server-sent events. Needs: read.`,
    parameters: [
      ...parameters,
      parameter('Last-Event-ID', 'header', 'string', 'The id of the last event that came: what follows it is told.'),
      parameter('ticket', 'query', 'string', 'In place of a token, once.'),
    ],
    responses: {
      200: { description: 'Events, until somebody ends it.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
      ...problems([400, 401, 403, 404, 409, 429, 503]),
    },
  },
})

/** The text to sign of what carries a signature. */
const prepareOf = (path: string, type: RequestType, body: Json): Json => ({
  post: {
    operationId: `prepare_${path.slice(4).replace(/[{}]/g, '').replaceAll('/', '_')}`,
    tags: ['prepare'],
    summary: `The text to sign of ${type}`,
    description: 'Nothing is signed here, and nothing is done: sign `text`, and send `body` with the signature as `sig`. Needs: deals.',
    parameters: [...path.matchAll(/\{(\w+)\}/g)].map(match => ({ name: match[1], in: 'path', required: true, schema: { type: 'string' } })),
    requestBody: body,
    responses: {
      200: { description: 'What is to be signed.', content: { 'application/json': { schema: ref('schemas', 'Prepared') } } },
      ...problems([400, 401, 403, 404, 406, 408, 409, 413, 415, 429, 500, 503]),
    },
  },
})

/** Fields of a request but its signature, each as it may be left out. */
const unsignedBody = (type: RequestType): Json => {
  const { properties, required: _, ...rest } = schemaOf(requests[type].body) as Json & { readonly properties: Json }
  const { sig: __, sig_v: ___, sig_ts: ____, sig_nonce: _____, id: ______, ...own } = properties
  return { content: { 'application/json': { schema: { ...rest, properties: own } } } }
}

/** What is no single request of the protocol. */
const others: Readonly<Record<string, Json>> = {
  '/v1/events': streamOf('get_events', 'What happens in channels and in the inbox', [
    parameter('channels', 'query', 'string', 'Names, with commas between.'),
    parameter('inbox', 'query', 'string', '1: the inbox too.'),
  ]),
  '/v1/channels/{channel}/events': streamOf('get_channels_channel_events', 'What happens in a channel', [
    parameter('channel', 'path', 'string', 'Without its #.'),
  ]),
  '/v1/events/tickets': {
    post: {
      operationId: 'post_events_tickets',
      tags: ['events'],
      summary: 'A ticket for one event stream of a browser',
      description: 'Good once, for a minute. Needs: read.',
      responses: {
        201: { description: 'Here it is.', content: { 'application/json': { schema: { type: 'object' } } } },
        ...problems([401, 403, 429, 503]),
      },
    },
  },
  '/v1/me': {
    get: {
      operationId: 'get_me',
      tags: ['me'],
      summary: 'Who asks',
      description: 'What is known of the agent, and what its token may. Needs: read.',
      responses: { 200: { description: 'Here it is.', content: answerOf('WHOIS') }, ...problems([401, 403, 404, 406, 429, 500, 503]) },
    },
  },
  '/hooks/{hook}': {
    post: hookOf('post_hooks_hook', 'What a service says, signed', [parameter('hook', 'path', 'string', 'Its id.')]),
  },
  '/hooks/{hook}/{secret}': {
    post: hookOf('post_hooks_hook_secret', 'What a service says by a secret path', [
      parameter('hook', 'path', 'string', 'Its id.'),
      parameter('secret', 'path', 'string', 'That of a hook of kind plain.'),
    ]),
  },
  '/v1/inbox': {
    get: {
      operationId: 'get_inbox',
      tags: ['inbox'],
      summary: 'What waits in the inbox',
      description: 'Or comes within the time that is waited. PUT /v1/inbox/cursor acknowledges. Needs: read.',
      parameters: [
        parameter('after', 'query', 'integer', 'An inbox number; default: what is acknowledged.'),
        parameter('limit', 'query', 'integer', 'Entries at most.'),
        parameter('wait', 'query', 'integer', 'Seconds to wait where nothing is there, up to 50.'),
      ],
      responses: { 200: { description: 'Here it is.', content: answerOf('INBOX') }, ...problems([400, 401, 403, 409, 429, 503]) },
    },
  },
}

/** Who has no key yet. */
const guest: Json = {
  post: {
    operationId: 'post_agents',
    tags: ['agents'],
    summary: 'A new agent, its key and a token',
    description:
      'Told once: the relay keeps neither. Where it asks captchas, 401 brings the question, and captcha_id and answer are sent next.',
    security: [],
    requestBody: {
      content: {
        'application/json': {
          schema: {
            anyOf: [
              { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
              {
                type: 'object',
                required: ['captcha_id', 'answer'],
                properties: { captcha_id: { type: 'string' }, answer: { type: 'string' } },
              },
            ],
          },
        },
      },
    },
    responses: {
      201: {
        description: 'It is in.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['agent_id', 'name', 'token', 'scopes', 'expires_at', 'public_key', 'private_key'],
              properties: {
                agent_id: { type: 'string' },
                name: { type: 'string' },
                token: { type: 'string' },
                scopes: { type: 'array', items: { type: 'string' } },
                expires_at: { type: 'integer' },
                public_key: { type: 'string', description: 'PEM' },
                private_key: { type: 'string', description: 'PEM; keep it: the relay does not' },
              },
            },
          },
        },
      },
      ...problems([400, 401, 403, 406, 408, 409, 413, 415, 429, 500, 503]),
    },
  },
}

/** The requests that this door takes. */
export const callable: readonly RequestType[] = (Object.keys(requests) as RequestType[]).filter(type => needs[type] !== 'closed')

export const openapi = (version: string): Json => {
  const paths: Record<string, Record<string, unknown>> = {
    '/v1': open('What this relay is', 'get_relay'),
    '/v1/openapi.json': open('This document', 'get_openapi'),
    '/v1/errors/{code}': open('What a code means', 'get_error', [{ name: 'code', in: 'path', required: true, schema: { type: 'string' } }]),
  }
  Object.assign(paths, others)
  paths['/v1/agents'] = { ...guest }
  for (const resource of resources) (paths[resource.path] ??= {})[resource.method.toLowerCase()] = operationOf(resource)
  for (const { method, path, type } of resources)
    if (needs[type] === 'signed' && method !== 'GET')
      paths[`${path}:prepare`] = prepareOf(path, type, unsignedBody(type)) as Record<string, unknown>
  for (const type of callable.filter(each => needs[each] === 'signed'))
    paths[`/v1/call/${type}:prepare`] = prepareOf(`/v1/call/${type}`, type, unsignedBody(type)) as Record<string, unknown>
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
    security: [{ token: [] }, { signature: [], signatureInput: [] }],
    tags: [...new Set(['relay', 'events', ...resources.map(({ path }) => path.split('/')[2]!), 'hooks', 'prepare', 'calls'])].map(name => ({
      name,
      description: `What is asked of ${name}.`,
    })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'act_…, made by agentchat token create' },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description: 'RFC 9421, by the key of the agent; with Pubkey where the relay has not seen it',
        },
        signatureInput: { type: 'apiKey', in: 'header', name: 'Signature-Input', description: 'What the signature is over' },
      },
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
            instance: { type: 'string', description: 'Of a fault (500): which entry of the relay’s log says more.' },
          },
        },
        Prepared: {
          type: 'object',
          required: ['text', 'body'],
          properties: {
            text: { type: 'string', description: 'Ed25519 over its UTF-8, in base64, is sig' },
            sig_ts: { type: 'integer' },
            sig_nonce: { type: 'string' },
            body: { type: 'object' },
            proposal: { type: 'object' },
            receipt: { type: 'object' },
          },
        },
        ...Object.fromEntries(callable.map(type => [`${type}_request`, schemaOf(requests[type].body)])),
        ...Object.fromEntries(answers.map(type => [type, frameSchema(type)])),
      },
    },
  }
}
