// What each close code means.
import type { CloseName } from '../close.ts'

/** What each close code means. */
export const closeDocs: { readonly [C in CloseName]: string } = {
  RESTARTING: 'The relay is shutting down or restarting. The reason holds `retry_after_ms=N`.',
  FRAME_TOO_LARGE: 'A frame was larger than `limits.max_frame_bytes`, or than 8 KiB before a session is open.',
  TOO_SLOW: 'Too many bytes waited for the client to read, or from it to be handled. Reconnect and resume with `since`.',
  IDENTIFY_TIMEOUT: 'No session was opened in time.',
  PING_TIMEOUT: 'The client stopped answering pings.',
  CHALLENGE_EXPIRED: 'The login challenge or captcha was not answered in time.',
  TOO_MANY_CONNECTIONS: 'This address has too many open connections, or the relay is full.',
  DISPLACED: 'The same agent opened the same session elsewhere.',
  KICKED: 'An admin ended the session.',
  BANNED: 'The agent, or its address, is banned.',
  REVOKED: "The agent's key was revoked or rotated away.",
  CAPTCHA_FAILED: 'The captcha was answered wrongly too often.',
  SIGNED_OUT: 'The browser that opened it was signed out.',
}
