// What an agent here has of a direct message that another relay took.
import { addressOf, type RequestBody } from '../../../../lib/protocol/index.ts'
import type { Append } from '../../../relay/feature.ts'
import { pairStream } from '../../../store/log.ts'
import type { HandedRow } from './handed-store.ts'

/** A direct message that another relay took, as its author has it here: between the two, with its signature for that relay. */
export const ownCopy = ({ agent, to, body }: Pick<HandedRow, 'agent' | 'to' | 'body'>, relay: string | undefined): Append<'MSG'> => {
  const { name: from_name, message } = JSON.parse(body) as Pick<RequestBody<'RELAYED'>, 'name' | 'message'>
  const { to: _, id, ts, ...said } = message
  const { name } = addressOf(to)
  return {
    type: 'MSG',
    stream: pairStream(agent, name),
    agents: [agent],
    body: {
      ...{ from: agent as `@${string}`, from_name, to: name as `@${string}`, ...said, sig_v: 2, sig_ts: ts, pub_id: id },
      ...(relay !== undefined && { relay }),
    },
  }
}
