// Cuts secrets out of messages before they are stored: what looks like a credential of a well-known kind. One pass: whatever the
// text, no character of it is looked at more than a bounded number of times.

/** What a credential is, tried where one may begin. A try that fails has read a bounded number of characters, but for a JWT. */
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
  { name: 'jwt', begins: 'e', whole: /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/y },
]
const byFirst = new Map([...'-sgAxrne'].map(first => [first, kinds.filter(({ begins }) => begins.includes(first))]))

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
    String.raw`eyJ(?=[\w-]{10})`,
  ].join('|')
})|---(?=--BEGIN )`, 'g')
const startChars = 3
const pemStart = '-----BEGIN '
const pemTaken = pemStart.length - 1

/** Characters of which the parts of a JWT are made. */
const run = /[\w-]*/y

const endOf = (pattern: RegExp, text: string, from: number): number | undefined => {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : undefined
}

/** The content with secrets replaced by `[REDACTED:kind]`; the same string when there were none. */
export const redact = (content: string): string => {
  let redacted = ''
  let kept = 0
  /** No JWT begins before: what fails at the first start in a run fails at the later ones, which end where it ends. */
  let jwtFrom = 0
  start.lastIndex = 0
  while (start.test(content)) {
    const at = start.lastIndex - startChars
    const first = content[at]!
    if (first === 'e' && at < jwtFrom) continue
    for (const { name, whole } of byFirst.get(first)!) {
      const end = endOf(whole, content, at)
      if (end === undefined) continue
      redacted += `${content.slice(kept, at)}[REDACTED:${name}]`
      // A token takes every dash: it must not take the first ones of a private key that follows it.
      kept = end - (content.startsWith(pemStart, end - pemTaken) ? pemTaken : 0)
      start.lastIndex = kept
      break
    }
    if (first === 'e' && kept <= at) jwtFrom = endOf(run, content, at)!
  }
  return kept === 0 ? content : redacted + content.slice(kept)
}
