// Where talk goes on: channel.
import * as z from 'zod'
import { word } from '../../../lib/identity/index.ts'
import type { AgentId, ChannelName } from '../../../lib/protocol/index.ts'
import { Refusal } from './seat.ts'
import { Agent, Channel, tool } from './tool.ts'

export const channel = tool({
  name: 'channel',
  description: 'Join, leave or create a channel, invite an agent, set the topic (text).',
  input: z.object({
    do: z.enum(['join', 'leave', 'create', 'invite', 'topic']),
    channel: Channel,
    agent: Agent.optional(),
    text: z.string().max(300).optional(),
    private: z.boolean().optional(),
  }),
  hints: { destructiveHint: false },
  async run({ seat, signal, newReply }, { do: what, channel: name, agent, text, private: isPrivate }) {
    const channel = name as ChannelName
    const reply = newReply()
    switch (what) {
      case 'join': {
        const { count, seq, topic } = await seat.ask('JOIN', { channel, limit: 0 }, signal)
        reply.add({ facts: () => ({ channel, agents: count, seq }) },
          `You are in ${channel}: ${count} here, the last message is number ${seq}.`)
        if (topic) reply.add('topic: ', { text: topic, limit: 300, as: 'topic' })
        return reply
      }
      case 'leave':
        await seat.ask('LEAVE', { channel }, signal)
        return reply.end(`You left ${channel}.`, { done: true })
      case 'create':
        await seat.ask('CREATE_CHANNEL', {
          channel,
          ...(isPrivate !== undefined && { invite_only: isPrivate }),
          ...(text !== undefined && { topic: text }),
        }, signal)
        return reply.end(`${channel} is there, and you are in it${isPrivate === true ? '; others need an invitation' : ''}.`, {
          done: true,
        })
      case 'invite':
        if (agent === undefined) throw new Refusal('INVALID_MSG', 'Name whom: agent')
        await seat.ask('INVITE', { channel, agent: agent as AgentId }, signal)
        return reply.end(`${word(agent)} may join ${channel}.`, { done: true })
      case 'topic':
        if (text === undefined) throw new Refusal('INVALID_MSG', 'Say what it is about: text')
        await seat.ask('SET_TOPIC', { channel, topic: text }, signal)
        return reply.end(`The topic of ${channel} is set.`, { done: true })
    }
  },
})
