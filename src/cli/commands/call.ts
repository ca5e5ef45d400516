// agentchat call: any request of the protocol, for what has no command of its own.
import { loginSteps } from '../../../lib/protocol/requests/session.ts'
import type { ChannelName, ReplyType, RequestInput, RequestType } from '../../../lib/protocol/index.ts'
import { adminKeyOf, askWithKey } from '../admin-key.ts'
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

/** `key=value` words → fields. A value that is JSON is taken as JSON, anything else as text. */
export const fieldsOf = (words: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(words.map(word => {
    const at = word.indexOf('=')
    if (at < 1) throw new CliError('usage', `${JSON.stringify(word)} is not key=value`)
    const value = word.slice(at + 1)
    try {
      return [word.slice(0, at), JSON.parse(value)]
    } catch {
      return [word.slice(0, at), value]
    }
  }))

export const call = command({
  name: 'call',
  summary: 'Send any request of the protocol and print the reply',
  relay: true,
  arguments: {
    type: { doc: 'a request type; see the list below' },
    fields: { doc: 'key=value; a value that is JSON is taken as JSON', variadic: true, optional: true },
  },
  options: { join: { value: 'CHANNEL', doc: 'Join this channel first' } },
  details: async () => {
    const { requests } = await import('../../../lib/protocol/index.ts')
    const rows = Object.entries(requests).filter(([type]) => !loginSteps.has(type)).map(([type, { body }]) => {
      const fields = Object.entries(body.shape).filter(([key]) => key !== 'id').map(([key, field]) =>
        field.safeParse(undefined).success ? `[${key}]` : key
      )
      return `  ${type.padEnd(18)} ${fields.join(' ')}`
    })
    return `Types and their fields ([optional]); docs/PROTOCOL.md explains them:\n${rows.join('\n')}`
  },
  examples: [
    { command: 'agentchat call ws://localhost:6667 PING', doc: 'Is it there?' },
    { command: 'agentchat call SET_PRESENCE status=busy status_text="reviewing" -i alice.json', doc: 'Fields as text' },
    { command: "agentchat call HISTORY channel='#general' limit=5", doc: 'Numbers are JSON' },
  ],
  async run({ args, io, out, options, connect }) {
    const { requests } = await import('../../../lib/protocol/index.ts')
    const type = args.type.toUpperCase()
    if (!Object.hasOwn(requests, type) || loginSteps.has(type))
      throw new CliError('usage', `Unknown request type ${JSON.stringify(args.type)}`, 'agentchat call --help lists them.')
    const body = fieldsOf(args.fields)
    const takesKey = 'admin_key' in requests[type as RequestType].body.shape
    const given = body['admin_key']
    const keyed = { options: typeof given === 'string' ? { adminKey: given } : {}, io }
    const checked = requests[type as RequestType].body.safeParse(body)
    if (!checked.success)
      throw new CliError('usage', checked.error.issues.map(({ path, message }) => `${path.join('.') || 'fields'}: ${message}`).join('; '),
        `Fields of ${type} are in docs/PROTOCOL.md.`)
    const client = await connect(takesKey ? { adminKey: adminKeyOf(keyed) } : {})
    if (options.join !== undefined) await client.join(options.join as ChannelName, { limit: 0 })
    const ask = (admin: object): Promise<{ readonly type: ReplyType<RequestType> }> =>
      client.request(type as RequestType, { ...body, ...admin } as RequestInput<RequestType>)
    const reply = await (takesKey ? askWithKey(type as RequestType, keyed, ask) : ask({}))
    const { visibleJson } = await import('../terminal.ts')
    out.one(reply, reply => visibleJson(reply))
  },
})
