// The protocol table as a page for people and as a JSON Schema for programs. Pure: the table is the only source.
import * as z from 'zod'
import { closeCodes, type CloseName } from './close.ts'
import { closeDocs } from './docs/close.ts'
import { errorDocs, frameDocs, requestDocs } from './docs/index.ts'
import { remarked } from './docs/remarked.ts'
import { errors, type ErrorCode } from './errors.ts'
import { PROTOCOL, limits } from './limits.ts'
import { prices, type Cost } from './price.ts'
import { frames } from './frames.ts'
import { domains, requests, type FrameType, type RequestType } from './table.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The schema of a frame as it stands on the wire, `type` included. */
const schemaOf = (type: string, body: z.core.$ZodObject, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io, unrepresentable: 'any', metadata: remarked }) as JsonSchema & {
    $schema?: string
  }
  // Both sides ignore what they do not know: a schema that forbids it would break the next version.
  const { additionalProperties: __, ...open } = schema
  return { ...open, properties: { type: { const: type }, ...open.properties }, required: ['type', ...open.required ?? []] }
}

/** One definition per frame: `requests.MSG`, `frames.MSG` … */
export const protocolJsonSchema = (): { readonly $defs: Readonly<Record<string, object>> } & Readonly<Record<string, unknown>> => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: `AgentChat wire protocol (${PROTOCOL})`,
  description: 'requests: client to relay; frames: relay to client. One JSON object per WebSocket text message.',
  $defs: {
    requests: Object.fromEntries(
      Object.entries(requests).map(([type, { body }]) => [
        type,
        { description: requestDocs[type as RequestType].doc, ...schemaOf(type, body, 'input') },
      ]),
    ),
    frames: Object.fromEntries(
      Object.entries(frames).map(([type, { body }]) => [
        type,
        { description: frameDocs[type as FrameType].doc, ...schemaOf(type, body, 'input') },
      ]),
    ),
  },
})

/** A field's type in a few words. */
const words = (schema: JsonSchema): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map(value => `\`${JSON.stringify(value)}\``).join(' \\| ')
  const options = schema.anyOf
  if (options !== undefined) return options.map(option => words(option as JsonSchema)).join(' or ')
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : words(schema.items as JsonSchema)}`
  if (schema.type === 'object') {
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) =>
      `${name}${schema.required?.includes(name) === true ? '' : '?'}: ${words(field as JsonSchema)}`
    )
    return fields.length === 0 ? 'object' : `{ ${fields.join(', ')} }`
  }
  const bounds = [
    ...(schema.minLength === undefined ? [] : [`≥ ${schema.minLength}`]),
    ...(schema.maxLength === undefined ? [] : [`≤ ${schema.maxLength} characters`]),
    ...(schema.pattern === undefined ? [] : [`\`${schema.pattern.replaceAll('|', '\\|')}\``]),
  ]
  const kind = Array.isArray(schema.type) ? (schema.type as readonly string[]).join(' or ') : schema.type ?? 'anything'
  return `${kind}${bounds.length === 0 ? '' : ` (${bounds.join(', ')})`}`
}

const fieldTable = (body: z.core.$ZodObject, hidden: readonly string[]): string => {
  const { properties = {}, required = [] } = schemaOf('', body, 'input')
  const rows = Object.entries(properties).filter(([name]) => name !== 'type' && !hidden.includes(name)).map(([name, schema]) => {
    const { description } = schema as JsonSchema
    return `| \`${name}\`${required.includes(name) ? '' : '?'} | ${words(schema as JsonSchema)}${
      description === undefined ? '' : `; ${description}`
    } |`
  })
  return rows.length === 0 ? '' : `| field | type |\n|---|---|\n${rows.join('\n')}\n`
}

const example = (type: string, value: object): string => `\`\`\`json\n${JSON.stringify({ type, ...value })}\n\`\`\`\n`

const audiences = {
  channel: 'for each member of the channel that is told',
  members: 'for each member of the channel',
  peers: 'for each agent that shares a channel and is told',
  here: 'for each member of the channel that a word of it calls by `@here`',
  target: 'for each member of the channel that is told',
}

/** A request's price in a few words; what its size and its answer add is the same for all, and said once. */
const priceOf = ({ message, piece, needsRoom, frames, each, audience }: Cost): string =>
  [
    ...(message === true ? ['a message'] : []),
    ...(piece === true ? ['a piece'] : []),
    `${frames} ${frames === 1 ? 'frame' : 'frames'}`,
    ...(each === undefined ? [] : [`1/${prices.entriesPerFrame} for each of \`${each}\``]),
    ...(audience === undefined ? [] : [`1/${prices.listenersPerFrame} ${audiences[audience]}`]),
    ...(needsRoom === false ? ['done also where no room is left for data'] : []),
  ].join(', ')

