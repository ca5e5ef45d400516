// Cuts secrets out of messages before they are stored: what looks like a credential of a well-known kind.

const patterns: readonly { readonly name: string, readonly pattern: RegExp }[] = [
  { name: 'private-key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)/g },
  { name: 'anthropic-key', pattern: /\bsk-ant-[A-Za-z0-9_-]{20,}/g },
  { name: 'openai-key', pattern: /\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}/g },
  { name: 'github-token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})/g },
  { name: 'aws-key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  { name: 'google-key', pattern: /\bAIza[0-9A-Za-z_-]{35}/g },
  { name: 'slack-token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g },
  { name: 'stripe-key', pattern: /\b[rs]k_live_[A-Za-z0-9]{20,}/g },
  { name: 'npm-token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { name: 'jwt', pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g },
]

/** One cheap look that tells nearly every message apart from those worth ten. */
const suspicious = /PRIVATE KEY|sk-|gh[pousr]_|github_pat_|AKIA|ASIA|AIza|xox|k_live_|npm_|eyJ/

/** The content with secrets replaced by `[REDACTED:kind]`; the same string when there were none. */
export const redact = (content: string): string => {
  if (!suspicious.test(content)) return content
  return patterns.reduce((text, { name, pattern }) => text.replace(pattern, `[REDACTED:${name}]`), content)
}
