// What this door asks of accounts.
import type { Office } from '../../../lib/access/table.ts'
import type { Site } from '../../domain/passkey.ts'

export interface Visitor {
  readonly site: Site
  readonly address: string
  /** What the browser calls itself. */
  readonly agent: string
}

export interface SignedIn {
  readonly account: {
    readonly id: string
    readonly name: string
    readonly role: Office | 'person'
    readonly created: number
    readonly locale: string | null
  }
  readonly signIn: {
    readonly id: string
    readonly hash: string
    readonly account: string
    readonly level: number
    readonly proved: number
    readonly passkey: string
    readonly address: string
    readonly agent: string
    readonly created: number
    readonly seen: number
    readonly expires: number
  }
}

/** Who operates the relay becomes so by its own link alone. */
export type GivenRole = Exclude<SignedIn['account']['role'], 'operator'>

/** A request of who is signed in. `isProlonged`: it lasts longer from now on, and so has its cookie to. */
type Known = SignedIn & { readonly isProlonged: boolean }

/** `secret` is what its cookie holds. */
export type Opened = SignedIn & { readonly secret: string }

/** Who makes an account by a link, or uninvited, or who is signed in. */
export type Whose = { readonly link: string } | { readonly newcomer: string } | SignedIn

/** What a browser's passkey answered, as JSON. */
export type PasskeyAnswer = Readonly<Record<string, unknown>> & { readonly id: string }

interface PasskeyRow {
  readonly id: string
  readonly rp_id: string
  readonly name: string
  readonly shared: number
  readonly created: number
  readonly used: number
}

interface AuditRow {
  readonly n: number
  readonly at: number
  readonly account: string
  readonly sign_in: string | null
  readonly action: string
  readonly target: string | null
  readonly address: string
}

/** What an agent's key signed. */
export interface SignedClaim {
  readonly agent: string
  readonly account: string
  readonly ts: number
  readonly nonce: string
  readonly sig: string
}

interface AgentRow {
  readonly agent: string
  readonly at: number
  /** What the agent signed, and by what. */
  readonly text: string
  readonly sig: string
}

/** Whose agents are. Each throws Fail where it is refused. */
export interface ClaimsPort {
  claim(claim: SignedClaim, address: string): Promise<void>
  end(claim: SignedClaim, address: string): Promise<void>
  accept(me: SignedIn, agent: string, address: string): Promise<void>
  release(me: SignedIn, agent: string, address: string): Promise<void>
  of(me: SignedIn): Promise<{ readonly owned: readonly AgentRow[], readonly waiting: readonly (AgentRow & { readonly expires: number })[] }>
}

/** Each throws Fail where it is refused. */
export interface AccountsPort {
  who(secret: string): Promise<Known | undefined>
  lookUp(secret: string): Promise<SignedIn | undefined>
  isFresh(me: SignedIn): boolean
  isFirst(me: SignedIn): Promise<boolean>
  assertion(visitor: Visitor): Promise<object>
  newcomer(): Whose
  signIn(visitor: Visitor, answer: PasskeyAnswer, former?: SignedIn): Promise<Opened>
  registration(visitor: Visitor, whose: Whose, name: string): Promise<object>
  register(visitor: Visitor, whose: Whose, name: string, answer: PasskeyAnswer): Promise<Opened>
  invite(me: SignedIn, role: GivenRole, address: string): Promise<{ readonly secret: string, readonly expires: number }>
  people(): Promise<readonly SignedIn['account'][]>
  setRole(me: SignedIn, of: string, role: GivenRole, address: string): Promise<void>
  signOut(me: SignedIn, which: string | undefined, address: string): Promise<void>
  removePasskey(me: SignedIn, id: string, address: string): Promise<void>
  passkeys(me: SignedIn): Promise<readonly PasskeyRow[]>
  signIns(me: SignedIn): Promise<readonly SignedIn['signIn'][]>
  audit(account: string | undefined, limit: number, before?: number): Promise<readonly AuditRow[]>
}

