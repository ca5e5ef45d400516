// What is set of a channel, as the wire says it.
import type { ChannelInfo, ChannelSettings } from '../../../relay/feature.ts'
import type { RequestBody } from '../../../../lib/protocol/index.ts'

/** What differs from what every channel has at first. */
export const settingsOf = ({ settings }: ChannelInfo) => {
  if (settings === null) return {}
  const { slowModeMs, postBy, inviteBy, pinBy, groupBy, archived, category, welcome } = settings
  return {
    ...(slowModeMs > 0 && { slow_mode_ms: slowModeMs }),
    ...(postBy === 'owner' && { post_by: postBy }),
    ...(inviteBy === 'owner' && { invite_by: inviteBy }),
    ...(pinBy === 'owner' && { pin_by: pinBy }),
    ...(groupBy === 'members' && { group_by: groupBy }),
    ...(archived && { archived }),
    ...(category !== '' && { category }),
    ...(welcome !== '' && { welcome }),
  }
}

/** What is asked for of them. */
export const settingsGiven = (given: Partial<RequestBody<'SET_CHANNEL'>>): Partial<ChannelSettings> => ({
  ...(given.slow_mode_ms !== undefined && { slowModeMs: given.slow_mode_ms }),
  ...(given.post_by !== undefined && { postBy: given.post_by }),
  ...(given.invite_by !== undefined && { inviteBy: given.invite_by }),
  ...(given.pin_by !== undefined && { pinBy: given.pin_by }),
  ...(given.group_by !== undefined && { groupBy: given.group_by }),
  ...(given.archived !== undefined && { archived: given.archived }),
  ...(given.category !== undefined && { category: given.category }),
  ...(given.welcome !== undefined && { welcome: given.welcome }),
})
