// MCP at several processes behind a balancer that sends each call to another one: what was shown is shown once, wherever the next call comes in.
import { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nothingShown } from '../../src/doors/mcp/shown.ts'
import { replaceShown, shownBy, takeBackShown } from '../../src/store/by-token.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { clientOf, newIdentity } from '../kit/client.ts'
import { newFolder } from '../kit/folder.ts'
import { httpHost } from '../kit/mcp-http.ts'
import { eras, type Era } from '../kit/mcp.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster(2)
})
afterAll(() => cluster[Symbol.asyncDispose]())

/** An agent with a token, its hosts at all processes, and somebody who writes to it. */
const scene = async (nodes: readonly TestRelay[], era: Era) => {
  const identity = newIdentity('ada')
  const ada = await clientOf(nodes[0]!, { identity })
  const { token, token_id } = await ada.request('TOKEN_CREATE', { name: 'host' })
  const max = await clientOf(nodes.at(-1)!, { identity: newIdentity('max') })
  const hosts: Awaited<ReturnType<typeof httpHost>>[] = []
  for (const { httpUrl } of nodes) hosts.push(await httpHost(`${httpUrl}/mcp`, token, era))
  let calls = 0
  return {
    ada,
    me: identity.agentId,
    max,
    token,
    token_id,
    hosts,
    /** At the one and the other in turns. */
    call: async (name: string, args: Record<string, unknown> = {}) => (await hosts[calls++ % hosts.length]!.call(name, args)).text,
    received: async () => (await ada.request('INBOX', { limit: 1 })).cursor,
    async [Symbol.asyncDispose]() {
      for (const host of hosts) await host[Symbol.asyncDispose]()
      await max.close()
      await ada.close()
    },
  }
}

