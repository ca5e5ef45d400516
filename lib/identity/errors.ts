// What can be wrong with keys, and with what is to be signed.

/**
 * - `BAD_KEY`: not an Ed25519 key in PEM, or none that can be used
 * - `NOT_SIGNABLE`: a value that has no exact JSON
 * - `UNSAFE`: a text that a stranger chose, and that may mean something else: it is not signed
 * - `NOT_A_PARTY`: a receipt between others
 * - `BAD_RECEIPT`: a receipt that is not whole, or of another relay
 * - `BAD_TRANSCRIPT`: a stored event, a head or a proof that is none, or does not hold
 * - `NO_FILE`, `BAD_FILE`, `FILE_EXISTS`, `FILE_FAILED`: an identity file that is not there, is none, would be overwritten, cannot be read or written
 */
export type IdentityErrorCode =
  | 'BAD_KEY'
  | 'NOT_SIGNABLE'
  | 'UNSAFE'
  | 'NOT_A_PARTY'
  | 'BAD_RECEIPT'
  | 'BAD_TRANSCRIPT'
  | 'NO_FILE'
  | 'BAD_FILE'
  | 'FILE_EXISTS'
  | 'FILE_FAILED'

/** A key, record or nonce that cannot be used, and why. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  /** Which failure it is. */
  readonly code: IdentityErrorCode

  constructor(code: IdentityErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
