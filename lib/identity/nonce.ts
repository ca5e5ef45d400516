// What makes a signature good once.

/** 32 hex digits that nobody can guess. */
export const randomNonce = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')