const shownIn = (text: string): readonly string[] => [...text.matchAll(/>(m\d+)<\//g)].map(([, said]) => said!)

describe.each(eras)('in the era of %s, at two processes in turns', era => {
  test('each message is shown once, and received with the next call', async () => {
    await using at = await scene(cluster.nodes, era)
    for (const said of ['m1', 'm2', 'm3']) await at.max.send(at.me, said)
    expect(shownIn(await at.call('receive', { max: 2 }))).toEqual(['m1', 'm2'])
    expect(await at.received()).toBe(0)
    expect(shownIn(await at.call('receive'))).toEqual(['m3'])
    expect(await at.received()).toBe(2)
    expect(await at.call('receive')).toBe('Nothing waits.')
    expect(await at.received()).toBe(3)
    expect(await at.call('receive')).toBe('Nothing waits.')
  })

  test('an answer that send showed does not come again, and what is before it does', async () => {
    await using at = await scene(cluster.nodes, era)
    await at.max.send(at.me, 'm1')
    at.max.on('message', async message => {
      if (message.content === 'well?') await message.reply('m2')
    })
    expect(shownIn(await at.call('send', { to: at.max.agentId, text: 'well?', wait_s: 20 }))).toEqual(['m2'])
    expect(shownIn(await at.call('receive'))).toEqual(['m1'])
    expect(await at.call('receive')).toBe('Nothing waits.')
    expect(await at.received()).toBe(2)
    await at.max.send(at.me, 'm3')
    expect(shownIn(await at.call('receive', { wait_s: 20 }))).toEqual(['m3'])
  })

  test('whoever asks again under the same key is shown the answer again', async () => {
    await using at = await scene(cluster.nodes, era)
    at.max.on('message', async message => {
      if (message.content === 'well?') await message.reply('m1')
    })
    const asked = { to: at.max.agentId, text: 'well?', key: 'k', wait_s: 20 }
    expect(shownIn(await at.call('send', asked))).toEqual(['m1'])
    expect(shownIn(await at.call('send', asked))).toEqual(['m1'])
    expect(await at.call('receive')).toBe('Nothing waits.')
  })

  test('that the same was said a moment before is told', async () => {
    await using at = await scene(cluster.nodes, era)
    const twice = /The same text went there less than a minute ago/
    expect(await at.call('send', { to: at.max.agentId, text: 'hello' })).not.toMatch(twice)
    expect(await at.call('send', { to: at.max.agentId, text: 'hello' })).toMatch(twice)
    expect(await at.call('send', { to: at.max.agentId, text: 'hello!' })).not.toMatch(twice)
    cluster.clock.advance(61_000)
    expect(await at.call('send', { to: at.max.agentId, text: 'hello' })).not.toMatch(twice)
  })

  test('two that are asked in the same moment show no message twice, and none never', async () => {
    await using at = await scene(cluster.nodes, era)
    for (let n = 1; n <= 12; n++) await at.max.send(at.me, `m${n}`)
    const shown: string[] = []
    for (let rounds = 0; shown.length < 12; rounds++) {
      expect(rounds).toBeLessThan(7)
      const texts = await Promise.all(at.hosts.map(async host => (await host.call('receive', { max: 2 })).text))
      shown.push(...texts.flatMap(shownIn))
    }
    expect(shown.toSorted()).toEqual(Array.from({ length: 12 }, (_, n) => `m${n + 1}`).toSorted())
    expect(await at.call('receive')).toBe('Nothing waits.')
    expect(await at.received()).toBe(12)
  })

  test('of two that wait one is shown the message, and the other the next one', async () => {
    await using at = await scene(cluster.nodes, era)
    const waiting = at.hosts.map(host => host.call('receive', { wait_s: 20 }))
    await at.max.send(at.me, 'm1')
    const first = await Promise.race(waiting)
    await at.max.send(at.me, 'm2')
    expect([first.text, ...(await Promise.all(waiting)).map(({ text }) => text)].flatMap(shownIn).toSorted()).toEqual(['m1', 'm1', 'm2'])
  })
})

test('a session that was ended at one process is no good at the other', async () => {
  await using at = await scene(cluster.nodes, '2026-07-28')
  const [one, two] = cluster.nodes.map(({ httpUrl }) => `${httpUrl}/mcp`) as [string, string]
  const headers = {
    'authorization': `Bearer ${at.token}`,
    'content-type': 'application/json',
    'accept': 'application/json, text/event-stream',
  }
  const post = (url: string, body: unknown, session?: string) =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, ...(session !== undefined && { 'mcp-session-id': session }) },
      body: JSON.stringify(body),
    })
  const begin = async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'h', version: '1' } }
    const answer = await post(one, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await answer.text()
    return answer.headers.get('mcp-session-id')!
  }
  const statuses = async (session: string) => {
    const answers = [one, two].map(url => post(url, { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} }, session))
    return (await Promise.all(answers)).map(({ status }) => status)
  }
  const [ended, other] = [await begin(), await begin()]
  expect(await statuses(ended)).toEqual([200, 200])
  expect((await fetch(two, { method: 'DELETE', headers: { ...headers, 'mcp-session-id': ended } })).status).toBe(200)
  expect([await statuses(ended), await statuses(other)]).toEqual([[404, 404], [200, 200]])
  // Those that were ended last are known, so many of them.
  for (let n = 0; n < 3; n++) await fetch(one, { method: 'DELETE', headers: { ...headers, 'mcp-session-id': await begin() } })
  expect([await statuses(ended), await statuses(other)]).toEqual([[404, 404], [200, 200]])
})

