// agentchat signin, signout: this machine's key belongs to a person, who says so in a browser. Programs go on acting by the key.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

const maxWaitMs = 60_000

/** What a relay says it is: nothing of it drives a terminal. */
const plain = (value: unknown, form: RegExp): string => {
  if (typeof value !== 'string' || value.length > 500 || !form.test(value))
    throw new CliError('refused', 'The relay answered something else than a code')
  return value
}

export const signin = command({
  name: 'signin',
  summary: 'Have this key belong to your account: a browser that is signed in confirms it',
  relay: true,
  arguments: {},
  options: {},
  details: async () =>
    'Prints a code and an address, and waits until somebody who is signed in there says that it is his, with a passkey: ten minutes at most. '
    + 'Then the key signs that it belongs to that account. What an account is: docs/ACCOUNTS.md.',
  examples: [
    { command: 'agentchat signin', doc: 'Open the address, and see that it shows the same code' },
    { command: 'agentchat signin wss://chat.example.org -i work.json', doc: 'Another relay, and another key' },
  ],
  async run(call) {
    const { io, out } = call
    const [{ claimant }, { noteSignIn }] = await Promise.all([import('../account-door.ts'), import('../signed-in.ts')])
    const me = await claimant(call)
    const begun = await me.post('/signin/device', { agent: me.agent })
    const device = plain(begun.body['device'], /^[\w-]{43}$/)
    const code = plain(begun.body['code'], /^[A-Z]{4}-[A-Z]{4}$/)
    const url = plain(begun.body['url'], /^https?:\/\/[!-~]+$/)
    if (out.isJson) out.one({ agent_id: me.agent, code, url, expires_at: begun.body['expires_at'], state: 'waiting' }, () => '')
    else out.say(`Open this, signed in, and see that it shows ${code}:\n  ${url}`)
    let waitMs = waitOf(begun.body)
    for (;;) {
      await sleep(timerMs(waitMs), undefined, { signal: io.interrupted })
      const { status, body } = await me.post('/signin/device/poll', { device }, true)
      waitMs = waitOf(body)
      if (status !== 200) continue
      const account = plain(body['account'], /^~[0-9a-f]{16}$/)
      await me.post('/signin/device/claim', { device, ...me.signed(account, false) })
      noteSignIn(io.env, me, account)
      return out.one({ agent_id: me.agent, account, state: 'yours' }, () => `${me.agent} belongs to ${account}`)
    }
  },
})

const waitOf = ({ retry_after_ms: ms }: Readonly<Record<string, unknown>>): number =>
  typeof ms === 'number' && ms > 0 ? Math.min(ms, maxWaitMs) : 5_000

export const signout = command({
  name: 'signout',
  summary: 'Have this key belong to no account any more',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat signout', doc: 'Nobody else has to agree; browsers stay signed in' }],
  async run(call) {
    const { io, out } = call
    const [{ claimant }, { noteSignIn, signedInTo }] = await Promise.all([import('../account-door.ts'), import('../signed-in.ts')])
    const me = await claimant(call)
    const account = signedInTo(io.env, me)
    if (account === undefined)
      throw new CliError('notFound', `${me.agent} was not signed in here`,
        'If it belongs to an account all the same: agentchat account unlink ~ID')
    await me.post('/account/claims/end', me.signed(account, true))
    noteSignIn(io.env, me, undefined)
    out.one({ agent_id: me.agent, account, state: 'ended' }, () => `${me.agent} does not belong to ${account}`)
  },
})
