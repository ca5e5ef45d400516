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

/** Settings with what is asked for. */
export const changedBy = (settings: ChannelSettings, given: Partial<RequestBody<'SET_CHANNEL'>>): ChannelSettings => ({
  slowModeMs: given.slow_mode_ms ?? settings.slowModeMs,
  postBy: given.post_by ?? settings.postBy,
  inviteBy: given.invite_by ?? settings.inviteBy,
  pinBy: given.pin_by ?? settings.pinBy,
  groupBy: given.group_by ?? settings.groupBy,
  archived: given.archived ?? settings.archived,
  category: given.category ?? settings.category,
  welcome: given.welcome ?? settings.welcome,
})
