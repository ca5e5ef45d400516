// agentchat deploy resume, abort, close, top-up, update: the life of a deployment on Akash after its beginning.
import { command } from '../../../command.ts'
import { CliError } from '../../../exit.ts'
import { readSpec } from '../file.ts'
import { which, withDeployment, workOptions, type AkashCall, type WorkOptions } from './parts.ts'
import { amountOf } from './terms.ts'
import { showEnd } from './up.ts'

export const resume = command({
  name: 'resume',
  summary: 'Akash: go on with a deployment from wherever it stands',
  arguments: { deployment: which },
  options: workOptions,
  details: async () =>
    'After a crash, a lost connection, a wait that was too long. What was signed is looked up first: nothing is '
    + 'paid twice.',
  examples: [
    { command: 'agentchat deploy resume', doc: 'The only one that is open' },
    {
      command: 'agentchat deploy resume 1795262400000 --rpc https://rpc.example --rest https://api.example',
      doc: 'By its number, over other nodes',
    },
  ],
  run: call =>
    withDeployment(call, records => records.find(call.args.deployment), call.options, async deployment => {
      await deployment.advance()
      await showEnd(call, deployment.record)
    }),
})

const end = (
  call: AkashCall & { readonly args: { readonly deployment: string | undefined }, readonly options: WorkOptions },
): Promise<void> =>
  withDeployment(call, records => records.find(call.args.deployment), call.options, async deployment => {
    await deployment.close()
    await showEnd(call, deployment.record)
  })

export const abort = command({
  name: 'abort',
  summary: 'Akash: give a deployment up at whatever step it is, and get the money back',
  arguments: { deployment: which },
  options: workOptions,
  examples: [{ command: 'agentchat deploy abort', doc: 'No bids came: the deposit comes back' }],
  run: end,
})

export const close = command({
  name: 'close',
  summary: 'Akash: end a deployment; what is left of the deposit comes back',
  arguments: { deployment: which },
  options: workOptions,
  details: async () =>
    "The volume goes with the lease, and with it every message and the relay's own key. What is to be kept is "
    + 'read out before: agentchat history "#channel" --all.',
  examples: [{ command: 'agentchat deploy close agentchat', doc: 'By its name' }],
  run: end,
})

export const topUp = command({
  name: 'top-up',
  summary: "Akash: put more ACT into a deployment's escrow",
  arguments: { amount: { doc: 'ACT, like 2.5' }, deployment: which },
  options: workOptions,
  details: async () =>
    'ACT that the wallet lacks is minted from AKT first. An escrow that runs out closes the deployment for good: '
    + 'agentchat deploy status tells how many days are left.',
  examples: [{ command: 'agentchat deploy top-up 2.5', doc: 'Two and a half ACT, about as many dollars' }],
  async run(call) {
    const uact = await amountOf('amount', call.args.amount, 6)
    if (uact === 0n) throw new CliError('usage', 'Nothing is no top-up')
    await withDeployment(call, records => records.find(call.args.deployment), call.options, async deployment => {
      await deployment.topUp(uact)
      const { depositedText, recordView } = await import('./texts.ts')
      call.out.done(recordView(deployment.record), depositedText)
    })
  },
})

export const update = command({
  name: 'update',
  summary: 'Akash: give a running deployment the image and environment that deploy.yaml says now',
  arguments: { deployment: which },
  options: { file: { short: 'f', value: 'FILE', doc: 'The description of the deployment (default: deploy.yaml)' }, ...workOptions },
  details: async () => 'Size, volume, ports and placement stay as they were leased: another one needs another deployment.',
  examples: [{ command: 'agentchat deploy update', doc: "After the image's version was changed in deploy.yaml" }],
  async run(call) {
    const spec = await readSpec(call.options)
    await withDeployment(call, records => records.find(call.args.deployment ?? spec.name), call.options, async deployment => {
      const [{ manifestOf }, { ceilingOf }] = await Promise.all([
        import('../../../../deploy/akash/sdl.ts'),
        import('../../../../deploy/akash/limits.ts'),
      ])
      await deployment.update(await manifestOf(spec, ceilingOf(deployment.record.limits)))
      await showEnd(call, deployment.record)
    })
  },
})
