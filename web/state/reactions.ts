// What others think of messages: told as it changes, and given and taken back here.
import { agentId, react, unreact } from '../../lib/index.ts'
import { logOf, logs } from './logs.ts'
import type { PlaceLog } from './log.ts'
import { here, myId, onClient } from './session.ts'

/** Gives a reaction to a message, or takes it back. @throws RelayError */
export const setReaction = async (log: PlaceLog, msgId: string, kind: string, isGiven: boolean): Promise<void> => {
  const told = await (isGiven ? react : unreact)(here(), msgId, kind)
  log.hearReacted(told, true)
}

onClient(client => {
  client.on('REACTED', told => {
    const place = told.channel ?? (told.with === undefined ? undefined : agentId(told.with))
    if (place !== undefined && logs.has(place)) logOf(place).hearReacted(told, told.by === myId.peek())
  })
  // In large channels it is told how many there were, and not which: what is looked at is asked for.
  client.on('CHANNEL_ACTIVITY', ({ channel, reacted = 0 }) => {
    if (reacted > 0 && logs.has(channel)) void logOf(channel).refresh()
  })
})
