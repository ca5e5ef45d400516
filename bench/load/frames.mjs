// @ts-check
// What is sent: messages of exactly 300 bytes of JSON, framed once; whoever sends one again writes the next id into it.

/** Any mask that is not zero: servers skip unmasking for a zero key. All its bytes are equal, so that digits can be written without counting positions. */
export const maskByte = 0x5a
const idDigits = 9
const messageBytes = 300

/**
 * @typedef {object} Frame
 * @property {Buffer} bytes
 * @property {number} idAt where its nine digits of id are; 0: it has none
 * @property {number} mask what each digit is xored with
 */

/** @typedef {{ readonly type: 'MSG', readonly to: string, readonly content: string, readonly sig?: string, readonly ts?: number }} Message */

/**
 * The content that makes a message exactly as long as all are.
 * @param {string} to @param {string} text what it begins with
 */
export const paddedContent = (to, text) => {
  const padding = messageBytes - jsonOf({ type: 'MSG', to, content: text }).length
  if (padding < 0) throw new Error(`a message to ${to} does not fit into ${messageBytes} bytes`)
  return text + '.'.repeat(padding)
}

/** @param {Message} message */
export const jsonOf = ({ type, ...rest }) => JSON.stringify({ type, id: '0'.repeat(idDigits), ...rest })

/** Where the digits of the id are in a message's JSON. */
export const idOffset = '{"type":"MSG","id":"'.length

/** Writes an id into a frame, in place. @param {Frame} frame @param {number} id */
export const number = ({ bytes, idAt, mask }, id) => {
  if (idAt === 0) return
  for (let i = idAt + idDigits - 1; i >= idAt; i--, id = Math.floor(id / 10)) bytes[i] = (48 + id % 10) ^ mask
}