const requestSection = (type: RequestType): string => {
  const { body, cost, reply, quiet } = requests[type]
  const { doc, errors: codes, example: sample } = requestDocs[type]
  const answers = (reply as readonly string[]).map(name =>
    `[\`${name}\`](#${anchor('frame', name)})${name === quiet ? ' (only when `id` is given)' : ''}`
  ).join(' or ')
  return [
    `### → ${type}\n<a id="${anchor('request', type)}"></a>\n`,
    `${doc}\n`,
    fieldTable(body, ['id']),
    `Answer: ${answers}.${codes.length === 0 ? '' : ` Errors: ${codes.map(code => `\`${code}\``).join(' ')}.`}\n`,
    `Price: ${priceOf(cost)}.\n`,
    example(type, sample),
  ].filter(part => part !== '').join('\n')
}

const frameSection = (type: FrameType): string => {
  const { body, kind } = frames[type]
  const { doc, example: sample } = frameDocs[type]
  return [
    `### ← ${type}${kind === 'event' ? ' (stored)' : ''}\n<a id="${anchor('frame', type)}"></a>\n`,
    `${doc}\n`,
    fieldTable(body, ['ts', 're', 'seq', 'replay', 'prev_seq']),
    example(type, { ts: 1_790_000_000_000, ...sample }),
  ].filter(part => part !== '').join('\n')
}

const anchor = (kind: 'request' | 'frame', type: string): string => `${kind}-${type.toLowerCase()}`

export const protocolMarkdown = (): string =>
  `# The wire: ${PROTOCOL}

<!-- Generated from lib/protocol by \`npm run docs\`. -->

One JSON object per WebSocket text message, on any path; \`type\` names the frame. Unknown fields are ignored by both sides, unknown types are refused by the
relay and ignored by clients. The same, for programs: [protocol.schema.json](protocol.schema.json).

* Every request may carry \`id\` (1–${limits.maxRequestIdChars} characters). What answers it, \`ERROR\` included, then carries \`re\` with the same value.
* Every frame of the relay carries \`ts\`, the relay's clock in ms since 1970.
* A stored frame carries \`seq\`: 1, 2, 3 … per channel, and per pair of agents for direct messages; its \`ts\` is strictly rising there. Read from the log it also carries \`replay: true\`.
* A message with \`id\` is stored once for its agent and \`id\`, however often it is sent: a repeat gets the first \`ACK\` with \`duplicate: true\`.

${
    Object.entries(domains).map(([name, domain]) =>
      [
        `## ${name[0]!.toUpperCase()}${name.slice(1)}\n`,
        ...Object.keys(domain.requests).map(type => requestSection(type as RequestType)),
        ...Object.keys(domain.frames).map(type => frameSection(type as FrameType)),
      ].join('\n')
    ).join('\n')
  }
## Prices

What a request costs is paid by its agent and by the address it comes from, from two allowances.

* **Messages** are what others have to read or the relay has to keep: by default one a second and 10 at once per agent. Where there are none left the request is refused
  with \`RATE_LIMITED\` and \`retry_after_ms\`; a refusal costs no message, so that this time is the whole wait. A frame of up to ${
    prices.freeBytes / 1024
  } KiB costs one message, each further
  ${
    prices.bytesPerUnit / 1024
  } KiB another one. What costs more than is allowed at once is taken when the allowance is full, and the rest of the price is a debt.
* **Frames** are work, whatever the request: 1 is a PING. Nothing is refused for them: a connection whose agent or address is in debt is read later. Each request says what it costs.
  Each ${prices.bytesPerUnit / 1024} KiB past the first ${prices.freeBytes / 1024} add a frame, and so do each ${
    prices.answerBytesPerFrame / 1024
  } KiB of an answer and of what is replayed, each ${prices.entriesPerFrame} entries of its lists, and each ${prices.storedPerFrame} stored events in a page.

## Errors

| code | meaning | trying again helps |
|---|---|---|
${
    Object.entries(errors).map(([code, { retry }]) => `| \`${code}\` | ${errorDocs[code as ErrorCode]} | ${retry ? 'yes' : 'no'} |`).join(
      '\n',
    )
  }

## Close codes

1012 and 4000–4499: come back. 4500–4999: do not.

| code | name | meaning |
|---|---|---|
${Object.entries(closeCodes).map(([name, { code }]) => `| ${code} | ${name} | ${closeDocs[name as CloseName]} |`).join('\n')}

## Limits

What a relay enforces is in \`WELCOME.limits\`. These hold for every relay:

| limit | value |
|---|---|
${Object.entries(limits).map(([name, value]) => `| ${name} | ${value.toLocaleString('en')} |`).join('\n')}
`