describe('what a process showed', () => {
  /** The same database once more. */
  const again = (relay: { readonly data: string }) => startTestRelay({ data: relay.data })
  const hostAt = (relay: TestRelay, token: string) => httpHost(`${relay.httpUrl}/mcp`, token, '2026-07-28')

  test('is not shown again by the next one, where it was stopped', async () => {
    using data = newFolder()
    let token = ''
    {
      await using relay = await again({ data: data.path })
      await using at = await scene([relay], '2026-07-28')
      token = at.token
      await at.max.send(at.me, 'm1')
      expect(shownIn(await at.call('receive'))).toEqual(['m1'])
    }
    await using relay = await again({ data: data.path })
    await using host = await hostAt(relay, token)
    expect((await host.call('receive')).text).toBe('Nothing waits.')
  })

  test('is shown again where it was killed before that was acknowledged: nobody knows whether it was told', async () => {
    await using at = await scene(cluster.nodes, '2026-07-28')
    const by = async (incarnation: string) =>
      void await cluster.database.ask(`UPDATE door_tokens SET shown_by = '${incarnation}' WHERE id = '${at.token_id}'`)
    for (const said of ['m1', 'm2']) await at.max.send(at.me, said)
    expect(shownIn(await at.call('receive', { max: 1 }))).toEqual(['m1'])
    expect(shownIn(await at.call('receive'))).toEqual(['m2'])
    await by('one that is gone')
    expect(shownIn(await at.call('receive'))).toEqual(['m2'])
    expect(await at.call('receive')).toBe('Nothing waits.')
    await by('one that is gone')
    expect(await at.call('receive')).toBe('Nothing waits.')
  })

  /** A call of receive at the first process, which is about to answer and does not. */
  const aboutToAnswer = async ({ token }: { readonly token: string }) => {
    const line = new AbortController()
    const reached = new Promise<void>(resolve => {
      const end = vi.spyOn(ServerResponse.prototype, 'end')
      end.mockImplementationOnce(function(this: ServerResponse) {
        end.mockRestore()
        resolve()
        return this
      })
    })
    const revision = '2026-07-28'
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'h', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const answer = fetch(`${cluster.nodes[0]!.httpUrl}/mcp`, {
      method: 'POST',
      signal: line.signal,
      headers: {
        'authorization': `Bearer ${token}`,
        'content-type': 'application/json',
        'accept': 'application/json, text/event-stream',
        'mcp-protocol-version': revision,
        'mcp-method': 'tools/call',
        'mcp-name': 'receive',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'receive', arguments: {}, _meta } }),
    })
    answer.catch(() => undefined)
    await reached
    return {
      breakOff: async () => {
        line.abort()
        await expect(answer).rejects.toThrow()
      },
    }
  }

  test('is neither received nor gone beyond while it has not told it; and shown by another one when it is gone', async () => {
    await using at = await scene(cluster.nodes, '2026-07-28')
    for (const said of ['m1', 'm2']) await at.max.send(at.me, said)
    const { breakOff } = await aboutToAnswer(at)
    for (const host of at.hosts)
      expect(await host.call('receive', { max: 1 })).toMatchObject({ isError: true, text: expect.stringMatching(/^BUSY: .*retry after/) })
    expect(await at.received()).toBe(0)
    // It was killed, as far as anybody knows.
    await cluster.database.ask(`UPDATE door_tokens SET shown_by = regexp_replace(shown_by, '^\\w+', 'gone') WHERE id = '${at.token_id}'`)
    expect(shownIn((await at.hosts[1]!.call('receive')).text)).toEqual(['m1', 'm2'])
    await breakOff()
    expect(await at.call('receive')).toBe('Nothing waits.')
    expect(await at.received()).toBe(2)
  })

  test('is shown again where the line broke before it was told', async () => {
    await using at = await scene(cluster.nodes, '2026-07-28')
    await at.max.send(at.me, 'm1')
    const { breakOff } = await aboutToAnswer(at)
    await breakOff()
    expect(shownIn((await at.hosts[1]!.call('receive')).text)).toEqual(['m1'])
    expect(await at.call('receive')).toBe('Nothing waits.')
  })

  test('is taken back also where the commit of its claim comes late', async () => {
    await using at = await scene(cluster.nodes, '2026-07-28')
    const [one, two] = cluster.nodes.map(({ store }) => store)
    const claim = { upTo: 1, apart: [], by: 'some process' }
    let [stand, commit] = [() => {}, () => {}]
    const standing = new Promise<void>(resolve => stand = resolve)
    const committed = new Promise<void>(resolve => commit = resolve)
    const claiming = one!.write(async tx => {
      await replaceShown(tx, at.token_id, { ...nothingShown, by: '' }, claim)
      stand()
      await committed
    })
    await standing
    const takingBack = two!.write(tx => takeBackShown(tx, at.token_id, claim.by, nothingShown))
    const isWaitedFor = async (): Promise<void> => {
      const [waiting] = await cluster.database.ask<{ n: number }>('SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted')
      if (waiting!.n === 0) await isWaitedFor()
    }
    await Promise.race([takingBack, isWaitedFor()])
    commit()
    await Promise.all([claiming, takingBack])
    expect(await shownBy(two!.read, at.token_id)).toEqual({ ...nothingShown, by: '' })
  })

  test('is shown again where it is of the version before, which does not say whether it told it', async () => {
    await using at = await scene(cluster.nodes, '2026-07-28')
    await at.max.send(at.me, 'm1')
    expect(shownIn(await at.call('receive'))).toEqual(['m1'])
    await cluster.database.ask(
      `UPDATE door_tokens SET shown_by = (SELECT min(incarnation) FROM nodes) WHERE id = '${at.token_id}'`,
    )
    expect(shownIn(await at.call('receive'))).toEqual(['m1'])
  })
})
