// WebSocket close codes. The range is the rule: 1012 and 4000–4499 mean "come back", 4500–4999 "do not".

interface CloseRow {
  readonly code: number
  readonly doc: string
}

/** Why a relay closes a connection: code, name, and whether coming back can help. */
export const closeCodes = {
  RESTARTING: { code: 1012, doc: 'The relay is shutting down or restarting. The reason holds `retry_after_ms=N`.' },
  FRAME_TOO_LARGE: { code: 1009, doc: 'A frame was larger than `limits.max_frame_bytes`, or than 8 KiB before a session is open.' },
  TOO_SLOW: {
    code: 4000,
    doc: 'Too many bytes waited for the client to read, or from it to be handled. Reconnect and resume with `since`.',
  },
  IDENTIFY_TIMEOUT: { code: 4001, doc: 'No session was opened in time.' },
  PING_TIMEOUT: { code: 4002, doc: 'The client stopped answering pings.' },
  CHALLENGE_EXPIRED: { code: 4003, doc: 'The login challenge or captcha was not answered in time.' },
  TOO_MANY_CONNECTIONS: { code: 4004, doc: 'This address has too many open connections, or the relay is full.' },
  DISPLACED: { code: 4500, doc: 'The same agent opened the same session elsewhere.' },
  KICKED: { code: 4501, doc: 'An admin ended the session.' },
  BANNED: { code: 4502, doc: 'The agent, or its address, is banned.' },
  REVOKED: { code: 4503, doc: "The agent's key was revoked or rotated away." },
  CAPTCHA_FAILED: { code: 4504, doc: 'The captcha was answered wrongly too often.' },
} as const satisfies Record<string, CloseRow>

/** The name of a reason to close. */
export type CloseName = keyof typeof closeCodes

/** Whether a client that saw this close code should reconnect by itself. */
export const mayReconnect = (code: number): boolean => !(code >= 4500 && code <= 4999)
