// Who may see a proposal, and what they read of it.
import { Fail, pageOf, pageReply, reply, type Feature } from '../../../relay/feature.ts'
import { predecessors } from '../../../store/agents.ts'
import type { Db } from '../../../store/store.ts'
import type { ProposalOptions } from './ports.ts'
import { findProposal, listProposals, recordOf, streamOf, type Proposal } from './store.ts'

/** The party that an agent is of a proposal, by its present key or a former one. */
export const partyOf = async (db: Db, agent: string, { deal: { proposer, recipient } }: Proposal): Promise<string | undefined> => {
  if (agent === proposer || agent === recipient) return agent
  return (await predecessors(db, agent)).find(former => former === proposer || former === recipient)
}

const notFound = (): Fail => new Fail('PROPOSAL_NOT_FOUND', 'There is no such proposal, or it is not yours to see')

export const found = async (db: Db, id: string): Promise<Proposal> => {
  const proposal = await findProposal(db, id)
  if (proposal === undefined) throw notFound()
  return proposal
}

export const own = async (db: Db, agent: string, id: string): Promise<{ readonly proposal: Proposal, readonly party: string }> => {
  const proposal = await found(db, id)
  const party = await partyOf(db, agent, proposal)
  if (party === undefined) throw notFound()
  return { proposal, party }
}

export const proposalReads = (
  options: Pick<ProposalOptions, 'maxPage' | 'maxPageBytes'>,
): Feature<'PROPOSALS' | 'PROPOSAL_EVENTS'>['handlers'] => ({
  PROPOSALS: {
    async read({ me, aside }, { state, with: other, role, before, limit = options.maxPage }) {
      if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have proposals')
      const [, updatedAt, id] = /^(\d{1,16}) (\S{1,64})$/.exec(before ?? '') ?? []
      if (before !== undefined && id === undefined) throw new Fail('INVALID_MSG', 'before: not what `next` said')
      const page = await listProposals(aside, {
        agent: me.id,
        state,
        with: other,
        role,
        limit: limit + 1,
        ...(id !== undefined && { before: { updatedAt: Number(updatedAt), id } }),
      })
      const { list: records, more } = pageOf(page, limit, recordOf)
      const last = records.at(-1)
      return reply('PROPOSALS', {
        proposals: records,
        ...(more && last !== undefined && { next: `${last.updated_at} ${last.proposal_id}` }),
      })
    },
  },
  PROPOSAL_EVENTS: {
    async read({ me, isAdmin, passkeyAsked, db }, { proposal_id, after = 0, limit = options.maxPage }) {
      const proposal = await found(db, proposal_id)
      const isParty = await partyOf(db, me.id, proposal) !== undefined
      if (!isParty && !isAdmin) throw passkeyAsked ?? notFound()
      const stream = streamOf(proposal_id)
      const rows = await db.log.page(stream, { after, limit, maxBytes: options.maxPageBytes })
      const more = (rows.at(-1)?.seq ?? Infinity) < (await db.log.head(stream)).seq
      const page = pageReply('PROPOSAL_EVENTS', { proposal: recordOf(proposal), more }, 'events', rows.map(row => row.text))
      return isParty ? page : { ...page, byRight: true }
    },
  },
})
