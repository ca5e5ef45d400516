// What the conformance suite of MCP asks for by name: tools, resources and prompts that do nothing but what it says of them. They go through the
// same door as the real ones, so that the suite tests that door; only on a relay that is bound to loopback, and only where it is told to.
import type { McpServer, Server, ServerContext, ServerEvent } from '@modelcontextprotocol/server'
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { Serving } from './http.ts'
import type { Sdk } from './server.ts'

/** One red pixel, and no sound at all. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=='
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQAAAAA='

const pauseMs = 50

type Fields = Readonly<Record<string, unknown>>

const text = (said: string) => ({ type: 'text' as const, text: said })
const image = { type: 'image' as const, data: png, mimeType: 'image/png' }
const resource = (uri: string, mimeType: string, said: string) => ({ type: 'resource' as const, resource: { uri, mimeType, text: said } })
const content = (...items: readonly object[]) => ({ content: items as never })
const object = (properties: Fields = {}, required: readonly string[] = [], more: Fields = {}) => ({
  type: 'object',
  properties,
  required,
  ...more,
})
const string = { type: 'string' }

/** Schemas of JSON Schema 2020-12 are told as they are. */
const address = { $anchor: 'addressDef', type: 'object', properties: { street: string, city: string } }
const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address },
  properties: {
    name: string,
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: string,
    email: string,
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const defaults = object({
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
})

const titled = (...titles: readonly string[]) => titles.map((title, i) => ({ const: `value${i + 1}`, title }))
const options = ['option1', 'option2', 'option3']
const enums = object({
  untitledSingle: { type: 'string', enum: options },
  titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
  titledMulti: { type: 'array', items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
})

type ToolRest = readonly [name: string, run: (context: ServerContext, args: Fields) => unknown, input?: Fields]

export class Fixtures implements Serving {
  readonly #sdk: Sdk
  readonly #codec: ReturnType<Sdk['createRequestStateCodec']>
  readonly #listeners = new Set<(event: ServerEvent) => void>()

  constructor(sdk: Sdk, secret: string) {
    this.#sdk = sdk
    this.#codec = sdk.createRequestStateCodec({ key: secret.padEnd(32, '.') })
  }

  watch(listener: (event: ServerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  want(): () => void {
    return () => undefined
  }

  server(): Server {
    const { McpServer } = this.#sdk
    const server = new McpServer({ name: 'agentchat-conformance', version: '1' }, {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
      requestState: { verify: this.#codec.verify },
    })
    this.#plainTools(server)
    this.#asking(server)
    this.#rounds(server)
    this.#resources(server)
    this.#prompts(server)
    server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [], hasMore: false } }))
    server.server.setRequestHandler('resources/subscribe', () => ({}))
    server.server.setRequestHandler('resources/unsubscribe', () => ({}))
    return server.server
  }

  #tool(server: McpServer, name: string, run: (context: ServerContext, args: Fields) => unknown, input: Fields = object()): void {
    const inputSchema = this.#sdk.fromJsonSchema<Fields>(input as never)
    server.registerTool(name, { description: `For the suite: ${name}`, inputSchema },
      (async (args: Fields, context: ServerContext) => run(context, args)) as never)
  }

  #plainTools(server: McpServer): void {
    const tool = (...rest: ToolRest) => this.#tool(server, ...rest)
    tool('test_simple_text', () => content(text('This is a simple text response for testing.')))
    tool('test_image_content', () => content(image))
    tool('test_audio_content', () => content({ type: 'audio', data: wav, mimeType: 'audio/wav' }))
    tool('test_embedded_resource',
      () => content(resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')))
    tool('test_multiple_content_types',
      () =>
        content(text('Multiple content types test:'), image,
          resource('test://mixed-content-resource', 'application/json', JSON.stringify({ test: 'data', value: 123 }))))
    const logs = (words: readonly string[]) => async ({ mcpReq }: ServerContext) => {
      for (const word of words) {
        await mcpReq.log('info', word)
        await sleep(timerMs(pauseMs))
      }
      return content(text('logged'))
    }
    tool('test_tool_with_logging', logs(['Tool execution started', 'Tool processing data', 'Tool execution completed']))
    tool('test_logging_tool', logs(['a line']))
    tool('test_tool_with_progress', async ({ mcpReq: { _meta, notify } }) => {
      for (const progress of [0, 50, 100]) {
        const progressToken = _meta?.progressToken
        if (progressToken !== undefined) await notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
        await sleep(timerMs(pauseMs))
      }
      return content(text(String(_meta?.progressToken ?? 'no token')))
    })
    tool('test_error_handling', () => {
      throw new Error('This tool intentionally returns an error for testing')
    })
    tool('json_schema_2020_12_tool', (_, args) => content(text(JSON.stringify(args))), schema2020)
    tool('test_custom_headers', (_, args) => content(text(JSON.stringify(args))),
      object({ region: { ...string, 'x-mcp-header': 'Region' } }))
    tool('test_reconnection', async context => {
      context.http?.closeSSE?.()
      await sleep(timerMs(pauseMs * 2))
      return content(text('Here again'))
    })
    const change = (event: 'tools_list_changed' | 'prompts_list_changed') => () => {
      for (const listener of this.#listeners) listener({ kind: event })
      return content(text('changed'))
    }
    tool('test_trigger_tool_change', change('tools_list_changed'))
    tool('test_trigger_prompt_change', change('prompts_list_changed'))
  }

  /** What asks something of the client, in the way of the older era. */
  #asking(server: McpServer): void {
    const elicit = (message: (args: Fields) => string, schema: Fields, said: string) => async ({ mcpReq }: ServerContext, args: Fields) => {
      const { action, content: given } = await mcpReq.elicitInput({ message: message(args), requestedSchema: schema as never })
      return content(text(`${said}: action=${action}, content=${JSON.stringify(given ?? {})}`))
    }
    this.#tool(server, 'test_sampling', async ({ mcpReq }, { prompt }) => {
      const { content: answer } = await mcpReq.requestSampling({
        messages: [{ role: 'user', content: text(String(prompt)) }],
        maxTokens: 100,
      })
      return content(text(`LLM response: ${JSON.stringify(answer)}`))
    }, object({ prompt: string }, ['prompt']))
    const person = object({ username: string, email: string }, ['username', 'email'])
    this.#tool(server, 'test_elicitation', elicit(({ message }) => String(message), person, 'User response'),
      object({ message: string }, ['message']))
    this.#tool(server, 'test_elicitation_sep1034_defaults', elicit(() => 'Defaults', defaults, 'Elicitation completed'))
    this.#tool(server, 'test_elicitation_sep1330_enums', elicit(() => 'Choices', enums, 'Elicitation completed'))
  }

  /** What needs more than one round, in the way of the new era. */
  #rounds(server: McpServer): void {
    const { acceptedContent, inputRequired } = this.#sdk
    const ask = (message: string, field: string, type = 'string') =>
      inputRequired.elicit({ message, requestedSchema: object({ [field]: { type } }, [field]) as never })
    const sample = (said: string, maxTokens: number) =>
      ({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: text(said) }], maxTokens } }) as never
    const roots = { method: 'roots/list', params: {} } as never
    const given = ({ mcpReq }: ServerContext, key: string) => acceptedContent(mcpReq.inputResponses, key)
    const answered = ({ mcpReq }: ServerContext, key: string) => mcpReq.inputResponses?.[key] as Fields | undefined
    const tool = (...rest: ToolRest) => this.#tool(server, ...rest)

    const name = (context: ServerContext) => {
      const value = given(context, 'user_name')?.['name']
      return typeof value === 'string' ? value : undefined
    }
    tool('test_input_required_result_elicitation', context =>
      name(context) === undefined
        ? inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } })
        : content(text(`Hello, ${name(context)}!`)))
    tool('test_input_required_result_sampling', context => {
      const answer = answered(context, 'capital_question')
      return answer === undefined
        ? inputRequired({ inputRequests: { capital_question: sample('What is the capital of France?', 100) } })
        : content(text(JSON.stringify(answer['content'] ?? answer)))
    })
    tool('test_input_required_result_list_roots', context => {
      const answer = answered(context, 'client_roots')
      return answer === undefined
        ? inputRequired({ inputRequests: { client_roots: roots } })
        : content(text(JSON.stringify(answer['roots'])))
    })
    const sealed = async (inputRequests: Fields, payload: unknown) =>
      inputRequired({ inputRequests: inputRequests as never, requestState: await this.#codec.mint(payload) })
    const confirmed = async (context: ServerContext) =>
      given(context, 'confirm') === undefined
        ? sealed({ confirm: ask('Please confirm', 'ok', 'boolean') }, 'confirm')
        : content(text(context.mcpReq.requestState() === 'confirm' ? 'state-ok' : 'no state'))
    tool('test_input_required_result_request_state', confirmed)
    tool('test_input_required_result_tampered_state', confirmed)
    tool('test_input_required_result_multiple_inputs',
      context =>
        ['user_name', 'greeting', 'client_roots'].every(key => answered(context, key) !== undefined)
          ? content(text('All there'))
          : sealed({ user_name: ask('What is your name?', 'name'), greeting: sample('Generate a greeting', 50), client_roots: roots },
            'all'))
    tool('test_input_required_result_multi_round', context =>
      context.mcpReq.requestState() === undefined
        ? sealed({ step1: ask('Step 1: What is your name?', 'name') }, 'one')
        : context.mcpReq.requestState() === 'one'
        ? sealed({ step2: ask('Step 2: What is your favorite color?', 'color') }, 'two')
        : content(text(`Done: ${JSON.stringify(given(context, 'step2'))}`)))
    const capabilities = ({ mcpReq: { envelope } }: ServerContext) =>
      (envelope?.['io.modelcontextprotocol/clientCapabilities' as never] ?? {}) as Fields
    tool('test_input_required_result_capabilities', context => {
      const can = capabilities(context)
      if (Object.keys(context.mcpReq.inputResponses ?? {}).length > 0) return content(text('Thanks'))
      const inputRequests = {
        ...('elicitation' in can && { asked: ask('What is your name?', 'name') }),
        ...('sampling' in can && { sampled: sample('Say something', 50) }),
      }
      return Object.keys(inputRequests).length === 0 ? content(text('Nothing to ask')) : inputRequired({ inputRequests })
    })
    // Asks for what the client may not have declared: the entry of the SDK refuses that.
    tool('test_missing_capability', context =>
      answered(context, 'sampled') === undefined
        ? inputRequired({ inputRequests: { sampled: sample('Say something', 50) } })
        : content(text('Thanks')))
    tool('test_streaming_elicitation', async context => {
      const token = context.mcpReq._meta?.progressToken
      if (token !== undefined)
        await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress: 1, total: 2 } })
      return name(context) === undefined
        ? inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } })
        : content(text('Thanks'))
    })
  }

  #resources(server: McpServer): void {
    const { ResourceTemplate } = this.#sdk
    const plain = (uri: string, said: string) =>
      server.registerResource(uri, uri, { description: `For the suite: ${uri}`, mimeType: 'text/plain' }, () => ({
        contents: [{ uri, mimeType: 'text/plain', text: said }],
      }))
    plain('test://static-text', 'This is the content of the static text resource.')
    plain('test://watched-resource', 'Watched')
    server.registerResource('binary', 'test://static-binary', { description: 'A pixel', mimeType: 'image/png' }, () => ({
      contents: [{ uri: 'test://static-binary', mimeType: 'image/png', blob: png }],
    }))
    const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
    server.registerResource('template', template, { description: 'By its id', mimeType: 'application/json' }, (uri, { id }) => ({
      contents: [{
        uri: uri.href,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
      }],
    }))
  }

  #prompts(server: McpServer): void {
    const { acceptedContent, fromJsonSchema, inputRequired } = this.#sdk
    const says = (...items: readonly object[]) => ({ messages: items.map(item => ({ role: 'user', content: item })) }) as never
    const of = (...names: readonly string[]) =>
      fromJsonSchema<Record<string, string>>(object(Object.fromEntries(names.map(name => [name, string])), names) as never)
    const description = 'For the suite'
    server.registerPrompt('test_simple_prompt', { description }, () => says(text('This is a simple prompt for testing.')))
    server.registerPrompt('test_prompt_with_arguments', { description, argsSchema: of('arg1', 'arg2') },
      ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)))
    server.registerPrompt('test_prompt_with_embedded_resource', { description, argsSchema: of('resourceUri') },
      ({ resourceUri }) =>
        says(resource(resourceUri!, 'text/plain', 'Embedded resource content for testing.'),
          text('Please process the embedded resource above.')))
    server.registerPrompt('test_prompt_with_image', { description }, () => says(image, text('Please analyze the image above.')))
    server.registerPrompt('test_input_required_result_prompt', { description }, context => {
      const given = acceptedContent(context.mcpReq.inputResponses, 'user_context')
      const requestedSchema = object({ context: string }, ['context']) as never
      return given === undefined
        ? inputRequired({
          inputRequests: { user_context: inputRequired.elicit({ message: 'What context should the prompt use?', requestedSchema }) },
        }) as never
        : says(text(`In this context: ${JSON.stringify(given)}`))
    })
  }
}
