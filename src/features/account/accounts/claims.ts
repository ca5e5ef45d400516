// Claims: an agent belongs to an account once both say so, the agent by its key and the account's owner by a passkey. Either ends it.
import { claimEndText, claimText } from '../../../../lib/identity/index.ts'
import { Fail } from '../../../relay/feature.ts'
import { findAgent, successorOf } from '../../../store/agents.ts'
import { useNonce } from '../../../store/nonces.ts'
import type { Db, Tx } from '../../../store/store.ts'
import { checkSignedIn, type SignedIn } from './accounts.ts'
import {
  addOwned,
  claimsOn,
  forgetClaims,
  ownedBy,
  ownerOf,
  putClaim,
  removeClaim,
  removeOwned,
  type ClaimRow,
  type OwnedRow,
} from './claims-store.ts'
import { decided, type Decide, type Deciding } from './deciding.ts'
import { addAccountAudit, findAccount, type AccountAuditRow } from './store.ts'

export interface ClaimsOptions extends Deciding {
  /** Never throws. */
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  readonly serverId: string
  readonly maxClockSkewMs: number
  readonly auditCount: number
}

/** What an agent's key signed. */
export interface SignedClaim {
  readonly agent: string
  readonly account: string
  readonly ts: number
  readonly nonce: string
  readonly sig: string
}

const waitsMs = 7 * 24 * 60 * 60_000
const maxWaiting = 50
/** Of these, from one address: a stranger with many keys leaves room for others. */
const maxOfAddress = 10
const maxOwned = 200

export class Claims {
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** The agent's half: it waits for the owner's. @throws Fail */
  claim(claim: SignedClaim, address: string): Promise<void> {
    return this.#decide(async (tx, now) => {
      const text = claimText({ ...claim, relay: this.#options.serverId })
      await this.#check(tx, now, claim, text)
      if (await findAccount(tx, claim.account) === undefined)
        throw new Fail('AGENT_NOT_FOUND', `There is no account ${claim.account} here: it is shown at /account`)
      if (await ownerOf(tx, claim.agent) !== undefined)
        throw new Fail('NOT_ALLOWED', `${claim.agent} belongs to an account: end that first`)
      await forgetClaims(tx, now)
      // What this agent said before is said anew.
      const waiting = (await claimsOn(tx, claim.account, now)).filter(each => each.agent !== claim.agent)
      if (waiting.filter(each => each.address === address).length >= maxOfAddress)
        throw new Fail('LIMIT_REACHED', `${maxOfAddress} claims of your address wait at this account already: its owner has to answer them`)
      if (waiting.length >= maxWaiting) await removeClaim(tx, oldestOfMost(waiting).agent)
      const { agent, account, sig } = claim
      await putClaim(tx, { agent, account, text, sig, at: now, expires: now + waitsMs, address })
    })
  }

  /** Both halves at once: the agent's here, and the owner's by whom it was confirmed. In a transaction that decides about accounts. @throws Fail */
  async take(tx: Tx, now: number, claim: SignedClaim, by: { readonly sign_in: string, readonly address: string }): Promise<void> {
    const { agent, account, sig } = claim
    const text = claimText({ ...claim, relay: this.#options.serverId })
    await this.#check(tx, now, claim, text)
    const owner = await ownerOf(tx, agent)
    if (owner === account) return
    if (owner !== undefined) throw new Fail('NOT_ALLOWED', `${agent} belongs to another account: end that first`)
    if (await findAccount(tx, account) === undefined) throw new Fail('AGENT_NOT_FOUND', `There is no account ${account} here`)
    await this.#checkRoom(tx, account)
    await removeClaim(tx, agent)
    await addOwned(tx, { agent, account, text, sig, at: now, sign_in: by.sign_in })
    await this.#note(tx, { at: now, account, ...by, action: 'agent_sign_in', target: agent })
  }

  /** The agent goes, or takes back what waits. @throws Fail */
  end(claim: SignedClaim, address: string): Promise<void> {
    return this.#decide(async (tx, now) => {
      await this.#check(tx, now, claim, claimEndText({ ...claim, relay: this.#options.serverId }))
      const { agent, account } = claim
      const isOwned = await ownerOf(tx, agent) === account
      if (!isOwned && !(await claimsOn(tx, account, now)).some(each => each.agent === agent)) throw notYours(agent)
      // Whoever comes and goes without ever having belonged there fills nobody's audit.
      if (isOwned) await this.#remove(tx, now, account, agent, { sign_in: null, address })
      else await removeClaim(tx, agent)
    })
  }

