// Which account each key of this machine was signed in to, by relay: ~/.agentchat/accounts.json. It is no secret, and proves nothing.
import { join } from 'node:path'
import type { Claimant } from './account-door.ts'
import { agentchatHome, readJson, writeJson } from './home.ts'
import type { Io } from './io.ts'

type Key = Pick<Claimant, 'agent' | 'relayId'>

const fileOf = (env: Io['env']): string => join(agentchatHome(env), 'accounts.json')
const nameOf = ({ agent, relayId }: Key): string => `${relayId} ${agent}`

/** undefined: to none. */
export const signedInTo = (env: Io['env'], key: Key): string | undefined => {
  const account = readJson(fileOf(env))?.[nameOf(key)]
  return typeof account === 'string' && /^~[0-9a-f]{16}$/.test(account) ? account : undefined
}

/** @param account undefined: to none any more */
export const noteSignIn = (env: Io['env'], key: Key, account: string | undefined): void => {
  const { [nameOf(key)]: _, ...others } = readJson(fileOf(env)) ?? {}
  writeJson(fileOf(env), account === undefined ? others : { ...others, [nameOf(key)]: account })
}
