// What a deploy.yaml becomes on Akash.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseSpec } from '../spec.ts'
import { aktToBurn, daysLeft, fromUnits, perMonth, toPrice, toUnits } from './money.ts'
import { manifestOf, sdlOf } from './sdl.ts'

const yaml = `
name: relay
image: ghcr.io/example/agentchat:0.1.0
domain: chat.example.org
size: { cpu: 0.5, memory: 512Mi, storage: 2Gi }
environment: { AGENTCHAT_MOTD: 'a <b> & c' }
target: akash
akash: { region: us-west, auditors: [akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63] }
`

test('a manifest has volume, domain, placement and price, and its hash is of the bytes that are sent', async () => {
  const spec = await parseSpec(yaml)
  const { json, hash, groups } = await manifestOf(spec, toPrice('20.5'))
  expect(hash).toBe(createHash('sha256').update(json).digest('hex'))
  const [group] = JSON.parse(json) as [{ services: [Record<string, never>] }]
  expect(group.services[0]).toMatchObject({
    name: 'relay',
    image: 'ghcr.io/example/agentchat:0.1.0',
    args: ['serve', '--data', '/data', '--host', '0.0.0.0'],
    env: expect.arrayContaining(['AGENTCHAT_MOTD=a <b> & c', 'AGENTCHAT_PORT=6667']) as never,
    expose: [expect.objectContaining({ port: 6667, externalPort: 80, hosts: ['chat.example.org'] })] as never,
    params: { storage: [{ name: 'data', mount: '/data' }] } as never,
    resources: expect.objectContaining({ cpu: { units: { val: '500' } }, memory: { size: { val: '536870912' } } }) as never,
  })
  expect(json).toContain('\\u003cb\\u003e \\u0026 c')
  // On the wire a price is the decimal times 10^18.
  expect(groups.map(group => Buffer.from(group, 'base64').toString('latin1'))).toEqual([
    expect.stringMatching(/akash1365yvmc4s7[^]*location-region[^]*us-west[^]*uact[^]*20500000000000000000/),
  ])
  expect(sdlOf(spec, 1n).profiles.placement['akash']!.pricing['relay']).toEqual({ denom: 'uact', amount: '0.000000000000000001' })
})

test('what a provider would refuse is told before anything is signed', async () => {
  const spec = await parseSpec(yaml)
  const wrong = { ...spec, image: 'agentchat:latest', volume: { ...spec.volume, class: 'gp3' }, environment: { A: 'x\u2028y' } }
  await expect(manifestOf(wrong, 1n)).rejects.toThrow(/names no version[^]*not a class[^]*environment\.A/)
  await expect(manifestOf({ ...spec, image: 'localhost:5000/agentchat' }, 1n)).rejects.toThrow('names no version')
})

test('amounts are exact', () => {
  expect([toUnits('2.5', 6), toUnits('0.000001', 6), toUnits('10', 6), toPrice('321.500000000000000000')]).toEqual([
    2_500_000n,
    1n,
    10_000_000n,
    321_500_000_000_000_000_000n,
  ])
  expect([fromUnits(2_500_000n, 6), fromUnits(1n, 6), fromUnits(0n, 6)]).toEqual(['2.5', '0.000001', '0'])
  for (const wrong of ['', '-1', '1e3', '0.0000001', '1,5']) expect(() => toUnits(wrong, 6)).toThrow(RangeError)
  expect(perMonth(toPrice('10'))).toBe(4_312_490n)
  expect(daysLeft(5_000_000n, toPrice('10'))).toBe(35.2)
  // 10 ACT at 0.5 dollars: 20 AKT, and 2.25 %
  expect(aktToBurn(10_000_000n, toPrice('0.5'))).toBe(20_450_000n)
})