  /** The owner's half. @throws Fail */
  accept(me: SignedIn, agent: string, address: string): Promise<void> {
    const { account, signIn } = me
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const claim = (await claimsOn(tx, account.id, now)).find(each => each.agent === agent)
      if (claim === undefined) throw notYours(agent)
      await this.#checkRoom(tx, account.id)
      // A key that was given up meanwhile says nothing any more.
      const row = await findAgent(tx, agent)
      if (row === undefined || row.revoked_at !== null || await ownerOf(tx, await successorOf(tx, agent)) !== undefined)
        throw notYours(agent)
      await removeClaim(tx, agent)
      const { text, sig } = claim
      await addOwned(tx, { agent, account: account.id, text, sig, at: now, sign_in: signIn.id })
      await this.#note(tx, { at: now, account: account.id, sign_in: signIn.id, action: 'agent_accept', target: agent, address })
    })
  }

  /** The owner lets an agent go, or refuses what waits. @throws Fail */
  release(me: SignedIn, agent: string, address: string): Promise<void> {
    const { account, signIn } = me
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const isMine = (rows: readonly { readonly agent: string }[]) => rows.some(each => each.agent === agent)
      if (!isMine(await ownedBy(tx, account.id)) && !isMine(await claimsOn(tx, account.id, now))) throw notYours(agent)
      await this.#remove(tx, now, account.id, agent, { sign_in: signIn.id, address })
    })
  }

  async of({ account }: SignedIn): Promise<{ readonly owned: readonly OwnedRow[], readonly waiting: readonly ClaimRow[] }> {
    const { store: { read }, clock } = this.#options
    const [owned, waiting] = await Promise.all([ownedBy(read, account.id), claimsOn(read, account.id, clock.now())])
    return { owned, waiting }
  }

  /** Whether an agent that the relay knows by this key signed it, for this relay, now and once. @throws Fail */
  async #check(tx: Tx, now: number, { agent, ts, nonce, sig }: SignedClaim, text: string): Promise<void> {
    const row = await findAgent(tx, agent)
    if (row === undefined) throw new Fail('AGENT_NOT_FOUND', `${agent} has not logged in here with its key yet`)
    if (row.rotated_to !== null || row.revoked_at !== null || !this.#options.verify(row.pubkey, text, sig))
      throw new Fail('VERIFICATION_FAILED', 'It is not signed by the present key of the agent, for this relay')
    if (Math.abs(now - ts) > this.#options.maxClockSkewMs)
      throw new Fail('VERIFICATION_EXPIRED', "The signed time is too far from the relay's clock")
    if (!await useNonce(tx, agent, nonce, now)) throw new Fail('VERIFICATION_FAILED', 'This nonce was used before')
  }

  async #checkRoom(tx: Tx, account: string): Promise<void> {
    if ((await ownedBy(tx, account)).length >= maxOwned) throw new Fail('LIMIT_REACHED', `An account has at most ${maxOwned} agents`)
  }

  async #remove(tx: Tx, at: number, account: string, agent: string, by: Pick<AccountAuditRow, 'sign_in' | 'address'>): Promise<void> {
    await removeClaim(tx, agent)
    await removeOwned(tx, agent, account)
    await this.#note(tx, { at, account, ...by, action: 'agent_release', target: agent })
  }

  async #note(tx: Tx, entry: Omit<AccountAuditRow, 'n'>): Promise<void> {
    await addAccountAudit(tx, entry, this.#options.auditCount)
  }

  #decide<T>(decide: Decide<T>): Promise<T> {
    return decided(this.#options, decide)
  }
}

/** Of the address that has most, the one that waits for longest. @param waiting the oldest first; some */
const oldestOfMost = (waiting: readonly ClaimRow[]): ClaimRow => {
  const counts = new Map<string, number>()
  for (const { address } of waiting) counts.set(address, (counts.get(address) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return waiting.find(({ address }) => counts.get(address) === most)!
}

const notYours = (agent: string): Fail => new Fail('AGENT_NOT_FOUND', `${agent} neither belongs to the account nor asked to`)

/** Of agents, whose hand they are in: two of one account are one party wherever nobody may deal with himself. */
export const isOneHand = async (db: Db, a: string, b: string): Promise<boolean> => {
  if (a === b) return true
  const owner = await ownerOf(db, a)
  return owner !== undefined && await ownerOf(db, b) === owner
}

/** Who asks: an agent, as it is called now, the account by whose right it does, or both. */
interface Hands {
  readonly agent?: string | undefined
  readonly account?: string | undefined
}

/**
 * Of some agents those in the hand of who asks, as far as it is known: under any key that it had, and of its account.
 * @param ownersOf of agents, as they are called now, those that belong to an account
 */
export const ownAmongBy =
  (ownersOf: (db: Db, agents: readonly string[]) => Promise<ReadonlyMap<string, string>>) =>
  async (db: Db, agents: readonly string[], { agent: me, account }: Hands): Promise<readonly string[]> => {
    const present = await Promise.all(agents.map(agent => successorOf(db, agent)))
    const owners = await ownersOf(db, me === undefined ? present : [...present, me])
    const accounts = [account, me === undefined ? undefined : owners.get(me)].filter(each => each !== undefined)
    return agents.filter((_, i) => present[i] === me || accounts.includes(owners.get(present[i]!) ?? ''))
  }

/** An agent, and whoever belongs to the same account. */
export const inHandOf = async (db: Db, agent: string): Promise<readonly string[]> => {
  const owner = await ownerOf(db, agent)
  return owner === undefined ? [agent] : [agent, ...(await ownedBy(db, owner)).map(each => each.agent)]
}
