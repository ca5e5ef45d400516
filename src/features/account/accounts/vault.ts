// The vault: keys of people that the relay keeps for them and cannot open. A browser closes its key by its passkey's PRF or by a recovery code
// and puts it here; another one of the account fetches it, or is handed it by the first, who both say what is of no meaning here.
import { Fail } from '../../../relay/feature.ts'
import { checkSignedIn, sha256Hex, type Accounts, type Opened, type SignedIn, type Visitor } from './accounts.ts'
import { decided, type Decide, type Deciding } from './deciding.ts'
import { addAccountAudit, findAccount, passkeysOf, removeUnsureSignIns } from './store.ts'
import {
  addBrowserLink,
  browserLinksOf,
  forgetBrowserLinks,
  putWrap,
  removeBrowserLink,
  removeWrap,
  sayInLink,
  wrapByProof,
  wrapsOf,
  type BrowserLinkRow,
  type WrapRow,
} from './vault-store.ts'

export interface VaultOptions extends Deciding {
  readonly randomBytes: (bytes: number) => Buffer
  readonly accounts: Pick<Accounts, 'open'>
  readonly auditCount: number
}

/** A key as a browser brings it. */
export interface NewWrap {
  readonly id: string
  readonly kind: WrapRow['kind']
  readonly agent: string
  readonly passkey?: string | undefined
  readonly proof?: string | undefined
  readonly label: string
  readonly wrap: string
}

const maxWraps = 30
const maxBrowserLinks = 5
const browserLinkMs = 10 * 60_000

export class Vault {
  readonly #options: VaultOptions

  constructor(options: VaultOptions) {
    this.#options = options
  }

