// What a host can read and subscribe to without a tool, prompts, and what completes their arguments: in both eras, at a real relay.
import type { Client } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { clientOf, newIdentity } from './kit/client.ts'
import { eras, hostAt, type Era } from './kit/mcp.ts'
import { startTestRelay } from './kit/relay.ts'

/** Subscribes in the way of the era; gives the uris that changed, as they are told. */
const subscribe = async (host: Client, era: Era, uris: readonly string[]) => {
  const told: string[] = []
  let wake = () => {}
  host.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(params.uri)
    wake()
  })
  if (era === '2026-07-28') await host.listen({ resourceSubscriptions: [...uris] })
  else for (const uri of uris) await host.subscribeResource({ uri })
  return async (uri: string) => {
    while (!told.includes(uri)) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    return told
  }
}

const textOf = async (host: Client, uri: string): Promise<string> => {
  const { contents: [first] } = await host.readResource({ uri })
  return (first as { readonly text: string }).text
}

describe.each(eras)('in the era of %s', era => {
  test('inbox, channels and deals are read, between marks, and told when they change', async () => {
    await using relay = await startTestRelay()
    await using ada = await hostAt(relay, newIdentity('ada'), { era })
    await using max = await clientOf(relay, { identity: newIdentity('max') })
    await ada.call('channel', { do: 'join', channel: '#general' })
    await max.join('#general')
    expect((await ada.host.listResources()).resources).toMatchObject([{ uri: 'agentchat://inbox' }])
    expect((await ada.host.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate))
      .toEqual(['agentchat://channel/{name}', 'agentchat://deal/{id}'])
    const told = await subscribe(ada.host, era, ['agentchat://inbox', 'agentchat://channel/general'])
    await max.send('#general', 'hello all')
    await told('agentchat://channel/general')
    expect(await textOf(ada.host, 'agentchat://channel/general')).toMatch(/^Peer text stands between[^]*>hello all</)
    await max.send(ada.me as '@x', 'hello ada')
    expect(await told('agentchat://inbox')).not.toContain('agentchat://channel/core')
    expect(await textOf(ada.host, 'agentchat://inbox')).toContain('>hello ada</')
    // Reading is not receiving.
    expect(await textOf(ada.host, 'agentchat://inbox')).toContain('>hello ada</')
    expect((await ada.call('receive')).text).toContain('>hello ada</')
    const { proposalId } = await max.trade.propose(ada.me as '@x', { task: 'a task' })
    expect(await textOf(ada.host, `agentchat://deal/${proposalId}`)).toMatch(/pending[^]*>a task</)
    expect(ada.failures).toEqual([])
  })

  test('what is not there, and what is none, is refused', async () => {
    await using relay = await startTestRelay()
    await using ada = await hostAt(relay, newIdentity('ada'), { era })
    await expect(textOf(ada.host, 'file:///etc/passwd')).rejects.toThrow(/NOT_FOUND/)
    await expect(textOf(ada.host, 'agentchat://channel/nowhere')).rejects.toThrow(/CHANNEL_NOT_FOUND/)
    await expect(textOf(ada.host, 'agentchat://deal/prop_1')).rejects.toThrow(/PROPOSAL_NOT_FOUND/)
    await expect(ada.host.getPrompt({ name: 'hire', arguments: { skill: 'x' } })).rejects.toThrow(/hire needs task/)
    await expect(ada.host.getPrompt({ name: 'rob' })).rejects.toThrow(/No prompt rob/)
    expect(ada.failures).toEqual([])
  })

  test('prompts are told, with their arguments as data', async () => {
    await using relay = await startTestRelay()
    await using ada = await hostAt(relay, newIdentity('ada'), { era })
    expect((await ada.host.listPrompts()).prompts.map(({ name }) => name)).toEqual(['catch-up', 'hire', 'introduce'])
    const { messages } = await ada.host.getPrompt({ name: 'hire', arguments: { skill: 'review', task: 'a "patch"', budget: '20 USD' } })
    expect(messages).toMatchObject([{
      role: 'user',
      content: { text: expect.stringMatching(/"review".*"a \\"patch\\"".*at most "20 USD"/) },
    }])
  })

  test('names of channels and deals are completed', async () => {
    await using relay = await startTestRelay()
    await using ada = await hostAt(relay, newIdentity('ada'), { era })
    await ada.call('channel', { do: 'create', channel: '#garden' })
    const complete = async (uri: string, name: string, value: string) =>
      (await ada.host.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion.values
    expect(await complete('agentchat://channel/{name}', 'name', 'g')).toEqual(expect.arrayContaining(['garden', 'general']))
    expect(await complete('agentchat://channel/{name}', 'name', 'gard')).toEqual(['garden'])
    expect(await complete('agentchat://deal/{id}', 'id', 'prop')).toEqual([])
    expect(ada.failures).toEqual([])
  })
})
