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
  { name: 'npm-token', begins: 'n', whole: /npm_[A-Za-z0-9]{36}\b/y },
]
const byFirst = new Map([...'-sgAxrn'].map(first => [first, kinds.filter(({ begins }) => begins.includes(first))]))

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
  ].join('|')
})|---(?=--BEGIN )`, 'g')
const jwtStart = /\beyJ(?=[\w-]{10})/g
const startChars = 3
const jwt = { name: 'jwt', whole: /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/y }
/** What its parts are made of. No JWT begins in a run where one failed before: it would end where that one ends. */
const run = /[\w-]*/y

const pemStart = '-----BEGIN '
const pemTaken = pemStart.length - 1

const next = (pattern: RegExp, text: string, from: number): number => {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - startChars : Infinity
}

const endOf = (pattern: RegExp, text: string, from: number): number | undefined => {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : undefined
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
    const found = (isToken ? [jwt] : byFirst.get(content[at]!)!).find(({ whole }) => endOf(whole, content, at) !== undefined)
    if (found !== undefined) {
      redacted += `${content.slice(kept, at)}[REDACTED:${found.name}]`
      const end = found.whole.lastIndex
      // A token takes every dash: it must not take the first ones of a private key that follows it.
      kept = end - (content.startsWith(pemStart, end - pemTaken) ? pemTaken : 0)
      if (other < kept) other = next(start, content, kept)
      if (token < kept) token = next(jwtStart, content, kept)
    } else if (isToken) {
      token = next(jwtStart, content, endOf(run, content, at)!)
    } else {
      other = next(start, content, at + 1)
    }
  }
  return kept === 0 ? content : redacted + content.slice(kept)
}
