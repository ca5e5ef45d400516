// Ids of tokens and hooks: short, and of letters and digits alone.

const chars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A character for each byte. */
export const idOf = (bytes: Uint8Array): string => [...bytes].map(byte => chars[byte % chars.length]).join('')
