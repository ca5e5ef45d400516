// What a relay may know that others do not, by name: told in WELCOME and in its description, asked for by clients.

/** login-v3, trade-v3: signatures bound to the address that was dialled and to the session. */
export const wireFeatures = ['login-v3', 'trade-v3'] as const

export type WireFeature = (typeof wireFeatures)[number]