  wraps({ account }: SignedIn): Promise<readonly WrapRow[]> {
    return wrapsOf(this.#options.store.read, account.id)
  }

  /** Gives whether it is a new one, not one in the place of another. @throws Fail */
  put(me: SignedIn, { proof, passkey, ...wrap }: NewWrap, address: string): Promise<boolean> {
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const account = me.account.id
      const all = await wrapsOf(tx, account)
      const former = all.find(({ id }) => id === wrap.id)
      const isNew = former === undefined
      if (isNew && all.length >= maxWraps) throw new Fail('LIMIT_REACHED', `A vault holds at most ${maxWraps} keys: remove one first`)
      const hash = proof === undefined ? null : sha256Hex(proof)
      const other = hash === null ? undefined : await wrapByProof(tx, hash)
      if (other !== undefined && (other.account !== account || other.id !== wrap.id))
        throw new Fail('NOT_ALLOWED', 'This recovery code is in use: make another')
      if (passkey !== undefined && !(await passkeysOf(tx, account)).some(({ id }) => id === passkey))
        throw new Fail('MESSAGE_NOT_FOUND', 'Your account has no such passkey')
      if (former !== undefined && former.proof !== null && former.proof !== hash) await removeUnsureSignIns(tx, account)
      await putWrap(tx, { account, ...wrap, passkey: passkey ?? null, proof: hash, created: now })
      await this.#note(tx, now, me, 'vault_put', wrap.id, address)
      return isNew
    })
  }

  /** @throws Fail */
  remove(me: SignedIn, id: string, address: string): Promise<void> {
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const former = (await wrapsOf(tx, me.account.id)).find(each => each.id === id)
      if (former === undefined) throw new Fail('MESSAGE_NOT_FOUND', 'Your vault holds no such key')
      await removeWrap(tx, me.account.id, id)
      // Which of these it opened nobody knows.
      if (former.proof !== null) await removeUnsureSignIns(tx, me.account.id)
      await this.#note(tx, now, me, 'vault_remove', id, address)
    })
  }

  /** Who has the recovery code signs in by it, and is not taken for sure to be the owner: level 1. @throws Fail */
  recover(visitor: Visitor, proof: string, former?: SignedIn): Promise<Opened> {
    return this.#decide(async (tx, now) => {
      const wrap = await wrapByProof(tx, sha256Hex(proof))
      const account = wrap === undefined ? undefined : await findAccount(tx, wrap.account)
      if (wrap === undefined || account === undefined)
        throw new Fail('VERIFICATION_FAILED', 'The recovery code is none of this relay, or was taken back')
      const mine = former?.account.id === account.id ? former.signIn : undefined
      const opened = await this.#options.accounts.open(tx, now, visitor, account, { level: 1, passkey: '' }, mine)
      await this.#note(tx, now, opened, 'recovery_sign_in', wrap.id, visitor.address)
      return opened
    })
  }

  /** A browser without the key asks the others of the account for it. Gives what it shows itself by from now on. @throws Fail */
  ask(
    me: SignedIn,
    commitment: string,
    { address, agent }: Visitor,
  ): Promise<{ readonly id: string, readonly key: string, readonly expires: number }> {
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      await forgetBrowserLinks(tx, now)
      const open = await browserLinksOf(tx, me.account.id, now)
      if (open.length >= maxBrowserLinks)
        throw new Fail('LIMIT_REACHED', `At most ${maxBrowserLinks} browsers are linked at once: each may take ten minutes`)
      const [id, key, expires] = [this.#random(16), this.#random(32), now + browserLinkMs]
      await addBrowserLink(tx, {
        ...{ id, account: me.account.id, hash: sha256Hex(key), commitment, address, browser: agent.slice(0, 200).replace(/[^ -~]/g, '?') },
        ...{ offer: null, reveal: null, wrap: null, agent: null, created: now, expires },
      })
      return { id, key, expires }
    })
  }

  /** Browsers that ask. */
  asking({ account }: SignedIn): Promise<readonly BrowserLinkRow[]> {
    const { store, clock } = this.#options
    return browserLinksOf(store.read, account.id, clock.now())
  }

  /** What the newcomer is told so far; with the wrap it is over. @param reveal said once the offer is there @throws Fail */
  told(me: SignedIn, id: string, key: string, reveal: string | undefined): Promise<BrowserLinkRow> {
    return this.#decide(async (tx, now) => {
      const link = await this.#link(tx, me, id, now)
      if (link.hash !== sha256Hex(key)) throw overOrNone()
      if (reveal !== undefined) {
        if (link.offer === null || link.reveal !== null && link.reveal !== reveal) throw outOfTurn()
        await sayInLink(tx, id, { reveal })
      }
      if (link.wrap !== null) await removeBrowserLink(tx, me.account.id, id)
      return { ...link, reveal: reveal ?? link.reveal }
    })
  }

  /** The browser that has the key answers: its offer first, and behind the reveal the closed key. @throws Fail */
  answer(
    me: SignedIn,
    id: string,
    said: { readonly offer: string } | { readonly wrap: string, readonly agent: string },
    address: string,
  ): Promise<void> {
    return this.#decide(async (tx, now) => {
      const link = await this.#link(tx, me, id, now)
      const isInTurn = 'offer' in said ? link.offer === null : link.reveal !== null && link.wrap === null
      if (!isInTurn) throw outOfTurn()
      await sayInLink(tx, id, said)
      if ('wrap' in said) await this.#note(tx, now, me, 'key_handed_over', said.agent, address)
    })
  }

  /** @throws Fail */
  refuse(me: SignedIn, id: string): Promise<void> {
    return this.#decide(async (tx, now) => removeBrowserLink(tx, me.account.id, (await this.#link(tx, me, id, now)).id))
  }

  async #link(tx: Parameters<Decide<void>>[0], me: SignedIn, id: string, now: number): Promise<BrowserLinkRow> {
    await checkSignedIn(tx, me)
    const link = (await browserLinksOf(tx, me.account.id, now)).find(each => each.id === id)
    if (link === undefined) throw overOrNone()
    return link
  }

  #random(bytes: number): string {
    return this.#options.randomBytes(bytes).toString('base64url')
  }

  async #note(tx: Parameters<Decide<void>>[0], at: number, me: SignedIn, action: string, target: string, address: string): Promise<void> {
    await addAccountAudit(tx, { at, account: me.account.id, sign_in: me.signIn.id, action, target, address }, this.#options.auditCount)
  }

  #decide<T>(decide: Decide<T>): Promise<T> {
    return decided(this.#options, decide)
  }
}

const overOrNone = (): Fail =>
  new Fail('VERIFICATION_EXPIRED', 'No browser asks for a key under this name, or its ten minutes are over: ask again')
const outOfTurn = (): Fail => new Fail('NOT_ALLOWED', 'The other browser has to answer first, or this was said already: ask again')
