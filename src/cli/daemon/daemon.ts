// A daemon at work: what comes is on the disk before the relay is told that it was received, and what programs put into the outbox is
// sent, a line after the other, each until the relay has stored or refused it.
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import {
  AgentChatError,
  ContentError,
  RelayError,
  renderer,
  type AgentChatClient,
  type ChannelName,
  type ClientStatus,
  type Message,
  type Target,
} from '../../../lib/client/index.ts'
import { limits } from '../../../lib/protocol/limits.ts'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { Call } from '../command.ts'
import { openCursor } from '../cursor.ts'
import { CliError, type ExitName } from '../exit.ts'
import { shownProvenance } from '../provenance.ts'
import { visible, visibleJson } from '../terminal.ts'
import { transcriptWarning } from '../transcript-warning.ts'
import type { DaemonFolder } from './folder.ts'
import { KeptLines, fieldOf } from './kept-lines.ts'
import { Outbox, type OutboxLine } from './outbox.ts'

/** How often the outbox is looked at. */
const pollMs = 200
const retryMs = 1_000

const Sent = z.object({
  to: z.string().regex(/^[#@]\S+$/, 'no #channel and no @agent'),
  content: z.string(),
  in_reply_to: z.string().optional(),
  id: z.string().min(1).max(limits.maxRequestIdChars).optional(),
})

export interface Daemon extends Pick<Call, 'io' | 'out' | 'target' | 'connect'> {
  readonly folder: DaemonFolder
  readonly channels: readonly ChannelName[]
}

/** Ends when it is told to. @throws CliError when another one is at work in the folder; what ends the session; what the disk says */
export const runDaemon = async ({ folder, channels, io, out, target, connect }: Daemon): Promise<ExitName> => {
  const { url, identity } = await target()
  if (identity === undefined)
    throw new CliError('auth', 'A daemon needs a key: without one it is another agent after each start, and nothing waits for it',
      'Make one: agentchat identity generate. Another file than the default one: -i FILE.')
  using _ = folder.hold()

  const leaving = new AbortController()
  let fail!: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  const stopped = new Promise<void>(resolve => {
    io.interrupted.addEventListener('abort', () => resolve(), { once: true })
    if (io.interrupted.aborted) resolve()
  })

  const log = new KeptLines(folder.at('log'))
  const positions = openCursor(folder.at('cursor'), fail)
  const inbox = new KeptLines(folder.at('inbox'), { keyOf: fieldOf('msg_id'), beforeCut: () => positions.save() })
  const refused = new KeptLines(folder.at('refused'), { keyOf: fieldOf('id') })
  for (const lines of [log, inbox, refused]) await lines.load()
  const outbox = new Outbox(folder.path, io)
  outbox.open()
  const say = (text: string): void => {
    out.say(text)
    // What cannot be noted is said all the same.
    log.append([`${new Date(io.now()).toISOString()} ${visible(text)}`]).catch(() => undefined)
  }

  let reading: Promise<void> = Promise.resolve()
  let sending: Promise<void> = Promise.resolve()
  let client: AgentChatClient | undefined
  const stand = (connected: boolean, problem?: string): void => {
    if (client?.agentId === undefined) return
    folder.say({ server: url, agent_id: client.agentId, connected, since: io.now(), ...(problem !== undefined && { problem }) })
  }
  const joined = new Set<string>()
  const heard = (status: ClientStatus): void => {
    switch (status.kind) {
      case 'lost':
        stand(false, status.error.message)
        return say(`${status.error.message}; trying again in ${(status.retryInMs / 1_000).toFixed(1)} s`)
      case 'connected':
        stand(true)
        return status.again ? say(`Connected again as ${status.welcome.agentId}`) : undefined
      case 'ended':
        return status.error === undefined ? undefined : fail(status.error)
      case 'rejoin-failed':
        if (!(status.error instanceof RelayError) || status.error.shouldRetry()) return undefined
        joined.delete(status.channel)
        return say(`warning: no longer in ${status.channel}: ${status.error.message}`)
      case 'gap':
        return say(`warning: ${status.channel} keeps nothing before ${status.oldest}; what came after ${status.since} is missing`)
      case 'epoch-changed':
        return say('warning: the relay began a new log, or is another one than last time')
      case 'transcript':
        return say(transcriptWarning(status, io))
      default:
        return undefined
    }
  }

  try {
    client = await connect({
      session: `daemon-${folder.instance}`,
      inbox: 'take',
      reconnect: {},
      timeoutMs: 15_000,
      positions,
      prepare: made => {
        client = made
        made.on('status', heard)
        reading = receive(made, { inbox, newData: folder.at('newData'), now: io.now, signal: leaving.signal })
        reading.catch(fail)
      },
    })
    const entered = client
    /** At first with what is said from now on; later where it was. That is known from here on, whatever happens to this process. */
    const enter = async (channel: ChannelName): Promise<void> => {
      await entered.join(channel, { signal: leaving.signal, ...(positions.former(channel) === undefined && { limit: 0 }) })
      positions.save()
      joined.add(channel)
    }
    for (const channel of channels) await enter(channel)
    sending = send(client, { outbox, refused, joined, enter, say, now: io.now, signal: leaving.signal })
    sending.catch(fail)
    say(`Connected as ${client.agentId} to ${url}; ${folder.path}`)
    await Promise.race([stopped, failed])
    say('Stopping')
    return 'ok'
  } finally {
    leaving.abort()
    // What is being written and sent comes to its end; what was said before is why it ends.
    await Promise.allSettled([reading, sending])
    try {
      stand(false)
      positions.close()
      outbox.save()
    } finally {
      await client?.close()
      await log.append([]).catch(() => undefined)
      folder.left()
    }
  }
}

interface Receiving {
  readonly inbox: KeptLines
  /** Touched when something came. */
  readonly newData: string
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Messages into the file: what came while the disk was busy is written together. One counts as received once it is there. */
const receive = async (client: AgentChatClient, { inbox, newData, now, signal }: Receiving): Promise<void> => {
  const { provenance } = renderer(client)
  // It ends when everything that it has was written, not before.
  const over = new AbortController()
  const waiting: { readonly line: string, readonly message: Message }[] = []
  let writing: Promise<void> | undefined
  let fail!: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0)
      await inbox.append(batch.map(({ line }) => line)).catch((error: unknown) => {
        throw new CliError('error', `What came cannot be written down: ${(error as Error).message}`,
          'It does not count as received, and comes again to the next daemon.', error)
      })
      for (const { message } of batch) message.ack()
      await writeFile(newData, String(now()), { mode: 0o600 })
    }
    writing = undefined
  }
  const read = async (): Promise<void> => {
    for await (const message of client.messages(undefined, { ack: 'manual', signal: over.signal })) {
      const { frame, signature, mine } = message
      const line = mine ? '' : visibleJson({ ...frame, signature, provenance: shownProvenance(await provenance(message)) })
      // It comes again to the next daemon.
      if (signal.aborted) continue
      if (mine) message.ack()
      else {
        waiting.push({ line, message })
        writing ??= write()
        writing.catch(fail)
      }
    }
  }
  const left = new Promise<void>(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    await Promise.race([read(), left, failed])
    await writing
  } finally {
    over.abort()
  }
}

