// Passkeys by @simplewebauthn/server, which only a relay with accounts needs: it is fetched when the first who signs in asks.
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'

/** Where a passkey is good: a page of this origin, and the domain that it belongs to. */
export interface Site {
  /** As browsers send it: https://relay.example */
  readonly origin: string
  /** Its host, without a port. */
  readonly rpId: string
}

/** A passkey, as it is kept. */
export interface Passkey {
  /** In base64url, as its authenticator names it. */
  readonly id: string
  /** In COSE, in base64url. */
  readonly publicKey: string
  /** How often its authenticator signed; 0: it does not count. */
  readonly counter: number
}

export interface NewPasskey extends Passkey {
  /** How it is reached, like "internal" or "usb". */
  readonly transports: readonly string[]
  /** It is on more devices than one. */
  readonly isShared: boolean
}

export type PasskeyAnswer = Readonly<Record<string, unknown>>

/** What an answer does not hold, for the eyes of whoever sent it. */
export class PasskeyProblem extends Error {}

/** Ed25519, ES256, RS256, the best first. */
const algorithms = [-8, -7, -257]

/** Fetches the package. @throws PasskeyProblem it is not installed */
export const loadPasskeys = async (): Promise<typeof import('@simplewebauthn/server')> =>
  await import('@simplewebauthn/server').catch((error: unknown) => {
    throw new PasskeyProblem('passkeys need a package that is not installed: npm install @simplewebauthn/server@14', { cause: error })
  })

export interface RegistrationWish {
  readonly site: Site
  readonly relayName: string
  /** "~…": its authenticator keeps one passkey for it. */
  readonly account: string
  readonly name: string
  readonly challenge: Uint8Array
  readonly timeoutMs: number
  /** Those that it has: an authenticator with one of them makes no other. */
  readonly known: readonly string[]
}

/** What a browser is given for `navigator.credentials.create`, as JSON. */
export const registrationOptions = async (
  { site, relayName, account, name, challenge, timeoutMs, known }: RegistrationWish,
): Promise<object> => {
  const { generateRegistrationOptions } = await loadPasskeys()
  return generateRegistrationOptions({
    rpName: relayName,
    rpID: site.rpId,
    userName: name,
    userDisplayName: name,
    userID: Buffer.from(account),
    challenge: Buffer.from(challenge),
    timeout: timeoutMs,
    attestationType: 'none',
    excludeCredentials: known.map(id => ({ id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: algorithms,
  })
}

/** The same for `navigator.credentials.get`: any passkey of the site, so that nothing is told of who has one. */
export const assertionOptions = async ({ site, challenge, timeoutMs }: Pick<RegistrationWish, 'site' | 'challenge' | 'timeoutMs'>) => {
  const { generateAuthenticationOptions } = await loadPasskeys()
  return generateAuthenticationOptions({
    rpID: site.rpId,
    challenge: Buffer.from(challenge),
    timeout: timeoutMs,
    userVerification: 'required',
  })
}

export interface AnswerCheck {
  readonly site: Site
  readonly answer: PasskeyAnswer
  /** Whether it is a challenge that was given out for this. */
  readonly isOurs: (challenge: Uint8Array) => boolean
}

/** @throws PasskeyProblem */
export const checkRegistration = async ({ site, answer, isOurs }: AnswerCheck): Promise<NewPasskey> => {
  const { verifyRegistrationResponse } = await loadPasskeys()
  const { verified, registrationInfo } = await told(async () =>
    verifyRegistrationResponse({
      response: await unattested(answer as unknown as RegistrationResponseJSON),
      expectedChallenge: challenge => isOurs(Buffer.from(challenge, 'base64url')),
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
  )
  if (!verified || registrationInfo === undefined) throw new PasskeyProblem('It registers no passkey')
  const { credential: { id, publicKey, counter, transports }, credentialBackedUp: isShared } = registrationInfo
  return { id, publicKey: Buffer.from(publicKey).toString('base64url'), counter, transports: transports ?? [], isShared }
}

/**
 * The same without what says which make of authenticator it is. Nobody asked for that; to check it the package would read certificates of
 * whoever sent it, and fetch what they name, wherever that is and however much.
 */
const unattested = async (answer: RegistrationResponseJSON): Promise<RegistrationResponseJSON> => {
  const { decodeAttestationObject, isoBase64URL, isoCBOR } = await import('@simplewebauthn/server/helpers')
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(answer.response.attestationObject)).get('authData')
  const bare = new Map<string, Parameters<typeof isoCBOR.encode>[0]>([['fmt', 'none'], ['attStmt', new Map()], ['authData', authData]])
  return { ...answer, response: { ...answer.response, attestationObject: isoBase64URL.fromBuffer(isoCBOR.encode(bare)) } }
}

/** Gives the counter that it stands at now. @throws PasskeyProblem */
export const checkAssertion = async ({ site, answer, isOurs, passkey }: AnswerCheck & { readonly passkey: Passkey }): Promise<number> => {
  const { verifyAuthenticationResponse } = await loadPasskeys()
  const { verified, authenticationInfo } = await told(() =>
    verifyAuthenticationResponse({
      response: answer as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge => isOurs(Buffer.from(challenge, 'base64url')),
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
      credential: { id: passkey.id, publicKey: Buffer.from(passkey.publicKey, 'base64url'), counter: passkey.counter },
    })
  )
  if (!verified) throw new PasskeyProblem('The assertion is not signed by the key of the passkey')
  return authenticationInfo.newCounter
}

/** What the package finds wrong is told, as one line that drives no terminal: it holds words of whoever sent it. */
const told = async <T>(check: () => Promise<T>): Promise<T> => {
  try {
    return await check()
  } catch (error) {
    if (error instanceof PasskeyProblem) throw error
    throw new PasskeyProblem((error instanceof Error ? error.message : 'It cannot be read').slice(0, 200).replace(/[^ -~]/g, '?'))
  }
}
