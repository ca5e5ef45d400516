// Accounts: who answers for things. A person makes one by a link that is good once, with a passkey, and signs in by that from then on; there
// are no passwords. What cannot be undone wants a passkey that was asked a moment ago.
import { createHash } from 'node:crypto'
import { Challenges } from '../../../domain/challenge.ts'
import {
  assertionOptions,
  checkAssertion,
  checkRegistration,
  registrationOptions,
  type PasskeyAnswer,
  type Site,
} from '../../../domain/passkey.ts'
import { Fail, type OfficeHolder } from '../../../relay/feature.ts'
import type { Db, TableReader, Tx } from '../../../store/store.ts'
import { ownersOf } from './claims-store.ts'
import { decided, type Decide, type Deciding } from './deciding.ts'
import { checkOpen, checkRoom, type SignUp } from './newcomers.ts'
import { isHandleOf, purposes, refusing, unknownPasskey } from './passkey-answers.ts'
import {
  accountAuditPage,
  accountsSignedIn,
  addAccount,
  addAccountAudit,
  addLink,
  addPasskey,
  addSignIn,
  allAccounts,
  findAccount,
  findLink,
  findPasskey,
  findSignIn,
  findSignInById,
  forgetOver,
  hasOperator,
  isOperatorAmong,
  linksBy,
  notePasskeyUse,
  noteSeen,
  passkeysOf,
  removeLink,
  removeLinksFor,
  removePasskey,
  removeSignIns,
  removeSignInsBy,
  setRole,
  signInsAmong,
  signInsOf,
  spendChallenge,
  type AccountAuditRow,
  type AccountRole,
  type AccountRow,
  type LinkRow,
  type SignInRow,
} from './store.ts'
import { removeWrapsBy } from './vault-store.ts'

export interface AccountsOptions extends Deciding {
  readonly randomBytes: (bytes: number) => Buffer
  /** Signs challenges. */
  readonly secret: string
  readonly relayName: string
  /** Entries of what was done that are kept, the newest ones. */
  readonly auditCount: number
  readonly signUp: SignUp
  readonly maxAccounts: number
}

/** Where somebody comes from. */
export interface Visitor {
  readonly site: Site
  readonly address: string
  /** What the browser calls itself. */
  readonly agent: string
}

/** Who sits at a browser that is signed in. */
export interface SignedIn {
  readonly account: AccountRow
  readonly signIn: SignInRow
}

/** Who asks now, as the door is told: whether it lasts longer from now on. */
interface Known extends SignedIn {
  readonly isProlonged: boolean
}

/** A browser is signed in: what its cookie holds is told once. */
export interface Opened extends SignedIn {
  readonly secret: string
}

/** Who operates the relay becomes so by its own link alone, and stays so. */
export type GivenRole = Exclude<AccountRole, 'operator'>

/** By what somebody is known: a passkey that looked at its owner, or '' and less sure. */
export type Proved = Pick<SignInRow, 'level' | 'passkey'>

const challengeMs = 5 * 60_000
/** Of links that the operator's own machine tells. */
export const setUpMs = 60 * 60_000
const invitationMs = 7 * 24 * 60 * 60_000
export const signInMs = 30 * 24 * 60 * 60_000
/** For so long a passkey vouches for what cannot be undone. */
export const freshMs = 10 * 60_000
/** By so much the clock of another process of the relay may be ahead. */
const skewMs = 60_000
const seenEveryMs = 60 * 60_000
const maxPasskeys = 20
const maxSignIns = 50
const maxLinks = 20
const agentChars = 200

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The same account for the same link, so that nothing need be kept between asking for a passkey and bringing it. */
const accountByLink = (hash: string): string => `~${sha256Hex(`account|${hash}`).slice(0, 16)}`

export class Accounts {
  readonly #options: AccountsOptions
  readonly #challenges: Challenges

  constructor(options: AccountsOptions) {
    this.#options = options
    this.#challenges = new Challenges({ secret: options.secret, lastsMs: challengeMs })
  }

  /** While nobody operates the relay: the secret of a new link by which somebody becomes its operator. */
  async setUpLink(): Promise<string | undefined> {
    if (await hasOperator(this.#options.store.read)) return undefined
    return this.#decide(async (tx, now) => {
      if (await hasOperator(tx)) return undefined
      // Of a relay that starts again and again; each process of one may print its own.
      const open = await linksBy(tx, null)
      for (const { hash } of open.slice(0, Math.max(0, open.length - maxLinks + 1))) await removeLink(tx, hash)
      return this.#newLink(tx, { role: 'operator', account: null, by: null, created: now, expires: now + setUpMs })
    })
  }

