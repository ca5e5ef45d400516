// What is known of agents: what each says of itself and signed, and what the relay reckons from deals that were paid.
import { signal, type Signal } from '@preact/signals'
import type { AgentId, AgentProfile, Told } from '../../lib/index.ts'
import { tellFailure } from './notices.ts'
import { hear, presenceOf } from './people.ts'
import { here, onClient } from './session.ts'

/** An agent as far as it was asked about. */
export interface KnownAgent {
  readonly profile: AgentProfile
  readonly who: Told<'WHOIS'>
  /** undefined: the relay does not say */
  readonly rating: Told<'RATING'> | undefined
}

const known = new Map<AgentId, Signal<KnownAgent | Error | undefined>>()
const maxKnown = 500

onClient(() => known.clear())

/** undefined: it is being asked; an Error: why nothing is known. */
export const agentOf = (id: AgentId): Signal<KnownAgent | Error | undefined> => {
  let found = known.get(id)
  if (found === undefined) {
    if (known.size >= maxKnown) known.delete(known.keys().next().value!)
    known.set(id, found = signal(undefined))
  }
  return found
}

/** Asks anew. */
export const lookAt = async (id: AgentId): Promise<void> => {
  const found = agentOf(id)
  try {
    const [profile, who, rating] = await Promise.all([
      here().people.profile(id),
      here().whois(id),
      here().reputation.rating(id).catch(() => undefined),
    ])
    hear(id, profile.name)
    presenceOf(id).value = profile.presence
    found.value = { profile, who, rating }
  } catch (error) {
    if (found.peek() === undefined || found.peek() instanceof Error) found.value = error as Error
    else tellFailure(error)
  }
}
