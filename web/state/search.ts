// What was said somewhere, found by its words.
import { told, type AgentId, type ChannelName, type Target, type Told } from '../../lib/protocol/index.ts'
import { here } from './session.ts'

export type Found = Told<'FOUND'>

/** A page of what was found in a place, the best first; `cursor` of the last page goes on. @throws RelayError */
export const search = async (place: Target, text: string, cursor?: string): Promise<Found> =>
  told(
    await here().request('SEARCH', {
      text,
      ...(place.startsWith('#') ? { channel: place as ChannelName } : { with: place as AgentId }),
      limit: 20,
      ...(cursor !== undefined && { cursor }),
    }),
  )
