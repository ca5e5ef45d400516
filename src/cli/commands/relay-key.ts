// agentchat relay-key rotate: a relay that goes on under another key, which the one that it had signs over to.
import { command } from '../command.ts'
import { dataFolder, dataOption, serverOf, storeOption, storeUrl, withKeeper } from '../keeping.ts'

const rotate = command({
  name: 'rotate',
  summary: 'Give a relay another key, signed over by the one that it has; the relay must not run',
  arguments: {},
  options: { data: dataOption, store: storeOption },
  details: async () =>
    "The relay's server_id is another one then. Its document (/.well-known/agentchat.json) says how that came, key by key: relays that mirror it, and who "
    + 'resolves its host, go on with the new one by that. Who logs in by its url alone is asked to confirm it (--accept-new-relay-key), and what was '
    + 'signed for the former key is good no more. Copies of the database that were made before hold the former key.',
  examples: [{ command: 'agentchat relay-key rotate --data /var/lib/agentchat', doc: 'After a copy of its data was lost' }],
  async run(call) {
    const { randomBytes } = await import('node:crypto')
    const { io, out } = call
    const store = serverOf(call) === undefined ? undefined : storeUrl(call.options.store, io)
    const rotated = await withKeeper(keeper =>
      keeper.rotateKey({
        ...{ data: dataFolder(call), now: io.now(), newEpoch: randomBytes(8).toString('hex') },
        ...(store !== undefined && { store }),
      })
    )
    out.done({ was: rotated.was, server_id: rotated.serverId }, ({ was, server_id }) => `The relay is ${server_id}; it was ${was}`)
  },
})

export const relayKey = command({
  name: 'relay-key',
  summary: "A relay's own key",
  arguments: {},
  options: {},
  commands: [rotate],
  examples: [{ command: 'agentchat relay-key rotate --data /var/lib/agentchat', doc: 'Another key, signed over by the former one' }],
  async run() {
    const { CliError } = await import('../exit.ts')
    throw new CliError('usage', 'Say what: agentchat relay-key rotate')
  },
})
