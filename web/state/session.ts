// Who the visitor is, and the one connection to the relay that the page came from.
import { computed, effect, signal } from '@preact/signals'
import { AgentChatClient, RelayError, type ClientStatus, type RelayDoubt, type SessionState, type Told } from '../../lib/index.ts'
import { browserKey, type Identity } from '../../lib/identity/index.ts'
import { keepKey, keptKey, newKey } from './keep.ts'
import { keptRelay } from './known-relays.ts'
import { verifyBeside } from './verify.ts'
import { reasonOf } from '../text/reason.ts'

/** The visitor: with a key that this browser keeps, or a guest for as long as the page is open. */
export interface Visitor {
  readonly name: string
  /** undefined: a guest */
  readonly identity: Identity | undefined
}

/** asking: it is being found out who this is; stranger: nobody yet, the page asks for a name. */
export const stage = signal<'asking' | 'stranger' | 'in'>('asking')
export const visitor = signal<Visitor | undefined>(undefined)
export const client = signal<AgentChatClient | undefined>(undefined)
export const sessionState = signal<SessionState>('idle')
/** Why there is no session, where somebody has to do something. */
export const problem = signal<string | undefined>(undefined)
export const welcome = signal<Told<'WELCOME'> | undefined>(undefined)
/** Another relay answers here than before: whether to trust it. */
export const doubt = signal<{ readonly about: RelayDoubt, readonly answer: (isTrusted: boolean) => void } | undefined>(undefined)
/** The relay asks something first. */
export const question = signal<{ readonly text: string, readonly answer: (text: string) => void } | undefined>(undefined)
/** How often a session was opened: what was asked of the last one is asked again. */
export const opened = signal(0)

export const isOpen = computed(() => sessionState.value === 'open')
export const myId = computed(() => opened.value > 0 ? welcome.value?.agentId : undefined)
export const isKeyed = computed(() => visitor.value?.identity !== undefined)

/** Told once for each client, before it connects: stores listen to what comes. */
const listeners: ((client: AgentChatClient) => void)[] = []
/** @example onClient(client => client.on('PROPOSAL', hear)) */
export const onClient = (listen: (client: AgentChatClient) => void): void => {
  listeners.push(listen)
  const here = client.peek()
  if (here !== undefined) listen(here)
}

/** Told whenever a session was opened, also again: what is shown is asked for. */
export const onOpened = (ask: (client: AgentChatClient) => void): void => {
  effect(() => {
    if (opened.value > 0) ask(client.peek()!)
  })
}

/** The client; there is one wherever a page is shown. */
export const here = (): AgentChatClient => {
  const found = client.peek()
  if (found === undefined) throw new Error('Nobody is signed in')
  return found
}

/** Comes in with the key of this browser, if it has one. */
export const begin = async (): Promise<void> => {
  try {
    const kept = await keptKey()
    if (kept === undefined) stage.value = 'stranger'
    else comeIn({ name: kept.name, identity: browserKey(kept, { name: kept.name }) })
  } catch (error) {
    problem.value = reasonOf(error)
    stage.value = 'stranger'
  }
}

/** Comes in by the key of this browser under a name; makes one where there is none. @throws IdentityError where it makes or keeps none */
export const comeInWithKey = async (name: string): Promise<void> => {
  const known = await keptKey()
  const kept = known === undefined ? await newKey(name) : { ...known, name }
  if (known !== undefined) await keepKey(kept)
  comeIn({ name, identity: browserKey(kept, { name }) })
}

export const comeInAsGuest = (name: string): void => comeIn({ name, identity: undefined })

const comeIn = (who: Visitor): void => {
  const made = new AgentChatClient({
    server: location.origin.replace(/^http/, 'ws'),
    name: who.name,
    ...(who.identity !== undefined && { identity: who.identity }),
    // Of each page its own: two of one key live side by side.
    session: `console-${crypto.randomUUID().slice(0, 8)}`,
    verify: verifyBeside,
    knownRelays: keptRelay,
    confirmRelay: about =>
      new Promise(resolve => {
        doubt.value = {
          about,
          answer: isTrusted => {
            doubt.value = undefined
            resolve(isTrusted)
          },
        }
      }),
    onCaptcha: (text, hint) =>
      new Promise(resolve => {
        question.value = {
          text: hint === undefined ? text : `${text} (${hint})`,
          answer: said => {
            question.value = undefined
            resolve(said)
          },
        }
      }),
    requestTimeoutMs: 30_000,
    reconnect: { maxMs: 5_000, maxElapsedMs: Infinity },
  })
  visitor.value = who
  problem.value = undefined
  client.value = made
  made.on('status', status => heard(made, status))
  for (const listen of listeners) listen(made)
  stage.value = 'in'
  sessionState.value = 'connecting'
  made.connect({ wait: true }).catch((error: unknown) => {
    sessionState.value = made.state
    problem.value = reasonOf(error)
    // Another name may do.
    if (error instanceof RelayError && error.code === 'INVALID_NAME') stage.value = 'stranger'
  })
}

const heard = (from: AgentChatClient, status: ClientStatus): void => {
  sessionState.value = from.state
  if (status.kind === 'connected') {
    problem.value = undefined
    welcome.value = status.welcome
    opened.value++
  }
  if (status.kind === 'ended' && status.error !== undefined) problem.value = reasonOf(status.error)
}

/** Ends the session and begins anew, as after a change of key. */
export const again = async (): Promise<void> => {
  await client.peek()?.close()
  location.reload()
}
