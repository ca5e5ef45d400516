import { describe, expect, test } from 'vitest'
import type { Connection } from './connection.ts'
import { Roster } from './roster.ts'
import { RemoteSession } from './session.ts'

const facts = { id: '@a', name: 'ann', pubkey: 'key', verified: false, admin: false, exempt: false, memberships: [] }
const info = {
  name: '#c',
  private: false,
  verifiedOnly: false,
  topic: '',
  description: '',
  owner: null,
  topicBy: null,
  settings: null,
  groups: null,
  version: 1,
}

const connection = (session: string, address = '192.0.2.1', heardAt = 10): Connection =>
  ({ session, address, heardAt, channels: new Set<string>(), watching: new Set<string>() }) as unknown as Connection
const elsewhere = (session: string, node = 'n2', address = '192.0.2.2', heardAt = 20) =>
  new RemoteSession(node, { session, address, heardAt, since: 0 })

describe('an agent is here wherever it is connected', () => {
  test('its sessions count, and only what is connected to this process can be written to', () => {
    const roster = new Roster()
    const remote = elsewhere('phone')
    roster.attach(remote, 'phone', facts, 0)
    expect(roster.agent('@a')).toMatchObject({ name: 'ann', presence: 'online' })
    expect([roster.agentCount, roster.keyedCount]).toEqual([1, 1])
    expect([...roster.connectionsOf('@a')]).toEqual([])
    // Who hears it notes it.
    expect([...roster.heard()]).toEqual([])
    const own = connection('')
    roster.attach(own, '', facts, 0)
    expect([...roster.connectionsOf('@a')]).toEqual([own])
    expect([...roster.sessionsOf('@a')]).toEqual([own, remote])
    expect(roster.sessions('@a').count).toBe(2)
    expect([roster.sessions('@a').has(''), roster.sessions('@a').has('phone'), roster.sessions('@a').has('x')]).toEqual([true, true, false])
    expect(roster.addressesOf('@a')).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(roster.heardAt('@a')).toBe(20)
    expect([...roster.heard()]).toEqual([['@a', 10]])
  })

  test('it is gone with its last session, wherever that was', () => {
    const roster = new Roster()
    const [own, remote] = [connection(''), elsewhere('phone')]
    for (const session of [own, remote]) roster.attach(session, session.session, facts, 0)
    roster.detach(own)
    expect(roster.agent('@a')).toBeDefined()
    expect([...roster.sessionsOf('@a')]).toEqual([remote])
    roster.detach(remote)
    expect([roster.agent('@a'), roster.agentCount, roster.keyedCount]).toEqual([undefined, 0, 0])
    expect(roster.sessions('@a').count).toBe(0)
  })

  test.each([[() => connection(''), () => elsewhere('')], [() => elsewhere(''), () => connection('')], [
    () => elsewhere(''),
    () => elsewhere('', 'n3'),
  ]])('of two sessions of one label the later one is it (%#)', (first, second) => {
    const roster = new Roster()
    const [former, later] = [first(), second()]
    expect(roster.attach(former, '', facts, 1)).toBeUndefined()
    expect(roster.attach(later, '', facts, 2)).toBe(former)
    expect(roster.takeovers('@a', 3)).toBe(1)
    expect([...roster.sessionsOf('@a')]).toEqual([later])
    expect(roster.hereCount).toBe([...roster.here()].length)
    // It is heard late that the former one is over.
    roster.detach(former)
    expect([...roster.sessionsOf('@a')]).toEqual([later])
    expect(roster.hereCount).toBe([...roster.here()].length)
    roster.detach(later)
    expect(roster.hereCount).toBe(0)
    roster.attach(later, '', facts, 3)
    expect(roster.sessions('@a').count).toBe(1)
  })

  test('a session is found by who told of it', () => {
    const roster = new Roster()
    const remote = elsewhere('phone')
    roster.attach(remote, 'phone', facts, 0)
    expect(roster.remote('@a', 'phone', 'n2')).toBe(remote)
    expect([roster.remote('@a', 'phone', 'n3'), roster.remote('@a', '', 'n2'), roster.remote('@b', 'phone', 'n2')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('a channel has its agents from everywhere, and one that is made again has none of them', () => {
    const roster = new Roster()
    roster.setChannel(info as never)
    const remote = elsewhere('phone')
    roster.attach(remote, 'phone', facts, 0)
    remote.channels.add('#c')
    roster.enter(remote.agent!, '#c', true)
    expect([...roster.channel('#c')!.agents.keys()].map(({ id }) => id)).toEqual(['@a'])
    roster.removeChannel('#c')
    roster.setChannel(info as never)
    expect(remote.channels.size).toBe(0)
    expect(roster.channel('#c')!.agents.size).toBe(0)
  })
})
