// Commands that are requests of the protocol: what they say, take and mean stands in the protocol table, and only there.
import * as z from 'zod'
import type { AgentChatClient } from '../../lib/client/index.ts'
import { remarked } from '../../lib/protocol/docs/remarked.ts'
import { requestDocs, requests, type Frame, type ReplyType, type RequestInput, type RequestType } from '../../lib/protocol/index.ts'
import { adminKeyOption, askWithKey, connectAdmin } from './admin-key.ts'
import { whole, type AnyCommand, type ArgumentSpec, type Call, type Example, type OptionSpec } from './command.ts'
import { CliError } from './exit.ts'
import { confirm, connectKeyed, yesOption } from './trade.ts'

/** What was given, by the names of the request's fields and of further options. */
export type Given = Readonly<Record<string, unknown>>

export interface RequestCommand<T extends RequestType> {
  readonly name: string
  readonly type: T
  /** Fields that are arguments, in this order; the others are options. */
  readonly arguments: readonly string[]
  /** Fields that are not offered. */
  readonly without?: readonly string[]
  /** What stands here in place of the table's. */
  readonly summary?: string
  readonly options?: Readonly<Record<string, OptionSpec>>
  /** What arguments are here, where the command line takes more than the wire. */
  readonly meanings?: Readonly<Record<string, string>>
  readonly examples: readonly Example[]
  /** The request's fields, where they are not simply what was given. */
  readonly body?: (given: Given, call: Pick<Call, 'io'>) => object | Promise<object>
  /** Only with a key: who asks has to be somebody. */
  readonly isKeyed?: true
  /** Before it is asked. */
  readonly prepare?: (client: AgentChatClient, given: Given) => Promise<unknown>
  /** What cannot be undone: asked about. */
  readonly question?: (given: Given) => string
  /** How it went, in words. */
  readonly done: (given: Given, reply: Frame<ReplyType<T>>) => string
}

interface FieldSchema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly FieldSchema[]
  readonly description?: string
  readonly maximum?: number
}

/** What a field takes; null, which older clients send for nothing, is left out. */
const schemasOf = (field: z.core.$ZodType): readonly FieldSchema[] => {
  const schema = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any', metadata: remarked }) as FieldSchema
  const flat = (each: FieldSchema): readonly FieldSchema[] =>
    each.anyOf?.flatMap(flat).map(inner => ({ ...(each.description !== undefined && { description: each.description }), ...inner }))
      ?? [each]
  return flat(schema).filter(({ type }) => type !== 'null')
}

const docOf = (name: string, schemas: readonly FieldSchema[]): string => {
  const said = schemas.find(({ description }) => description !== undefined)?.description
  return said ?? (kinds[name] === 'channel' ? 'a #channel' : kinds[name] === 'agent' ? 'an @agent id' : name.replaceAll('_', ' '))
}

const kinds: Readonly<Record<string, ArgumentSpec['is']>> = {
  channel: 'channel',
  agent: 'agent',
  agent_id: 'agent',
  owner: 'agent',
  by: 'agent',
  msg_id: 'held',
}

const optionOf = (name: string, field: z.core.$ZodType): OptionSpec => {
  const schemas = schemasOf(field)
  const doc = docOf(name, schemas)
  const spec = { doc: `${doc[0]!.toUpperCase()}${doc.slice(1)}` }
  const words = schemas.flatMap(schema => schema.enum ?? [])
  if (words.length > 0) return { ...spec, value: words.join('|') }
  const value = name.split('_').at(-1)!.toUpperCase()
  const isSwitch = schemas.some(schema => schema.type === 'boolean' || schema.const === true)
  if (isSwitch) return schemas.length === 1 ? spec : { ...spec, value: `[${value}]` }
  return schemas.some(({ type }) => type === 'integer' || type === 'number') ? { ...spec, value: 'N', parse: whole } : { ...spec, value }
}

/** `topic_by` → `topicBy` */
const camel = (name: string): string => name.replace(/_[a-z]/g, part => part[1]!.toUpperCase())

/** An agent is `agent_id` in what commands print, whatever the frame calls it. */
const printed = (value: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).filter(([key]) => !['type', 'ts', 're', 'success', 'admin_key'].includes(key)).map(([key, each]) => [
      key === 'agentId' || key === 'agent' ? 'agent_id' : key,
      each as unknown,
    ]),
  )

/** The first words of a request's documentation. */
const summaryOf = (doc: string): string => /^[^.;:]+/.exec(doc)![0]

/** What it says after the summary, as sentences; undefined: nothing. */
const restOf = (doc: string, summary: string): string | undefined => {
  if (!doc.startsWith(summary)) return doc
  const rest = doc.slice(summary.length).replace(/^[.;:\s]+/, '')
  return rest === '' ? undefined : `${rest[0]!.toUpperCase()}${rest.slice(1)}`
}

export const requestCommand = <T extends RequestType>(record: RequestCommand<T>): AnyCommand => {
  const { name, type, without = [], options = {}, body = (given: Given) => given } = record
  const { body: { shape } } = requests[type]
  const { doc } = requestDocs[type]
  const { summary = summaryOf(doc) } = record
  const details = restOf(doc, summary)
  const fields = Object.entries(shape as Record<string, z.core.$ZodType>).filter(([key]) => key !== 'id' && !without.includes(key))
  const takesKey = 'admin_key' in shape
  const offered = fields.filter(([key]) => key !== 'admin_key' && !record.arguments.includes(key))
  return {
    name,
    summary,
    ...(details !== undefined && { details: async () => details }),
    relay: true,
    arguments: Object.fromEntries(record.arguments.map((key): [string, ArgumentSpec] => {
      const field = (shape as Record<string, z.core.$ZodType>)[key]
      const is = kinds[key]
      return [key, {
        doc: record.meanings?.[key] ?? (field === undefined ? key : docOf(key, schemasOf(field))),
        ...(is !== undefined && { is }),
        ...(field !== undefined && z.safeParse(field, undefined).success && { optional: true as const }),
      }]
    })),
    options: {
      ...Object.fromEntries(offered.map(([key, field]) => [camel(key), optionOf(key, field)])),
      ...options,
      ...(takesKey && adminKeyOption),
      ...(record.question !== undefined && yesOption),
    },
    examples: record.examples,
    async run(call: Call<Record<string, ArgumentSpec>, typeof adminKeyOption & typeof yesOption>) {
      const { args, options, io, out } = call
      const given: Given = Object.fromEntries([
        ...Object.entries(args),
        ...offered.map(([key]) => [key, (options as Given)[camel(key)]]),
        ...Object.keys(record.options ?? {}).map(key => [key, (options as Given)[key]]),
      ].filter(([, value]) => value !== undefined))
      const wanted = await body(given, { io })
      const checked = requests[type].body.safeParse(wanted)
      if (!checked.success) {
        const { path, message } = checked.error.issues[0]!
        throw new CliError('usage', `${path.join('.') || name}: ${message}`, `agentchat call ${type} shows all that can be said.`)
      }
      if (record.question !== undefined) await confirm(call, record.question(given))
      const client = await (takesKey ? connectAdmin(call) : record.isKeyed ? connectKeyed(call) : call.connect())
      await record.prepare?.(client, given)
      const ask = (admin: object) => client.request(type, { ...wanted, ...admin } as RequestInput<T>) as Promise<Frame<ReplyType<T>>>
      const reply = await (takesKey ? askWithKey(type, call, ask) : ask({}))
      out.done({ ...printed(args), ...printed(reply) }, () => record.done(given, reply))
    },
  } as AnyCommand
}