  /** Another person may make an account by this, once, and is this at the relay. */
  invite(me: SignedIn, role: GivenRole, address: string): Promise<{ readonly secret: string, readonly expires: number }> {
    const { account, signIn } = me
    if (this.#options.signUp === 'closed')
      throw new Fail('NOT_ALLOWED', 'Nobody gets an account here any more: the setting signUp is closed')
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      await forgetOver(tx, now)
      if ((await linksBy(tx, account.id)).length >= maxLinks)
        throw new Fail('LIMIT_REACHED', `At most ${maxLinks} invitations are open at once: each ends when it is used, or after seven days`)
      const expires = now + invitationMs
      const secret = await this.#newLink(tx, { role, account: null, by: account.id, created: now, expires })
      await this.#note(tx, now, {
        account: account.id,
        signIn: signIn.id,
        action: 'invite',
        target: role === 'person' ? null : role,
        address,
      })
      return { secret, expires }
    })
  }

  /** Who comes uninvited is called this, once a passkey was brought for it. @throws Fail */
  newcomer(): Whose {
    checkOpen(this.#options.signUp)
    return { newcomer: `~${this.#options.randomBytes(8).toString('hex')}` }
  }

  /** Every account, the oldest first. */
  people(): Promise<readonly AccountRow[]> {
    return allAccounts(this.#options.store.read)
  }

  /** Another account is this at the relay from now on, and nothing else. @throws Fail */
  setRole(me: SignedIn, of: string, role: GivenRole, address: string): Promise<void> {
    const { account, signIn } = me
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      if (!await setRole(tx, of, role)) throw new Fail('AGENT_NOT_FOUND', `There is no account ${of} here, or it operates the relay`)
      await this.#note(tx, now, { account: account.id, signIn: signIn.id, action: 'role_set', target: `${of} ${role}`, address })
    })
  }

  /** What whoever sits at a browser is at the relay now, by the id of its sign-in. */
  async office(id: string, db: TableReader): Promise<OfficeHolder | undefined> {
    const signIn = await findSignInById(db, id)
    if (signIn === undefined || signIn.expires <= this.#options.clock.now()) return undefined
    const account = await findAccount(db, signIn.account)
    if (account === undefined || account.role === 'person') return undefined
    return { account: account.id, office: account.role, isSure: signIn.level >= 2, isFresh: this.isFresh({ account, signIn }) }
  }

  /** Whether an operator sits at one of some browsers, by the ids of their sign-ins, or owns one of some agents, as they are called now. */
  async hasOperatorAmong(ids: readonly string[], agents: readonly string[], db: Db): Promise<boolean> {
    const owners = await ownersOf(db, agents)
    const signedIn = await accountsSignedIn(db, ids, this.#options.clock.now())
    return isOperatorAmong(db, [...owners.values(), ...signedIn])
  }

  /** What a browser makes a passkey by: for the account of its link, or one more for who is signed in. @throws Fail */
  async registration({ site }: Visitor, whose: Whose, name: string): Promise<object> {
    const { read } = this.#options.store
    const { account } = await this.#holder(read, whose)
    const known = await passkeysOf(read, account)
    return registrationOptions({
      site,
      relayName: this.#options.relayName,
      account,
      name,
      challenge: this.#challenge(purposes.register(site, account)),
      timeoutMs: challengeMs,
      known: known.map(({ id }) => id),
    })
  }

  /** A passkey is brought: for the account of a link, which is signed in to by that, or one more. @throws Fail */
  async register(visitor: Visitor, whose: Whose, name: string, answer: PasskeyAnswer): Promise<Opened> {
    const { site, address } = visitor
    const { read } = this.#options.store
    const { account: id } = await this.#holder(read, whose)
    const purpose = purposes.register(site, id)
    const answered = this.#answered(purpose)
    const passkey = await refusing(checkRegistration({ site, answer, isOurs: answered.isOurs }))
    return this.#decide(async (tx, now) => {
      await this.#spend(tx, purpose, answered.challenge, now)
      const holder = await this.#holder(tx, whose)
      if (await findPasskey(tx, passkey.id) !== undefined) throw new Fail('VERIFICATION_FAILED', 'This passkey is registered already')
      // Between the question whether it is fresh and this lies a body that may be slow.
      if ('signIn' in whose && !this.isFresh(whose) && (await passkeysOf(tx, id)).length > 0)
        throw new Fail('NOT_ALLOWED', 'This wants your passkey again')
      if (!('link' in holder) && (await passkeysOf(tx, id)).length >= maxPasskeys)
        throw new Fail('LIMIT_REACHED', `An account has at most ${maxPasskeys} passkeys: remove one first`)
      if ('link' in holder) await this.#use(tx, holder.link)
      const account = 'row' in holder ? holder.row : await this.#settle(tx, { id, name, role: holder.role, created: now })
      await addPasskey(tx, {
        id: passkey.id,
        account: id,
        rp_id: site.rpId,
        public_key: passkey.publicKey,
        counter: passkey.counter,
        transports: passkey.transports.join(' ').slice(0, agentChars),
        shared: passkey.isShared ? 1 : 0,
        name,
        created: now,
        used: now,
      })
      const former = 'signIn' in whose ? whose.signIn : undefined
      const opened = await this.open(tx, now, visitor, account, { level: 2, passkey: passkey.id }, former)
      const action = !('row' in holder) ? 'account_create' : 'link' in holder ? 'account_recover' : 'passkey_add'
      await this.#note(tx, now, { account: id, signIn: opened.signIn.id, action, target: passkey.id, address })
      return opened
    })
  }

  /** What a browser asks a passkey by: the same for everybody. */
  assertion({ site }: Visitor): Promise<object> {
    return assertionOptions({ site, challenge: this.#challenge(purposes.signIn(site)), timeoutMs: challengeMs })
  }

  /**
   * Signs in by a passkey. Who is signed in to the same account already has vouched anew: the cookie of before ends.
   * @throws Fail of one code for a passkey that nobody knows and for one that does not hold
   */
  async signIn(visitor: Visitor, answer: PasskeyAnswer & { readonly id: string }, former?: SignedIn): Promise<Opened> {
    const { site, address } = visitor
    const passkey = await findPasskey(this.#options.store.read, answer.id)
    if (passkey === undefined || passkey.rp_id !== site.rpId || !isHandleOf(passkey.account, answer)) throw unknownPasskey()
    const purpose = purposes.signIn(site)
    const answered = this.#answered(purpose)
    const { id, public_key: publicKey, counter } = passkey
    const count = await refusing(checkAssertion({ site, answer, isOurs: answered.isOurs, passkey: { id, publicKey, counter } }))
    return this.#decide(async (tx, now) => {
      await this.#spend(tx, purpose, answered.challenge, now)
      const present = await findPasskey(tx, id)
      const account = await findAccount(tx, passkey.account)
      if (present === undefined || account === undefined) throw unknownPasskey()
      // Two answers of one moment: the counter rises with each, or the authenticator does not count at all.
      if (count <= present.counter && (count > 0 || present.counter > 0))
        throw new Fail('VERIFICATION_FAILED', 'The counter of the passkey went back: it may have been copied')
      await notePasskeyUse(tx, id, count, now)
      const mine = former?.account.id === account.id ? former.signIn : undefined
      const opened = await this.open(tx, now, visitor, account, { level: 2, passkey: id }, mine)
      const action = mine === undefined ? 'sign_in' : 'vouch'
      await this.#note(tx, now, { account: account.id, signIn: opened.signIn.id, action, target: id, address })
      return opened
    })
  }

  /** Who holds the cookie; undefined: it ended, or never was. Writes nothing: what is about to write may wait for it. */
  async lookUp(secret: string): Promise<SignedIn | undefined> {
    const { store: { read }, clock } = this.#options
    const signIn = await findSignIn(read, sha256Hex(secret))
    if (signIn === undefined || signIn.expires <= clock.now()) return undefined
    const account = await findAccount(read, signIn.account)
    return account && { account, signIn }
  }

  /** The same, and it lasts longer from now on: of whoever is given the cookie anew. */
  async who(secret: string): Promise<Known | undefined> {
    const me = await this.lookUp(secret)
    if (me === undefined) return undefined
    const now = this.#options.clock.now()
    // What cannot be noted is not worth a refusal.
    const isProlonged = now - me.signIn.seen >= seenEveryMs
      && await this.#decide(tx => noteSeen(tx, me.signIn.hash, now, now + signInMs)).catch(() => false)
    return { ...me, isProlonged }
  }

  /** Those of some browsers, by their ids, that are signed in still. */
  signedIn(ids: readonly string[]): Promise<readonly string[]> {
    return signInsAmong(this.#options.store.read, ids, this.#options.clock.now())
  }

  /** Whether a passkey vouched for it a moment ago. */
  isFresh({ signIn: { level, proved } }: SignedIn): boolean {
    const ageMs = this.#options.clock.now() - proved
    return level >= 2 && ageMs > -skewMs && ageMs < freshMs
  }

  /** Whether its account has no passkey yet, and it was opened a moment ago: nothing else could vouch. */
  async isFirst({ account, signIn: { proved } }: SignedIn): Promise<boolean> {
    const ageMs = this.#options.clock.now() - proved
    return ageMs > -skewMs && ageMs < freshMs && (await passkeysOf(this.#options.store.read, account.id)).length === 0
  }

  /** @param which the id of one of its sign-ins; undefined: everywhere. @throws Fail */
  signOut(me: SignedIn, which: string | undefined, address: string): Promise<void> {
    const { account, signIn } = me
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      // Noted is what was done alone: whoever holds a cookie would write the audit full of what was not.
      if (!await removeSignIns(tx, account.id, which))
        throw new Fail('MESSAGE_NOT_FOUND', 'Your account is not signed in there any more')
      await this.#note(tx, now, {
        account: account.id,
        signIn: signIn.id,
        action: which === undefined ? 'sign_out_everywhere' : 'sign_out',
        target: which ?? null,
        address,
      })
    })
  }

  /** Where it opened a browser, that is signed out too. @throws Fail */
  removePasskey(me: SignedIn, id: string, address: string): Promise<void> {
    const { account, signIn } = me
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const all = await passkeysOf(tx, account.id)
      if (!all.some(each => each.id === id)) throw new Fail('MESSAGE_NOT_FOUND', 'Your account has no such passkey')
      if (all.length === 1) throw new Fail('NOT_ALLOWED', 'It is the only one: nobody could sign in again. Add another first')
      await removePasskey(tx, account.id, id)
      await removeSignInsBy(tx, id)
      await removeWrapsBy(tx, account.id, id)
      await this.#note(tx, now, { account: account.id, signIn: signIn.id, action: 'passkey_remove', target: id, address })
    })
  }

  passkeys({ account }: SignedIn) {
    return passkeysOf(this.#options.store.read, account.id)
  }

  signIns({ account }: SignedIn) {
    return signInsOf(this.#options.store.read, account.id, this.#options.clock.now())
  }

  /** What was done with an account, the newest first. @param account undefined: with all of them */
  audit(account: string | undefined, limit: number, before?: number) {
    return accountAuditPage(this.#options.store.read, { account, limit, before })
  }

  /** A browser is signed in; in the place of a former time of the same browser, where there is one. In a transaction that decides about accounts. */
  async open(tx: Tx, now: number, { address, agent }: Visitor, account: AccountRow, by: Proved, former?: SignInRow): Promise<Opened> {
    await forgetOver(tx, now)
    if (former !== undefined) await removeSignIns(tx, account.id, former.id)
    const open = await signInsOf(tx, account.id, now)
    for (const { id } of open.slice(0, Math.max(0, open.length - maxSignIns + 1))) await removeSignIns(tx, account.id, id)
    const secret = this.#options.randomBytes(32).toString('base64url')
    const signIn: SignInRow = {
      // The same browser, by whatever it vouched: what it has open stays so.
      id: former?.id ?? this.#options.randomBytes(8).toString('hex'),
      hash: sha256Hex(secret),
      account: account.id,
      ...by,
      proved: now,
      address,
      agent: agent.slice(0, agentChars).replace(/[^ -~]/g, '?'),
      created: former?.created ?? now,
      seen: now,
      expires: now + signInMs,
    }
    await addSignIn(tx, signIn)
    return { account, signIn, secret }
  }

  /** Whose a new passkey will be. @throws Fail */
  async #holder(db: Db, whose: Whose): Promise<Holder> {
    if ('newcomer' in whose) {
      checkOpen(this.#options.signUp)
      await checkRoom(db, this.#options.maxAccounts)
      if (await findAccount(db, whose.newcomer) !== undefined) throw unknownPasskey()
      return { account: whose.newcomer, role: 'person' }
    }
    if ('signIn' in whose) {
      await checkSignedIn(db, whose)
      const row = await findAccount(db, whose.account.id)
      if (row === undefined) throw new Fail('AUTH_REQUIRED', 'The account is no more')
      return { account: row.id, row }
    }
    const hash = sha256Hex(whose.link)
    const link = await findLink(db, hash)
    if (link === undefined || link.expires <= this.#options.clock.now())
      throw new Fail('VERIFICATION_EXPIRED', 'The link was used, or its time is over: ask for another')
    if (link.account === null) return { account: accountByLink(hash), link: hash, role: link.role }
    const row = await findAccount(db, link.account)
    if (row === undefined) throw new Fail('VERIFICATION_EXPIRED', 'The account of this link is no more')
    return { account: row.id, row, link: hash }
  }

  /** Once. */
  async #use(tx: Tx, link: string): Promise<void> {
    if (!await removeLink(tx, link)) throw new Fail('VERIFICATION_EXPIRED', 'The link was used, or its time is over: ask for another')
  }

  /** The account that a link makes. */
  async #settle(tx: Tx, account: Omit<AccountRow, 'locale'>): Promise<AccountRow> {
    if (account.role === 'operator') await removeLinksFor(tx, 'operator')
    return addAccount(tx, account)
  }

  async #newLink(tx: Tx, link: Omit<LinkRow, 'hash'>): Promise<string> {
    const secret = this.#options.randomBytes(32).toString('base64url')
    await addLink(tx, { hash: sha256Hex(secret), ...link })
    return secret
  }

  #challenge(purpose: string): Uint8Array {
    const { randomBytes, clock } = this.#options
    return this.#challenges.make(purpose, randomBytes(16), clock.now())
  }

  /** Remembers which challenge an answer was made for, if that is one of ours. */
  #answered(purpose: string): { readonly isOurs: (challenge: Uint8Array) => boolean, challenge: Uint8Array } {
    const answered = {
      challenge: new Uint8Array() as Uint8Array,
      isOurs: (challenge: Uint8Array): boolean => {
        answered.challenge = challenge
        return this.#challenges.untilOf(purpose, challenge, this.#options.clock.now()) !== undefined
      },
    }
    return answered
  }

  /** @throws Fail it was answered before, or its time ended meanwhile */
  async #spend(tx: Tx, purpose: string, challenge: Uint8Array, now: number): Promise<void> {
    const until = this.#challenges.untilOf(purpose, challenge, now)
    if (until === undefined || !await spendChallenge(tx, this.#challenges.nameOf(challenge), until))
      throw new Fail('VERIFICATION_EXPIRED', 'This challenge was answered before, or its time is over: ask for a new one')
  }

  async #note(tx: Tx, at: number, { signIn, ...entry }: Noted): Promise<void> {
    await addAccountAudit(tx, { at, sign_in: signIn, ...entry }, this.#options.auditCount)
  }

  #decide<T>(decide: Decide<T>): Promise<T> {
    return decided(this.#options, decide)
  }
}

/** Whose a passkey is to be: of who makes an account by a link or opens it again, of who comes uninvited, or of who is signed in. */
export type Whose = { readonly link: string } | { readonly newcomer: string } | SignedIn

type Holder =
  | { readonly account: string, readonly row: AccountRow }
  | { readonly account: string, readonly row: AccountRow, readonly link: string }
  | { readonly account: string, readonly link: string, readonly role: AccountRow['role'] }
  | { readonly account: string, readonly role: AccountRow['role'] }

type Noted = Omit<AccountAuditRow, 'n' | 'at' | 'sign_in'> & { readonly signIn: string }

/**
 * Whether it is so still, where something is decided: between its cookie and that a slow body may lie, and a sign-out everywhere.
 * @throws Fail
 */
export const checkSignedIn = async (db: TableReader, { signIn }: SignedIn): Promise<void> => {
  if (await findSignIn(db, signIn.hash) === undefined) throw new Fail('AUTH_REQUIRED', 'You were signed out: sign in at /account')
}
