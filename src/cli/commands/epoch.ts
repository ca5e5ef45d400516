// agentchat epoch new: another name for the life of a log whose database was put back to an earlier moment.
import { command } from '../command.ts'
import { dataFolder, dataOption, serverOf, storeOption, storeUrl, withKeeper } from '../keeping.ts'

const renew = command({
  name: 'new',
  summary: "Give a relay's log a new epoch, after its database was put back to an earlier moment; the relay must not run",
  arguments: {},
  options: { data: dataOption, store: storeOption },
  details: async () =>
    'A log that was put back gives numbers out again, to other messages: clients that hear of a new epoch do not take those for what they have. '
    + '`agentchat restore` does it by itself; after pg_restore, a recovery to a point in time, a snapshot of a volume, or a failover '
    + 'that lost commits it is yours to do, before the relay starts.',
  examples: [{ command: 'agentchat epoch new --store env', doc: 'For the database of AGENTCHAT_STORE' }],
  async run(call) {
    const { randomBytes } = await import('node:crypto')
    const { io, out } = call
    const store = serverOf(call) === undefined ? undefined : storeUrl(call.options.store, io)
    const renewed = await withKeeper(keeper =>
      keeper.renewEpoch({ data: dataFolder(call), newEpoch: randomBytes(8).toString('hex'), ...(store !== undefined && { store }) })
    )
    out.done({ ...renewed }, ({ was, epoch }) => `The epoch is ${epoch}; it was ${was}`)
  },
})

export const epoch = command({
  name: 'epoch',
  summary: "The life of a relay's log, after its database was put back",
  arguments: {},
  options: {},
  commands: [renew],
  examples: [{ command: 'agentchat epoch new --data /var/lib/agentchat', doc: 'After a snapshot of its volume was put back' }],
  async run() {
    const { CliError } = await import('../exit.ts')
    throw new CliError('usage', 'Say what: agentchat epoch new')
  },
})
