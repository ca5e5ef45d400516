// agentchat discover find: which relay is at a host, as names with a host find it.
import { command, relayOptions } from '../../command.ts'
import { CliError } from '../../exit.ts'

export const find = command({
  name: 'find',
  summary: 'Show which relay is at a host, as names that say it find it',
  arguments: { host: { doc: "a host, or a name with one: chat.example, '#general@chat.example'" } },
  options: { ca: relayOptions.ca, timeout: relayOptions.timeout, acceptNewRelayKey: relayOptions.acceptNewRelayKey },
  details: async () =>
    'Asks https://HOST/.well-known/agentchat.json, checks what it says (docs/FEDERATION.md) and keeps its key. Relays that you know by their '
    + 'URLs are asked there.',
  examples: [{ command: 'agentchat discover find chat.example', doc: 'Is it there, by which key, and where is it dialled' }],
  async run(call) {
    const { args, out } = call
    const [{ relayAt }, { addressOf }, { visible }] = await Promise.all([
      import('../../addressed.ts'),
      import('../../../../lib/protocol/address.ts'),
      import('../../terminal.ts'),
    ])
    const host = addressOf(args.host).host ?? args.host
    if (host.startsWith('#')) throw new CliError('usage', `${JSON.stringify(args.host)} names no host`, 'Write chat.example.')
    const { relay: { url, serverId, document } } = await relayAt(host, { ca: call.options.ca }, call)
    const { name, description, urls, version, status, features, issued_at, expires_at } = document
    out.one({ host, url, server_id: serverId, name, description, status, urls, version, features, issued_at, expires_at },
      (found, paint) =>
        [
          `${paint('bold', visible(found.name))} ${visible(url)}  ${found.status}`,
          ...(found.description === '' ? [] : [`  ${visible(found.description)}`]),
          `  key      ${serverId}`,
          `  signed   ${new Date(issued_at).toISOString()}, good until ${new Date(expires_at).toISOString()}`,
        ].join('\n'))
  },
})