/** Throws Fail where it is refused. */
export interface PreferencesPort {
  setLocale(me: SignedIn, locale: string | null, address: string): Promise<void>
}

/** A key that a browser closed. */
export interface ClosedKey {
  readonly id: string
  readonly kind: 'prf' | 'recovery'
  readonly agent: string
  readonly label: string
  readonly wrap: string
}

interface BrowserLink {
  readonly id: string
  readonly commitment: string
  readonly offer: string | null
  readonly reveal: string | null
  readonly wrap: string | null
  readonly agent: string | null
  readonly address: string
  readonly browser: string
  readonly created: number
  readonly expires: number
}

/** Each throws Fail where it is refused. */
export interface VaultPort {
  wraps(me: SignedIn): Promise<readonly (ClosedKey & { readonly passkey: string | null, readonly created: number })[]>
  put(
    me: SignedIn,
    wrap: ClosedKey & { readonly passkey?: string | undefined, readonly proof?: string | undefined },
    address: string,
  ): Promise<boolean>
  remove(me: SignedIn, id: string, address: string): Promise<void>
  recover(visitor: Visitor, proof: string, former?: SignedIn): Promise<Opened>
  ask(me: SignedIn, commitment: string, visitor: Visitor): Promise<{ readonly id: string, readonly key: string, readonly expires: number }>
  asking(me: SignedIn): Promise<readonly BrowserLink[]>
  told(me: SignedIn, id: string, key: string, reveal: string | undefined): Promise<BrowserLink>
  answer(
    me: SignedIn,
    id: string,
    said: { readonly offer: string } | { readonly wrap: string, readonly agent: string },
    address: string,
  ): Promise<void>
  refuse(me: SignedIn, id: string): Promise<void>
}

interface Device {
  readonly agent: string
  readonly address: string
  readonly account: string | null
  readonly created: number
  readonly expires: number
}

/** Commands that sign in. Each throws Fail where it is refused. */
export interface DevicesPort {
  begin(agent: string, address: string): Promise<{ readonly device: string, readonly code: string, readonly expires: number }>
  poll(device: string): Promise<string | undefined>
  look(code: string): Promise<Device>
  confirm(me: SignedIn, code: string): Promise<Device>
  finish(device: string, claim: SignedClaim): Promise<void>
}

/** A provider, as people see it. */
export interface ProviderFacts {
  readonly id: string
  readonly label: string
  readonly isTrusted: boolean
  readonly signsUp: boolean
  /** What an account is here, by a value that the provider says of it; in the order in which they count. */
  readonly roles?: { readonly map: Readonly<Record<string, GivenRole>> } | undefined
}

interface Flow {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirect: string
}

interface Elsewhere {
  readonly issuer: string
  readonly subject: string
  readonly email: string | undefined
  readonly isVerified: boolean
  readonly name: string | undefined
  readonly values: readonly string[]
}

/** Identity providers. Each throws with `kind` down or refused. */
export interface OidcPort {
  begin(provider: string, flow: Flow): Promise<string>
  finish(provider: string, flow: Flow, query: string): Promise<Elsewhere>
}

interface IdentityRow {
  readonly issuer: string
  readonly subject: string
  readonly provider: string
  readonly email: string | null
  readonly created: number
  readonly used: number
}

/** Each throws Fail where it is refused. */
export interface IdentitiesPort {
  arrive(
    visitor: Visitor,
    departure: { readonly state: string, readonly expires: number, readonly signIn: string | undefined },
    vouched: Omit<Elsewhere, 'values'> & Pick<ProviderFacts, 'isTrusted' | 'signsUp'> & {
      readonly provider: string
      readonly role: GivenRole | undefined
    },
  ): Promise<Opened | undefined>
  of(me: SignedIn): Promise<readonly IdentityRow[]>
  idOf(identity: Pick<IdentityRow, 'issuer' | 'subject'>): string
  remove(me: SignedIn, id: string, address: string): Promise<void>
}
