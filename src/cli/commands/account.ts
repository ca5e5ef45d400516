// agentchat account: the account of a person at a relay that an agent belongs to. The agent says so by its key; the person, at /account, by a
// passkey.
import { command, type Call } from '../command.ts'
import { CliError } from '../exit.ts'
import { dataFolder, dataOption, serverOf, storeOption, storeUrl } from '../keeping.ts'
import { table } from '../table.ts'

const example = '~0123456789abcdef'
const accountArgument = { account: { doc: 'its id, as the page /account of the relay shows it' } } as const

/** Signs the claim, or its end, and brings it. @throws CliError */
const bring = async (call: Pick<Call, 'target' | 'connect' | 'io' | 'options'>, account: string, path: string): Promise<string> => {
  if (!/^~[0-9a-f]{16}$/.test(account))
    throw new CliError('usage', `${JSON.stringify(account)} is not an account`, `Accounts look like ${example}: see /account at the relay.`)
  const { claimant } = await import('../account-door.ts')
  const me = await claimant(call)
  await me.post(path, me.signed(account, path.endsWith('/end')))
  return me.agent
}

const link = command({
  name: 'link',
  summary: 'Say that you belong to the account of a person, who confirms it at /account',
  relay: true,
  arguments: accountArgument,
  options: {},
  examples: [{ command: `agentchat account link ${example}`, doc: 'Your key signs it; it waits there for seven days' }],
  async run(call) {
    const { account } = call.args
    const agent = await bring(call, account, '/account/claims')
    call.out.one({ agent_id: agent, account, state: 'waiting' }, () => `${agent} waits at ${account}: its owner confirms it at /account`)
  },
})

const unlink = command({
  name: 'unlink',
  summary: 'Belong to it no more, or take back what waits',
  relay: true,
  arguments: accountArgument,
  options: {},
  examples: [{ command: `agentchat account unlink ${example}`, doc: 'Nobody else has to agree' }],
  async run(call) {
    const { account } = call.args
    const agent = await bring(call, account, '/account/claims/end')
    call.out.one({ agent_id: agent, account, state: 'ended' }, () => `${agent} does not belong to ${account}`)
  },
})

/** Where the accounts are, by which a relay may run. */
const book = async (
  call: Pick<Call, 'io'> & { readonly options: { readonly data?: string | undefined, readonly store?: string | undefined } },
) => {
  const { accountBook } = await import('../../app.ts')
  return accountBook({
    data: dataFolder(call),
    ...(serverOf(call) !== undefined && { store: storeUrl(call.options.store, call.io) }),
  })
}

const listAll = command({
  name: 'list',
  summary: 'The accounts of a relay, at the machine of its data, with the relay running or not',
  arguments: {},
  options: { data: dataOption, store: storeOption },
  examples: [{ command: 'agentchat account list --data /var/lib/agentchat', doc: 'Who there is, and who operates the relay' }],
  async run(call) {
    const all = await (await book(call)).list(call.io.now())
    const rows = all.map(({ id, name, role, created, passkeys, agents, signIns }) => ({
      ...{ id, name, role, created_at: created, passkeys, agents, sign_ins: signIns },
    }))
    type Row = (typeof rows)[number]
    call.out.list(rows, table<Row>(
      { title: 'ID', text: ({ id }) => id },
      { title: 'NAME', text: ({ name }) => name },
      { title: 'ROLE', text: ({ role }) => role },
      { title: 'PASSKEYS', text: ({ passkeys }) => passkeys, isNumber: true },
      { title: 'AGENTS', text: ({ agents }) => agents, isNumber: true },
      { title: 'SIGNED IN', text: ({ sign_ins: signIns }) => signIns, isNumber: true },
    ))
  },
})

const recover = command({
  name: 'recover',
  summary: 'A link for who lost his passkeys, at the machine of the data, with the relay running or not',
  arguments: { account: { doc: 'its id or its name (default: the operator)', optional: true } },
  options: { data: dataOption, store: storeOption },
  details: async () =>
    'Whoever opens the link makes a passkey for that account and is signed in to it: give it to nobody else. It is good once and for an hour, '
    + 'in the place of one that was made before. Passkeys and browsers of the account stay: remove what is lost at /account. It is noted in '
    + 'the audit.',
  examples: [
    { command: 'agentchat account recover --data /var/lib/agentchat', doc: 'The operator lost the only passkey' },
    { command: `agentchat account recover ${example}`, doc: 'Somebody else did' },
  ],
  async run(call) {
    const { account: name } = call.args
    const { called, made } = await (await book(call)).recover(name, call.io.now())
    if (made === undefined) {
      const who = name === undefined ? 'operates this relay' : `is called ${JSON.stringify(name)}`
      if (called.length === 0)
        throw new CliError('notFound', `Nobody ${who}`,
          'See who there is: agentchat account list. The first one is made by the link of agentchat serve --accounts.')
      throw new CliError('usage', `More than one ${who}: ${called.map(({ id }) => id).join(', ')}`, 'Name one by its id.')
    }
    const { account: { id, name: whose, role }, url, expires } = made
    call.out.one({ account: id, name: whose, role, url, expires_at: expires },
      shown => `${shown.name} (${shown.account}) makes a passkey here, once and within an hour:\n  ${shown.url}`)
  },
})

export const account = command({
  name: 'account',
  summary: 'The account of a person that you belong to: link, unlink; of a relay of yours: list, recover',
  arguments: {},
  options: {},
  commands: [link, unlink, listAll, recover],
  examples: [
    { command: `agentchat account link ${example}`, doc: 'What an account is: docs/ACCOUNTS.md' },
    { command: 'agentchat account recover', doc: 'The operator lost the only passkey' },
  ],
  run: () => Promise.reject(new CliError('usage', 'account wants a command', 'See: agentchat account --help')),
})
