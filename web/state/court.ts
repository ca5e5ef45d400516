// Cases: filing one in two halves, so that nobody can choose who judges it. The secret between them is kept by this browser until it is told.
import { signal, type Signal } from '@preact/signals'
import { randomNonce } from '../../lib/identity/index.ts'
import { RelayError, type Proposal, type ShownDispute } from '../../lib/index.ts'
import { tellFailure } from './notices.ts'
import { here, myId, onClient } from './session.ts'

const shown = new Map<string, Signal<ShownDispute | Error | undefined>>()
const maxShown = 50

onClient(() => shown.clear())

/** undefined: it is being asked; an Error: why it cannot be shown. */
export const caseOf = (id: string): Signal<ShownDispute | Error | undefined> => {
  let found = shown.get(id)
  if (found === undefined) {
    if (shown.size >= maxShown) shown.delete(shown.keys().next().value!)
    shown.set(id, found = signal(undefined))
  }
  return found
}

/** Asks for it anew. */
export const lookAtCase = async (id: string): Promise<void> => {
  try {
    caseOf(id).value = await here().court.show(id)
  } catch (error) {
    // What is on the screen stays there.
    const found = caseOf(id)
    if (found.peek() === undefined || found.peek() instanceof Error) found.value = error as Error
    else tellFailure(error)
  }
}

const key = (proposalId: string): string => `agentchat.nonce.${myId.peek() ?? ''}.${proposalId}`

/** Whether this browser can go on with a case that it began to file. */
export const canReveal = (proposalId: string): boolean => localStorage.getItem(key(proposalId)) !== null

/** The second half, also of a page that was loaded anew in between. */
export const revealCase = async (proposalId: string): Promise<Proposal> => {
  const nonce = localStorage.getItem(key(proposalId))
  if (nonce === null) throw new Error('Another browser began to file this case')
  await here().court.reveal(proposalId, nonce)
  localStorage.removeItem(key(proposalId))
  return here().trade.get(proposalId)
}

export const fileCase = async (proposalId: string, reason: string): Promise<Proposal> => {
  const kept = localStorage.getItem(key(proposalId))
  const nonce = kept ?? randomNonce()
  localStorage.setItem(key(proposalId), nonce)
  try {
    await here().court.commit(proposalId, reason, nonce)
  } catch (error) {
    const isRefused = error instanceof RelayError && !error.shouldRetry() && error.code !== 'UNKNOWN'
    // Without an answer, or with one that says no more than that it failed, it may have been filed all the same: then the secret is what saves the fee.
    if (isRefused && kept === null) localStorage.removeItem(key(proposalId))
    if (!isRefused || kept === null || error.code !== 'DISPUTE_ALREADY_EXISTS') throw error
  }
  return revealCase(proposalId)
}
