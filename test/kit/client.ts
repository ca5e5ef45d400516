// Clients of the library for tests: with a line that can be cut, held or made deaf, and what they were told.
import { AgentChatClient, type ClientOptions, type ClientStatus, type Message, type Target } from '../../lib/index.ts'
import type { Socket, Transport } from '../../lib/client/transport.ts'
import { generateKeyPair, identityFrom, type Identity, type LocalIdentity } from '../../lib/identity/index.ts'
import { createVerify, wsTransport } from '../../lib/node/index.ts'
import type { TestRelay } from './relay.ts'

export const newIdentity = (name: string): LocalIdentity => identityFrom(generateKeyPair().privateKey, { name })

/** The same key, and signatures that take their time: each another, as keys that a browser keeps do. */
export const signingLate = (identity: Identity, pauseMs: () => number = () => Math.random() * 3): Identity => ({
  ...identity,
  sign: async text => {
    await new Promise(resolve => setTimeout(resolve, pauseMs()))
    return identity.sign(text)
  },
})

/** The tests of a client run once more with keys that take their time. */
const signsLate = process.env['AGENTCHAT_TEST_SIGNS'] === 'late'

/** A transport whose connections a test can cut. */
export const breakable = (): { transport: Transport, cut: () => void } => {
  let socket: (Socket & { terminate?: () => void }) | undefined
  let cut = () => undefined as void
  return {
    transport: (url, handlers) => {
      let isCut = false
      socket = wsTransport(url, {
        open: handlers.open,
        message: text => {
          if (!isCut) handlers.message(text)
        },
        close: (code, reason) => {
          if (!isCut) handlers.close(code, reason)
        },
      })
      const here = socket
      cut = () => {
        if (isCut) return
        isCut = true
        here.close()
        handlers.close(1_006, 'cut')
      }
      return {
        send: text => {
          if (!isCut) here.send(text)
        },
        close: (code, reason) => here.close(code, reason),
      }
    },
    cut: () => cut(),
  }
}

/** A transport that keeps back what is replayed, as a slow line would, while a test wants it. */
export const holding = () => {
  const { transport, cut } = breakable()
  let held: (() => void)[] | undefined
  return {
    transport: ((url, handlers) =>
      transport(url, {
        ...handlers,
        message: text => {
          if (held !== undefined && text.includes('"replay":true')) held.push(() => handlers.message(text))
          else handlers.message(text)
        },
      })) satisfies Transport as Transport,
    cut,
    hold: () => {
      held = []
    },
    release: () => {
      const texts = held ?? []
      held = undefined
      for (const text of texts) text()
    },
  }
}

/** Not connected yet. */
export const newClient = (
  relay: TestRelay | string,
  options: Partial<ClientOptions> = {},
): AgentChatClient =>
  new AgentChatClient({
    server: typeof relay === 'string' ? relay : relay.url,
    transport: wsTransport,
    verify: createVerify(),
    reconnect: { minMs: 5, maxMs: 20 },
    name: options.identity?.name ?? 'agent',
    ...options,
    ...(signsLate && options.identity !== undefined && { identity: signingLate(options.identity) }),
  })

export const clientOf = async (...args: Parameters<typeof newClient>): Promise<AgentChatClient> => {
  const client = newClient(...args)
  await client.connect()
  return client
}

/** Collects messages until there are `count` of them, and has handled them all. */
export const collect = (client: AgentChatClient, count: number, target?: Target): Promise<readonly Message[]> => {
  const stream = client.messages(target)
  return (async () => {
    const all: Message[] = []
    for await (const message of stream) {
      if (all.push(message) < count) continue
      message.ack()
      break
    }
    return all
  })()
}

export const statusOf = <K extends ClientStatus['kind']>(
  client: AgentChatClient,
  kind: K,
): Promise<Extract<ClientStatus, { readonly kind: K }>> =>
  new Promise(resolve => {
    const stop = client.on('status', status => {
      if (status.kind !== kind) return
      stop()
      resolve(status as Extract<ClientStatus, { readonly kind: K }>)
    })
  })
