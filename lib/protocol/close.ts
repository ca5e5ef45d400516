// WebSocket close codes. The range is the rule: 1012 and 4000–4499 mean "come back", 4500–4999 "do not". What each means: docs/close.ts.

// Those that a client looks for stand by themselves: no bundler drops a part of an object.
export const restarting = { code: 1012 } as const
export const tooSlow = { code: 4000 } as const
export const displaced = { code: 4500 } as const

/** Why a relay closes a connection: code, name, and whether coming back can help. */
export const closeCodes = {
  RESTARTING: restarting,
  FRAME_TOO_LARGE: { code: 1009 },
  TOO_SLOW: tooSlow,
  IDENTIFY_TIMEOUT: { code: 4001 },
  PING_TIMEOUT: { code: 4002 },
  CHALLENGE_EXPIRED: { code: 4003 },
  TOO_MANY_CONNECTIONS: { code: 4004 },
  DISPLACED: displaced,
  KICKED: { code: 4501 },
  BANNED: { code: 4502 },
  REVOKED: { code: 4503 },
  CAPTCHA_FAILED: { code: 4504 },
  SIGNED_OUT: { code: 4505 },
} as const satisfies Record<string, { readonly code: number }>

/** The name of a reason to close. */
export type CloseName = keyof typeof closeCodes

/** Whether a client that saw this close code should reconnect by itself. */
export const mayReconnect = (code: number): boolean => !(code >= 4500 && code <= 4999)
