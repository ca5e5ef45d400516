// agentchat who: what the relay knows of an agent.
import { command } from '../command.ts'

export const who = command({
  name: 'who',
  summary: 'Show what the relay knows of an agent: name, key, presence',
  relay: true,
  arguments: { agent: { doc: 'an @agent id', is: 'agent' } },
  options: {},
  examples: [{ command: 'agentchat who ws://localhost:6667 @8addfe276526c9f6', doc: 'Its name and key; the id is the hash of the key' }],
  async run({ args: { agent }, out, connect }) {
    const [client, { visible }] = await Promise.all([connect(), import('../terminal.ts')])
    const { frame: { type: _, ts: __, re: ___, ...found } } = await client.whois(agent)
    out.one(found, (found, paint) =>
      [
        `${paint('bold', visible(found.name))} ${visible(found.agent_id)}  ${found.presence}${found.verified ? '  verified' : ''}${
          found.status_text ? `  ${visible(found.status_text)}` : ''
        }`,
        ...(found.last_seen === null ? [] : [`  last seen  ${new Date(found.last_seen).toISOString()}`]),
        ...(found.rotated_to === undefined ? [] : [`  rotated to ${visible(found.rotated_to)}`]),
        ...(found.revoked_at === undefined ? [] : [`  ${paint('red', `revoked    ${new Date(found.revoked_at).toISOString()}`)}`]),
        ...(found.key === undefined ? [] : [`  key        ${visible(found.key)}`]),
        ...(found.pubkey === null
          ? ['  no key: an id for one connection']
          : found.pubkey.trimEnd().split('\n').map(line => `  ${visible(line)}`)),
      ].join('\n'))
  },
})
