// Cuts secrets out of messages before they are stored: what looks like a credential of a well-known kind. One pass: whatever the
// text, no character of it is looked at more than a bounded number of times.

/** What a credential is, tried where one may begin. A try that fails has read a bounded number of characters. */
const kinds: readonly { readonly name: string, /** first characters */ readonly begins: string, readonly whole: RegExp }[] = [
  {
    name: 'private-key',
    begins: '-',
    whole: /-----BEGIN (?:[A-Z]{1,20} ){0,4}PRIVATE KEY-----[^]*?(?:-----END (?:[A-Z]{1,20} ){0,4}PRIVATE KEY-----|$)/y,
  },
  { name: 'anthropic-key', begins: 's', whole: /sk-ant-[\w-]{20,}/y },
  { name: 'openai-key', begins: 's', whole: /sk-(?:proj-)?[\w-]{32,}/y },
  { name: 'github-token', begins: 'g', whole: /gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}/y },
  { name: 'aws-key', begins: 'A', whole: /A[KS]IA[0-9A-Z]{16}\b/y },
  { name: 'google-key', begins: 'A', whole: /AIza[\w-]{35}/y },
  { name: 'slack-token', begins: 'x', whole: /xox[abeoprs]-[A-Za-z0-9-]{10,}/y },
  { name: 'stripe-key', begins: 'rs', whole: /[rs]k_live_[A-Za-z0-9]{20,}/y },
  { name: 'agentchat-token', begins: 'a', whole: /act_[A-Za-z0-9]{10}_[\w-]{43}/y },
  { name: 'agentchat-hook', begins: 'a', whole: /ahs_[\w-]{43}/y },
  { name: 'webhook-secret', begins: 'w', whole: /whsec_[A-Za-z0-9+/]{32,}={0,2}/y },
  { name: 'npm-token', begins: 'n', whole: /npm_[A-Za-z0-9]{36}\b/y },
]
const byFirst = new Map([...'-sgAxrnaw'].map(first => [first, kinds.filter(({ begins }) => begins.includes(first))]))

/** The first three characters of whatever may be one, where enough follows: nearly every message has none. */
const start = new RegExp(String.raw`\b(?:${
  [
    String.raw`sk-(?=[\w-]{20})`,
    String.raw`[rs]k_(?=live_[A-Za-z0-9]{20})`,
    String.raw`gh[pousr](?=_[A-Za-z0-9]{36})`,
    String.raw`git(?=hub_pat_\w{40})`,
    String.raw`A[KS]I(?=A[0-9A-Z]{16})`,
    String.raw`AIz(?=a[\w-]{35})`,
    String.raw`xox(?=[abeoprs]-[A-Za-z0-9-]{10})`,
    String.raw`npm(?=_[A-Za-z0-9]{36})`,
    String.raw`ahs(?=_[\w-]{43})`,
    String.raw`whs(?=ec_[A-Za-z0-9+/]{32})`,
    String.raw`act(?=_[A-Za-z0-9]{10}_[\w-]{43})`,
  ].join('|')
})|---(?=--BEGIN )`, 'g')
const jwtStart = /\beyJ(?=[\w-]{10})/g
const startChars = 3
/** What a token's parts are made of. */
const tokenChars = Uint8Array.from({ length: 128 }, (_, code) => /[\w-]/.test(String.fromCharCode(code)) ? 1 : 0)

/** Where a run of such characters ends. By hand: what a pattern does here, it does twenty times as slowly. */
const runEnd = (text: string, from: number): number => {
  let at = from
  while (at < text.length && tokenChars[text.charCodeAt(at)] === 1) at++
  return at
}

/** The end of a part that has enough of them, behind what it begins with; NaN where there is none. */
const partEnd = (text: string, from: number, begins: string): number => {
  if (!text.startsWith(begins, from)) return NaN
  const end = runEnd(text, from + begins.length)
  return end - from - begins.length < 10 ? NaN : end
}

/** `header.body.signature`, the first two of them JSON objects in base64. */
const jwtEnd = (text: string, at: number): number | undefined => {
  const header = partEnd(text, at, 'eyJ')
  const body = text[header] === '.' ? partEnd(text, header + 1, 'eyJ') : NaN
  const signature = text[body] === '.' ? partEnd(text, body + 1, '') : NaN
  return Number.isNaN(signature) ? undefined : signature
}

const pemStart = '-----BEGIN '
const pemTaken = pemStart.length - 1

const next = (pattern: RegExp, text: string, from: number): number => {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - startChars : Infinity
}

interface Found {
  readonly name: string
  readonly end: number
}

const tokenAt = (text: string, at: number): Found | undefined => {
  const end = jwtEnd(text, at)
  return end === undefined ? undefined : { name: 'jwt', end }
}

const otherAt = (text: string, at: number): Found | undefined => {
  for (const { name, whole } of byFirst.get(text[at]!)!) {
    whole.lastIndex = at
    if (whole.test(text)) return { name, end: whole.lastIndex }
  }
  return undefined
}

/** The content with secrets replaced by `[REDACTED:kind]`; the same string when there were none. */
export const redact = (content: string): string => {
  let redacted = ''
  let kept = 0
  let other = next(start, content, 0)
  let token = next(jwtStart, content, 0)
  while (other < Infinity || token < Infinity) {
    const at = Math.min(other, token)
    const isToken = at === token
    const found = isToken ? tokenAt(content, at) : otherAt(content, at)
    if (found !== undefined) {
      redacted += `${content.slice(kept, at)}[REDACTED:${found.name}]`
      const { end } = found
      // A token takes every dash: it must not take the first ones of a private key that follows it.
      kept = end - (content.startsWith(pemStart, end - pemTaken) ? pemTaken : 0)
      if (other < kept) other = next(start, content, kept)
      if (token < kept) token = next(jwtStart, content, kept)
    } else if (isToken) {
      // None begins in a run where one failed before: it would end where that one ends.
      token = next(jwtStart, content, runEnd(content, at))
    } else {
      other = next(start, content, at + 1)
    }
  }
  return kept === 0 ? content : redacted + content.slice(kept)
}
