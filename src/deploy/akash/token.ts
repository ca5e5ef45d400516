// The login at a provider: a token that the account's own key signs (AEP-64), for one provider, for the least that is needed, for minutes.
import type { Wallet } from './wallet.ts'

export type Scope = 'send-manifest' | 'status' | 'logs' | 'events'

export interface TokenOptions {
  /** Its address. */
  readonly provider: string
  readonly scope: readonly Scope[]
  readonly nowMs: number
  readonly id: string
}

const lifeSeconds = 300
/** A provider whose clock is behind refuses a token from the future. */
const skewSeconds = 30

export const createToken = async (wallet: Wallet, { provider, scope, nowMs, id }: TokenOptions): Promise<string> => {
  const now = Math.floor(nowMs / 1_000)
  const from = now - skewSeconds
  const claims = {
    version: 'v1',
    iss: wallet.address,
    iat: from,
    nbf: from,
    exp: now + lifeSeconds,
    jti: id,
    leases: { access: 'granular', permissions: [{ provider, access: 'scoped', scope }] },
  }
  const signed = `${part({ alg: 'ES256K', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${Buffer.from(await wallet.sign(Buffer.from(signed))).toString('base64url')}`
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
