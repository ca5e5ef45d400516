// What is said of a passkey's answer: for what it was asked, whose it says it is, and that it does not hold.
import { PasskeyProblem, type PasskeyAnswer, type Site } from '../../../domain/passkey.ts'
import { Fail } from '../../../relay/feature.ts'

/** An answer for one of them is none for another. */
export const purposes = {
  register: ({ origin }: Site, account: string): string => `register|${origin}|${account}`,
  signIn: ({ origin }: Site): string => `sign in|${origin}`,
}

export const unknownPasskey = (): Fail => new Fail('VERIFICATION_FAILED', 'The passkey is none of this relay, or its answer does not hold')

/** An authenticator that tells whose passkey it is must not tell another. */
export const isHandleOf = (account: string, { response }: PasskeyAnswer): boolean => {
  const handle = (response as { readonly userHandle?: unknown } | undefined)?.userHandle
  return handle === undefined || handle === null || handle === Buffer.from(account).toString('base64url')
}

export const refusing = async <T>(check: Promise<T>): Promise<T> => {
  try {
    return await check
  } catch (error) {
    if (error instanceof PasskeyProblem) throw new Fail('VERIFICATION_FAILED', `The passkey's answer does not hold: ${error.message}`)
    throw error
  }
}
