// How many deals there are, as /health tells it: counted where they change, looked at once a second.
import type { Feature, Health } from '../../../relay/feature.ts'
import { proposalCounts } from './store.ts'

export interface Census {
  readonly tick: NonNullable<Feature['tick']>
  facts(): Pick<Health, 'proposals'>
}

export const census = (): Census => {
  let proposals: Health['proposals'] = { total: 0, byStatus: {}, agents: 0 }
  return {
    async tick({ tx }) {
      const { byStatus, agents } = await proposalCounts(tx)
      proposals = { total: Object.values(byStatus).reduce((sum, count) => sum + count, 0), byStatus, agents }
      return undefined
    },
    facts: () => ({ proposals }),
  }
}
