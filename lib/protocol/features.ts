// What a relay may know that others do not, by name: told in WELCOME and in its description, asked for by clients.

/**
 * login-v3, trade-v3: signatures bound to the address that was dialled and to the session. msg-v2: messages signed for this relay, with
 * their sender, time, id and nonce. transcripts: what is stored is under a tree whose head the relay signs.
 */
export const wireFeatures = ['login-v3', 'trade-v3', 'msg-v2', 'transcripts'] as const

/** The name of something that both sides have to know of before it is used. */
export type WireFeature = (typeof wireFeatures)[number]
