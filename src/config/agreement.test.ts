import { expect, test } from 'vitest'
import { agreementOf } from './agreement.ts'
import { defaultConfig, type Config } from './schema.ts'

test('what has to be the same is compared: not where a process is, nor what nobody has set', () => {
  const of = (overrides: Partial<Config>) => agreementOf(defaultConfig(overrides))
  expect(of({ port: 1, node: 'a', drainNoticeMs: 5_000, trustedProxies: ['10.0.0.0/8'] })).toBe(of({ node: 'b' }))
  for (const other of [{ msgRate: 7 }, { adminKey: 'open sesame' }, { channels: ['#a'] }] satisfies Partial<Config>[])
    expect(of(other)).not.toBe(of({}))
  // As a version has it that does not know the setting yet.
  const { mcpMaxWaitMs: _, ...older } = defaultConfig()
  expect(agreementOf(older as Config)).toBe(of({}))
})