interface Sending {
  readonly outbox: Outbox
  readonly refused: KeptLines
  /** Channels that the client is in. */
  readonly joined: Set<string>
  enter(channel: ChannelName): Promise<void>
  say(text: string): void
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Lines out of the outbox, until the signal aborts. What the relay will never take is put aside, and the next one goes. */
const send = async (client: AgentChatClient, { outbox, refused, joined, enter, say, now, signal }: Sending): Promise<void> => {
  const pause = (ms: number) => sleep(timerMs(ms), undefined, { signal })

  /** The reason where it is refused for good. */
  const deliver = async ({ id: own, text, problem }: OutboxLine): Promise<string | undefined> => {
    const read = text === undefined ? undefined : outgoingOf(text)
    if (read === undefined || typeof read === 'string') return problem ?? read
    const { to, content, in_reply_to: inReplyTo, id = own } = read
    let isBack = false
    for (;;) {
      try {
        if (to.startsWith('#') && !joined.has(to)) await enter(to as ChannelName)
        await client.send(to as Target, content, { id, inReplyTo, signal })
        return undefined
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof AgentChatError) || client.state === 'closed') throw error
        if (error.shouldRetry()) await pause(error instanceof RelayError ? error.retryAfterMs ?? retryMs : retryMs)
        // It was taken out of the channel, or another session left it.
        else if (error.code === 'NOT_INVITED' && !isBack && joined.delete(to)) isBack = true
        else if (error instanceof RelayError || error instanceof ContentError) return `${error.message} (${error.code})`
        else throw error
      }
    }
  }

  try {
    for (;;) {
      signal.throwIfAborted()
      const line = client.state === 'open' ? await outbox.next() : undefined
      if (line === undefined) {
        await pause(pollMs)
        continue
      }
      const reason = await deliver(line)
      if (reason !== undefined) {
        say(`warning: a line of the outbox is refused: ${reason}`)
        await refused.append([visibleJson({ id: line.id, at: now(), reason, line: line.text ?? null })])
      }
      outbox.done(line, reason !== undefined)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** A line as it is meant, or what is wrong with it. */
const outgoingOf = (text: string): z.infer<typeof Sent> | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON; a line looks like {"to":"#general","content":"hello"}'
  }
  const parsed = Sent.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}
