// Channels and agents out of mere texts.
import { expect, test } from 'vitest'
import { ContentError } from './errors.ts'
import { agentId, channelName, isAgent, isChannel, isTarget } from './targets.ts'

test('channels and agents are told from one another, and from a text', () => {
  for (const channel of ['#general', '#a', '#general@chat.example:7000'])
    expect([isChannel(channel), isAgent(channel), isTarget(channel)]).toEqual([true, false, true])
  for (const agent of ['@8addfe276526c9f6', '@server', '@bob@chat.example'])
    expect([isChannel(agent), isAgent(agent), isTarget(agent)]).toEqual([false, true, true])
  for (const text of ['', '#', '@', 'general', '#gen eral', '#general\n', `#${'x'.repeat(32)}`, '@@bob', '##a', '#a@', '#a@-'])
    expect(isTarget(text), text).toBe(false)
})

test('the sign may be left out, and what names nothing is a typed error', () => {
  expect([channelName('general'), channelName('#general')]).toEqual(['#general', '#general'])
  expect([agentId('8addfe276526c9f6'), agentId('@8addfe276526c9f6')]).toEqual(['@8addfe276526c9f6', '@8addfe276526c9f6'])
  for (const make of [() => channelName('@bob'), () => channelName(''), () => agentId('#general'), () => agentId('bo b')]) {
    expect(make).toThrow(ContentError)
    expect(make).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
  }
})
