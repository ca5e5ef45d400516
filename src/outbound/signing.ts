// Signed both ways: HMAC-SHA-256 over a time and the body, with a secret that both ends have. An answer also covers the
// question it answers.
import { createHmac, timingSafeEqual } from 'node:crypto'

export const signatureHeader = 'agentchat-signature'

const toleranceMs = 5 * 60_000

const digest = (secret: string, at: number, text: string): Buffer => createHmac('sha256', secret).update(`${at}.${text}`).digest()

/** `t=<ms>,v1=<hex>`. For an answer, `question` is the signature of what it answers. */
export const signBody = (secret: string, body: string, now: number, question = ''): string =>
  `t=${now},v1=${digest(secret, now, question === '' ? body : `${question}.${body}`).toString('hex')}`

/** Whether the other end signed it, within five minutes. Never throws. */
export const isSigned = (secret: string, body: string, signature: string | undefined, now: number, question = ''): boolean => {
  const match = /^t=(\d{1,16}),v1=([0-9a-f]{64})$/.exec(signature ?? '')
  if (match === null || Math.abs(now - Number(match[1])) > toleranceMs) return false
  return timingSafeEqual(digest(secret, Number(match[1]), question === '' ? body : `${question}.${body}`), Buffer.from(match[2]!, 'hex'))
}
