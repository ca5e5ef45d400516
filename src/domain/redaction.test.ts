import { expect, test } from 'vitest'
import { redact } from './redaction.ts'

const letters = (n: number) => 'aB3'.repeat(n).slice(0, n)

test.each([
  ['sk-ant-' + letters(40), 'anthropic-key'],
  ['sk-' + letters(48), 'openai-key'],
  ['ghp_' + letters(36), 'github-token'],
  ['AKIA' + 'ABCDEFGH12345678', 'aws-key'],
  ['AIza' + letters(35), 'google-key'],
  ['xoxb-' + letters(24), 'slack-token'],
  ['sk_live_' + letters(24), 'stripe-key'],
  [`act_${letters(10)}_${letters(43)}`, 'agentchat-token'],
  [`ahs_${letters(43)}`, 'agentchat-hook'],
  [`whsec_${letters(43)}=`, 'webhook-secret'],
  ['npm_' + letters(36), 'npm-token'],
  [`eyJ${letters(20)}.eyJ${letters(20)}.${letters(20)}`, 'jwt'],
  ['-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----', 'private-key'],
])('a secret is cut out and its surroundings stay: %#', (secret, name) => {
  expect(redact(`use ${secret} please`)).toBe(`use [REDACTED:${name}] please`)
})

test('ordinary text is given back as it is', () => {
  for (const text of ['', 'hi', 'the task-runner and risk-free ask-me-anything', 'xox', 'eyJ is how a token starts'])
    expect(redact(text)).toBe(text)
})

test('what follows a secret at once is seen too', () => {
  const key = '-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----'
  expect(redact(`sk-ant-${letters(40)}${key}`)).toBe('[REDACTED:anthropic-key][REDACTED:private-key]')
  expect(redact(`${key}${key}`)).toBe('[REDACTED:private-key][REDACTED:private-key]')
  expect(redact(`AKIAABCDEFGH12345678 AKIAABCDEFGH12345678`)).toBe('[REDACTED:aws-key] [REDACTED:aws-key]')
})

test('a token is found behind others that are none, and within what is none', () => {
  const jwt = `eyJ${letters(20)}.eyJ${letters(20)}.${letters(20)}`
  expect(redact(`eyJ${letters(20)}..${jwt}`)).toBe(`eyJ${letters(20)}..[REDACTED:jwt]`)
  expect(redact(`eyJ${letters(20)}.eyJ${letters(20)}. ${jwt}`)).toBe(`eyJ${letters(20)}.eyJ${letters(20)}. [REDACTED:jwt]`)
  expect(redact(`eyJ${letters(20)}-sk-ant-${letters(40)}`)).toBe(`eyJ${letters(20)}-[REDACTED:anthropic-key]`)
  expect(redact(`-eyJ-eyJ-${jwt}`)).toBe('-[REDACTED:jwt]')
  expect(redact('-----BEGIN PRIVATE KEY-----\nnever ends')).toBe('[REDACTED:private-key]')
})
