// Signing in by an identity provider. Whose it is there is told by issuer and subject; an account gets it while its owner is signed in, or, from
// providers that the operator trusts, by an address that such a provider vouches for on both sides. Never by one that anybody could have typed.
import { createHash } from 'node:crypto'
import { Fail } from '../../../relay/feature.ts'
import { checkSignedIn, sha256Hex, type Accounts, type GivenRole, type Opened, type SignedIn, type Visitor } from './accounts.ts'
import { decided, type Decide, type Deciding } from './deciding.ts'
import {
  addIdentity,
  findIdentity,
  identitiesOf,
  noteIdentityUse,
  removeIdentity,
  vouchedAs,
  type IdentityRow,
} from './identities-store.ts'
import { checkRoom } from './newcomers.ts'
import {
  addAccount,
  addAccountAudit,
  findAccount,
  findSignIn,
  passkeysOf,
  removeUnsureSignIns,
  setRole,
  spendChallenge,
  type AccountRow,
} from './store.ts'

export interface IdentitiesOptions extends Deciding {
  readonly randomBytes: (bytes: number) => Buffer
  readonly accounts: Pick<Accounts, 'open'>
  readonly auditCount: number
  readonly maxAccounts: number
  /** Ids of the providers whose word for an address counts. */
  readonly trusted: readonly string[]
}

/** What a provider says of who signed in there. */
export interface Vouched {
  readonly provider: string
  /** Its addresses are the people's own. */
  readonly isTrusted: boolean
  /** Who is not known yet gets an account. */
  readonly signsUp: boolean
  readonly issuer: string
  readonly subject: string
  readonly email: string | undefined
  readonly isVerified: boolean
  readonly name: string | undefined
  /** What an account of it is at the relay; undefined: it has no say in that. */
  readonly role: GivenRole | undefined
}

/** How the browser went there. */
export interface Departure {
  readonly state: string
  readonly expires: number
  /** SHA-256 of the cookie of who asked while signed in, that it be his; undefined: to sign in. */
  readonly signIn: string | undefined
}

const maxIdentities = 10

export class Identities {
  readonly #options: IdentitiesOptions

  constructor(options: IdentitiesOptions) {
    this.#options = options
  }

