// agentchat deploy check: two sessions at a relay, and a message from one to the other.
import { randomBytes } from 'node:crypto'
import { timerMs } from '../../../../lib/protocol/timer.ts'
import { command, type Call } from '../../command.ts'
import { CliError } from '../../exit.ts'

const defaultTimeoutMs = 15_000

export interface Checked {
  readonly url: string
  readonly server_id: string | null
  /** From sending the message to having it at the other session. */
  readonly round_trip_ms: number
}

/**
 * Direct, so that nothing is announced to anybody. Without a key the other session hears it; with one it reads it back, for to hear
 * it would mean to take what waits in the agent's inbox from those whom it is meant for.
 * @throws what connecting throws, and CliError when the message does not come
 */
export const checkRelay = async (
  { connect, target, options, io }: Pick<Call, 'connect' | 'target' | 'options' | 'io'>,
  server?: string,
): Promise<Checked> => {
  const wish = server === undefined ? {} : { server }
  const { url, identity } = await target(wish)
  const text = `deploy check ${randomBytes(4).toString('hex')}`
  let hear = () => undefined as void
  const heard = new Promise<void>(resolve => {
    hear = resolve
  })
  const timeout = AbortSignal.any([
    io.interrupted,
    AbortSignal.timeout(timerMs(options.timeout === undefined ? defaultTimeoutMs : options.timeout * 1_000)),
  ])
  const other = await connect({
    ...wish,
    session: 'deploy-check-a',
    inbox: identity === undefined ? 'take' : 'none',
    prepare: client =>
      client.on('message', ({ content }) => {
        if (content === text) hear()
      }),
  })
  const sender = await connect({ ...wish, session: 'deploy-check-b' })
  const startedAt = performance.now()
  await sender.dm(other.agentId!, text, { ttlMs: 60_000, signal: timeout })
  if (identity === undefined) await Promise.race([heard, late(timeout)])
  else if (!(await other.history({ with: other.agentId! }, { limit: 100 })).events.some(event => event['content'] === text)) throw lost()
  return { url, server_id: other.welcome?.serverId ?? null, round_trip_ms: Math.round((performance.now() - startedAt) * 10) / 10 }
}

const lost = () =>
  new CliError('timeout', 'The relay took the message and did not hand it on',
    'Ask its log; is there more than one relay behind the address?')

const late = (timeout: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    timeout.addEventListener('abort', () => reject(lost()), { once: true })
  })

export const check = command({
  name: 'check',
  summary: 'Connect to a relay over WebSocket and exchange a message',
  relay: true,
  arguments: {},
  options: {},
  details: async () =>
    'Two sessions log in and one sends the other a direct message. Exit 0: it arrived. 10: nothing answers there; '
    + '3: it does not let you in; 7: the message did not arrive.',
  examples: [
    { command: 'agentchat deploy check wss://chat.example.org', doc: 'Is the new relay there, behind its TLS, for everybody?' },
    { command: 'agentchat deploy check wss://chat.example.org -i admin.json', doc: 'A relay that lets only known keys in' },
  ],
  async run(call) {
    call.out.done(await checkRelay(call), ({ url, round_trip_ms }) => `${url} works: a message went through in ${round_trip_ms} ms`)
  },
})
