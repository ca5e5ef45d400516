// Signing in of commands: one asks for a code, a person types it at /account by a fresh passkey, and the command's key signs that it is his.
// So both halves of a claim are there, and the command goes on acting by its key.
import { Fail } from '../../../relay/feature.ts'
import { checkSignedIn, sha256Hex, type SignedIn } from './accounts.ts'
import type { Claims, SignedClaim } from './claims.ts'
import { decided, type Decide, type Deciding } from './deciding.ts'
import { signInsAmong } from './store.ts'
import {
  addDevice,
  changeDevice,
  countDevices,
  findDevice,
  forgetDevices,
  removeDevice,
  removeOfMost,
  type DeviceRow,
} from './devices-store.ts'

export interface DevicesOptions extends Deciding {
  readonly randomBytes: (bytes: number) => Buffer
  readonly claims: Pick<Claims, 'take'>
  /** Between two questions of a command. */
  readonly paceMs: number
}

/** What a command is told once. */
export interface NewDevice {
  /** It shows itself by this from now on. */
  readonly device: string
  /** What a person types, like "WDJB-MJHT". */
  readonly code: string
  readonly expires: number
}

/** No vowel, so that it says nothing; nothing that looks like another. */
const signs = 'BCDFGHJKLMNPQRSTVWXZ'
const codeChars = 8
const lastsMs = 10 * 60_000
/** Between two questions of a command. */
export const devicePaceMs = 5_000
const maxPerAddress = 10
const maxDevices = 1_000

export class Devices {
  readonly #options: DevicesOptions

  constructor(options: DevicesOptions) {
    this.#options = options
  }

  /** A command asks. @throws Fail */
  begin(agent: string, address: string): Promise<NewDevice> {
    return this.#decide(async (tx, now) => {
      await forgetDevices(tx, now)
      if (await countDevices(tx, address) >= maxPerAddress)
        throw new Fail('LIMIT_REACHED', 'Too many commands wait to be signed in: each does for ten minutes at most')
      // Whoever has many addresses holds up nobody else.
      if (await countDevices(tx) >= maxDevices) await removeOfMost(tx)
      const [device, code, expires] = [this.#options.randomBytes(32).toString('base64url'), this.#newCode(), now + lastsMs]
      await addDevice(tx, {
        ...{ hash: sha256Hex(device), code: sha256Hex(code), agent, address, account: null, sign_in: null },
        ...{ asked: 0, created: now, expires },
      })
      return { device, code, expires }
    })
  }

  /** The command asks whether somebody typed its code; gives whose it may say that it is, once. @throws Fail */
  poll(device: string): Promise<string | undefined> {
    return this.#decide(async (tx, now) => {
      const row = await this.#known(tx, 'hash', sha256Hex(device), now)
      // A fifth is nothing between two machines.
      const waitMs = row.asked + this.#options.paceMs * 0.8 - now
      if (waitMs > 0) throw new Fail('RATE_LIMITED', `Ask again in ${Math.ceil(waitMs / 1_000)} s`, waitMs)
      await changeDevice(tx, row.hash, { asked: now })
      return row.account ?? undefined
    })
  }

  /** What waits under a code, for the eyes of who typed it. @throws Fail */
  async look(code: string): Promise<DeviceRow> {
    return this.#known(this.#options.store.read, 'code', sha256Hex(readCode(code)), this.#options.clock.now())
  }

  /** The owner's half. @throws Fail */
  confirm(me: SignedIn, code: string): Promise<DeviceRow> {
    return this.#decide(async (tx, now) => {
      await checkSignedIn(tx, me)
      const row = await this.#known(tx, 'code', sha256Hex(readCode(code)), now)
      if (row.account !== null) throw noCode()
      await changeDevice(tx, row.hash, { account: me.account.id, sign_in: me.signIn.id })
      return row
    })
  }

  /** The command's half, signed by its key; both are there then, and the code is used up. @throws Fail */
  finish(device: string, claim: SignedClaim): Promise<void> {
    return this.#decide(async (tx, now) => {
      const row = await this.#known(tx, 'hash', sha256Hex(device), now)
      if (row.account === null || row.account !== claim.account || row.agent !== claim.agent)
        throw new Fail('NOT_ALLOWED', 'This is not what was confirmed')
      // Whoever signed that browser out takes back what it confirmed.
      if ((await signInsAmong(tx, [row.sign_in!], now)).length === 0) throw noCode()
      await removeDevice(tx, row.hash)
      await this.#options.claims.take(tx, now, claim, { sign_in: row.sign_in!, address: row.address })
    })
  }

  async #known(db: Parameters<typeof findDevice>[0], by: 'hash' | 'code', value: string, now: number): Promise<DeviceRow> {
    const row = await findDevice(db, by, value)
    if (row === undefined || row.expires <= now) throw noCode()
    return row
  }

  #newCode(): string {
    let code = ''
    while (code.length < codeChars) {
      for (const byte of this.#options.randomBytes(codeChars)) if (byte < 240 && code.length < codeChars) code += signs[byte % signs.length]
    }
    return `${code.slice(0, 4)}-${code.slice(4)}`
  }

  #decide<T>(decide: Decide<T>): Promise<T> {
    return decided(this.#options, decide)
  }
}

/** However it is typed. */
const readCode = (typed: string): string => {
  const text = typed.toUpperCase().replace(/[^A-Z]/g, '')
  return `${text.slice(0, 4)}-${text.slice(4)}`
}

const noCode = (): Fail => new Fail('VERIFICATION_EXPIRED', 'No command waits under this code: it was used, or its ten minutes are over')
