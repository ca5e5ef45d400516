// Whom an agent does not want to hear from. What is kept from it, the engine keeps: see `muted` of an Append.
import { addBlock, blocksAfter, isBlocked, removeBlock } from '../../../store/blocks.ts'
import { releaseShare } from '../../../store/shares.ts'
import { Fail, reply, type Agent, type Feature, type Shares } from '../../../relay/feature.ts'

export interface BlockOptions {
  readonly maxAgentsPage: number
  readonly shares: Shares
}

const keyed = ({ pubkey }: Agent): void => {
  if (pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key block others: who blocks has to be known again')
}

export const blocks = ({ maxAgentsPage, shares }: BlockOptions): Feature<'BLOCK' | 'UNBLOCK' | 'BLOCKS'> => ({
  handlers: {
    BLOCK: {
      async write({ me, tx, now, asker }, { agent }) {
        keyed(me)
        if (agent === me.id) throw new Fail('INVALID_MSG', 'agent: nobody blocks itself')
        // Whether there is such an agent is not told.
        if (!await isBlocked(tx, agent, me.id)) {
          await shares.take(tx, 'blocks', `${me.id} ${agent}`, { agent: me.id, address: asker.address })
          await addBlock(tx, me.id, agent, now)
        }
        return { reply: reply('OK', {}) }
      },
    },
    UNBLOCK: {
      async write({ me, tx }, { agent }) {
        keyed(me)
        for (const blocked of await removeBlock(tx, me.id, agent)) await releaseShare(tx, 'blocks', `${me.id} ${blocked}`)
        return { reply: reply('OK', {}) }
      },
    },
    BLOCKS: {
      async read({ me, db }, { after = '', limit = maxAgentsPage }) {
        keyed(me)
        const rows = await blocksAfter(db, me.id, after, limit + 1)
        return reply('BLOCKS', { list: rows.slice(0, limit).map(({ blocked: agent, at }) => ({ agent, at })), more: rows.length > limit })
      },
    },
  },
})
