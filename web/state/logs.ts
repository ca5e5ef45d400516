// The logs of all places that were looked at or heard of.
import { agentId, type AgentChatClient, type Frame, type Target } from '../../lib/index.ts'
import { PlaceLog, type LogEvent } from './log.ts'
import { hear } from './people.ts'
import { client, here, myId, onClient, onOpened } from './session.ts'

/** Of places that were looked at or heard of. */
export const logs = new Map<Target, PlaceLog>()

/** Places whose messages are kept here. */
const maxLogs = 30

/** The log of a place; made when it is asked for first. */
export const logOf = (place: Target): PlaceLog => {
  let log = logs.get(place)
  if (log === undefined) {
    log = new PlaceLog(here(), place)
    if (logs.size >= maxLogs) logs.delete(logs.keys().next().value!)
  }
  // The one that was asked for last goes last.
  logs.delete(place)
  logs.set(place, log)
  return log
}

/** Where a message belongs: its channel, or the agent at the other end. */
export const placeOf = ({ from, to }: Pick<Frame<'MSG'>, 'from' | 'to'>): Target =>
  to.startsWith('#') ? to as Target : agentId(from === myId.peek() ? to : from)

/** Told of each message that came while the console was open. */
const listeners: ((place: Target, frame: Frame<'MSG'>, isMine: boolean) => void)[] = []
export const onMessage = (listen: typeof listeners[number]): void => void listeners.push(listen)

onClient((each: AgentChatClient) => {
  logs.clear()
  each.on('message', ({ frame, mine }) => {
    const place = placeOf(frame)
    hear(frame.from, frame.from_name)
    // What has no number was said to who is here, and stands nowhere.
    // A place that nobody has looked at is read when somebody does.
    if (frame.seq !== undefined) logs.get(place)?.add(frame as unknown as LogEvent)
    for (const listen of listeners) listen(place, frame, mine)
  })
})

// What was missed is read again where somebody looks at it.
onOpened(() => {
  for (const log of logs.values()) {
    if (!log.isKnown) continue
    log.forget()
    void log.refresh()
  }
})

/** Whether there is anybody to ask. */
export const isThere = (): boolean => client.value !== undefined