  /** Who came back from a provider is signed in, at level 1; or, who went there signed in, has this way to sign in from now on. @throws Fail */
  arrive(visitor: Visitor, { state, expires, signIn }: Departure, vouched: Vouched): Promise<Opened | undefined> {
    return this.#decide(async (tx, now) => {
      // Once, whatever the provider would take again.
      if (expires <= now || !await spendChallenge(tx, sha256Hex(`oidc|${state}`), expires))
        throw new Fail('VERIFICATION_EXPIRED', 'It took too long, or came back twice: begin again')
      const { issuer, subject, provider } = vouched
      const email = vouched.email ?? null
      const verified = vouched.isTrusted && vouched.isVerified && email !== null ? 1 : 0
      const known = await findIdentity(tx, issuer, subject)
      if (signIn !== undefined) {
        const mine = await findSignIn(tx, signIn)
        if (mine === undefined || mine.expires <= now) throw new Fail('AUTH_REQUIRED', 'You were signed out meanwhile: sign in first')
        if (known !== undefined && known.account !== mine.account) throw new Fail('NOT_ALLOWED', 'That belongs to another account here')
        if (known === undefined) {
          if ((await identitiesOf(tx, mine.account)).length >= maxIdentities)
            throw new Fail('LIMIT_REACHED', `An account has at most ${maxIdentities} providers`)
          await addIdentity(tx, { issuer, subject, account: mine.account, provider, email, verified, created: now, used: now })
          await this.#note(tx, now, mine.account, mine.id, 'identity_add', provider, visitor.address)
        }
        return undefined
      }
      const found = await this.#whose(tx, now, known, vouched, verified === 1 ? email : null)
      const isOther = vouched.role !== undefined && vouched.role !== found.role && await setRole(tx, found.id, vouched.role)
      const account = isOther ? { ...found, role: vouched.role! } : found
      if (known === undefined && (await identitiesOf(tx, account.id)).length >= maxIdentities)
        throw new Fail('LIMIT_REACHED', `An account has at most ${maxIdentities} providers`)
      if (known === undefined)
        await addIdentity(tx, { issuer, subject, account: account.id, provider, email, verified, created: now, used: now })
      else await noteIdentityUse(tx, { issuer, subject, email, verified, used: now })
      const opened = await this.#options.accounts.open(tx, now, visitor, account, { level: 1, passkey: '' })
      await this.#note(tx, now, account.id, opened.signIn.id, known === undefined ? 'identity_add' : 'identity_sign_in', provider,
        visitor.address)
      if (isOther)
        await this.#note(tx, now, account.id, opened.signIn.id, 'role_set', `${account.id} ${account.role} ${provider}`, visitor.address)
      return opened
    })
  }

  idOf(identity: Pick<IdentityRow, 'issuer' | 'subject'>): string {
    return identityId(identity)
  }

  of({ account }: SignedIn): Promise<readonly IdentityRow[]> {
    return identitiesOf(this.#options.store.read, account.id)
  }

  /** @param id as `identityId` calls it @throws Fail */
  remove(me: SignedIn, id: string, address: string): Promise<void> {
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const all = await identitiesOf(tx, me.account.id)
      const one = all.find(each => identityId(each) === id)
      if (one === undefined) throw new Fail('MESSAGE_NOT_FOUND', 'Your account has no such provider')
      if (all.length === 1 && (await passkeysOf(tx, me.account.id)).length === 0)
        throw new Fail('NOT_ALLOWED', 'It is the only way in: nobody could sign in again. Add a passkey first')
      await removeIdentity(tx, one)
      // Which of these it opened nobody knows.
      await removeUnsureSignIns(tx, me.account.id)
      await this.#note(tx, now, me.account.id, me.signIn.id, 'identity_remove', one.provider, address)
    })
  }

  async #whose(
    tx: Parameters<Decide<void>>[0],
    now: number,
    known: IdentityRow | undefined,
    { issuer, signsUp, name, email }: Vouched,
    verified: string | null,
  ): Promise<AccountRow> {
    const others = known !== undefined || verified === null ? [] : await vouchedAs(tx, verified, this.#options.trusted)
    // Two subjects of one issuer are two people, whoever has the address today.
    const isTaken = others.some(each => each.issuer === issuer)
    const found = known !== undefined ? [known.account] : isTaken ? [] : [...new Set(others.map(each => each.account))]
    const account = found.length === 1 ? await findAccount(tx, found[0]!) : undefined
    if (account !== undefined) return account
    if (!signsUp || others.length > 0)
      throw new Fail('NOT_ALLOWED', 'Nobody here is known by that: sign in another way, and add it to your account')
    await checkRoom(tx, this.#options.maxAccounts)
    const id = `~${this.#options.randomBytes(8).toString('hex')}`
    const called = (name ?? email ?? '').replace(/[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]/gu, '').replace(/^[~\s]+/, '').slice(0, 60).trim()
    return addAccount(tx, { id, name: called === '' ? id : called, role: 'person', created: now })
  }

  async #note(
    tx: Parameters<Decide<void>>[0],
    at: number,
    account: string,
    signIn: string,
    action: string,
    target: string,
    address: string,
  ) {
    await addAccountAudit(tx, { at, account, sign_in: signIn, action, target, address }, this.#options.auditCount)
  }

  #decide<T>(decide: Decide<T>): Promise<T> {
    return decided(this.#options, decide)
  }
}

/** What one is called in an address. */
export const identityId = ({ issuer, subject }: Pick<IdentityRow, 'issuer' | 'subject'>): string =>
  createHash('sha256').update(JSON.stringify([issuer, subject])).digest('hex').slice(0, 16)
