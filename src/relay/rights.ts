// What members may do in a channel, by what its owner set of it. A channel of which nothing is set costs one look.
import { plainSettings } from '../store/channels.ts'
import { Fail } from './fail.ts'
import type { Agent, Channel, ChannelInfo } from './view.ts'

/** Whether an agent rules a channel. */
export const rules = (me: Agent | undefined, { owner }: ChannelInfo, isAdmin: boolean): boolean =>
  isAdmin || (me !== undefined && (me.admin || owner === me.id))

/** @throws Fail where nothing is added any more */
export const checkOpen = ({ info: { name, settings } }: Channel): void => {
  if (settings?.archived === true)
    throw new Fail('AUTH_REQUIRED', `${name} is archived: it is there to be read; its owner can open it again`)
}

/** What whoever is refused by a policy of the operator is told; admins are not asked. */
export const againstPolicy = (setting: string): Fail =>
  new Fail('NOT_ALLOWED', `This relay does not take this: a policy of its operator (${setting}) is against it`)

const acts = { postBy: 'Messages in', inviteBy: 'Invitations to', pinBy: 'Pins in', groupBy: 'Groups of' } as const

/** @throws Fail where its owner keeps it to himself and to admins */
export const checkRight = (right: keyof typeof acts, me: Agent, channel: Channel, isAdmin: boolean): void => {
  const { info } = channel
  checkOpen(channel)
  if ((info.settings ?? plainSettings)[right] === 'owner' && !rules(me, info, isAdmin))
    throw new Fail('AUTH_REQUIRED', `${acts[right]} ${info.name} are its owner's and the admins'`)
}

/** Who waits for whom in slow mode: an agent with a key for itself, the others of an address for each other. */
const slowOf = ({ id, pubkey }: Agent, address: string): string => pubkey === null ? address : id

/** @throws Fail RATE_LIMITED as long as whoever spoke has to wait */
const checkSlow = ({ info, slow }: Channel, who: string, now: number): void => {
  const waitMs = (slow?.get(who) ?? 0) - now
  if (waitMs > 0)
    throw new Fail('RATE_LIMITED',
      `${info.name} is in slow mode (${info.settings!.slowModeMs / 1_000} s): wait ${Math.ceil(waitMs / 1_000)} s`, waitMs)
}

/** Who asks to say something in a channel. */
interface Speaker {
  readonly me: Agent
  readonly isAdmin: boolean
  readonly asker: { readonly address: string }
  readonly now: number
}

/** Whether its owner lets somebody speak there now; gives whom slow mode makes wait behind it, if anybody. @throws Fail */
export const checkPost = ({ me, isAdmin, asker, now }: Speaker, channel: Channel): string | undefined => {
  const { info } = channel
  checkRight('postBy', me, channel, isAdmin)
  if (info.settings === null || info.settings.slowModeMs === 0 || rules(me, info, isAdmin)) return undefined
  const who = slowOf(me, asker.address)
  checkSlow(channel, who, now)
  return who
}
