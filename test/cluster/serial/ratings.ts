// What is asked of deals by which agents are rated: the same two agents have two of them, and what each ends with counts for both.
import { receiptText } from '../../../lib/identity/index.ts'
import { signWith } from '../../kit/wire.ts'
import { both, codeOf, other, rows, type Family } from './family.ts'
import type { Party, Scene } from './scene.ts'

interface Signed {
  readonly client_sig: string | null
  readonly provider_sig: string | null
}

type Deal = 'one' | 'second'
/** More than half of what a new agent may have at stake. */
const stake = 700

const offered = async (scene: Scene, deal: Deal): Promise<void> => {
  const asked = scene.sign('ann', 'PROPOSAL', { to: scene.id('bob'), task: deal, elo_stake: stake / 10 })
  scene.kept[deal] = (await scene.ask('ann', asked, 'PROPOSAL_STATE')).proposal.proposal_id
}
const accepted = async (scene: Scene, deal: Deal): Promise<void> => {
  await offered(scene, deal)
  await scene.ask('bob', scene.sign('bob', 'ACCEPT', { proposal_id: scene.kept[deal], elo_stake: stake / 10 }), 'PROPOSAL_STATE')
}
const completed = async (scene: Scene, deal: Deal): Promise<void> => {
  await accepted(scene, deal)
  await scene.ask('ann', scene.sign('ann', 'COMPLETE', { proposal_id: scene.kept[deal], proof: 'done' }), 'PROPOSAL_STATE')
  const { receipts: [receipt] } = await scene.ask('ann', { type: 'RECEIPTS', proposal_id: scene.kept[deal]! }, 'RECEIPTS')
  scene.kept['receipt'] = receipt!.receipt_id
  scene.kept['text'] = receiptText(receipt!.receipt)
}

const takes = (action: Parameters<Scene['sign']>[1], deal: Deal, fields: object = {}) => (who: Party, scene: Scene) =>
  scene.sign(who, action, { proposal_id: scene.kept[deal], ...fields })

export const ratings: Family = {
  name: 'ratings',
  isOfNewcomers: true,
  before: {
    'two offers': async scene => {
      await offered(scene, 'one')
      await offered(scene, 'second')
    },
    'two deals': async scene => {
      await accepted(scene, 'one')
      await accepted(scene, 'second')
    },
    'a deal that is done, and another': async scene => {
      await completed(scene, 'one')
      await accepted(scene, 'second')
    },
  },
  deeds: both({
    'stakes much on the one': takes('ACCEPT', 'one', { elo_stake: stake }),
    'stakes much on the second': takes('ACCEPT', 'second', { elo_stake: stake }),
    'offers another, with much at stake': (who, scene) =>
      scene.sign(who, 'PROPOSAL', { to: scene.id(other(who)), task: 'a third', elo_stake: stake }),
    'completes the one': takes('COMPLETE', 'one', { proof: 'done' }),
    'completes the second': takes('COMPLETE', 'second', { proof: 'done' }),
    'disputes the one': takes('DISPUTE', 'one', { reason: 'why' }),
    'disputes the second': takes('DISPUTE', 'second', { reason: 'why' }),
    'cancels the second': takes('CANCEL', 'second'),
    'signs the receipt': (who, scene) => ({
      type: 'RECEIPT_SIGN',
      receipt_id: scene.kept['receipt'] ?? '0'.repeat(64),
      sig: signWith(scene.key(who), scene.kept['text'] ?? ''),
    }),
  }),
  answered: answer => ({
    ...codeOf(answer),
    ...(answer.type === 'PROPOSAL_STATE' && { status: answer.proposal.status }),
  }),
  async stored(scene) {
    const [ann, bob] = [scene.id('ann'), scene.id('bob')]
    const pair = `IN ('${ann}', '${bob}')`
    return {
      ratings: await rows(scene, 'ratings', 'agent, rating, transactions', `agent ${pair}`),
      pairs: await rows(scene, 'rated_pairs', 'times', `a ${pair} AND b ${pair}`),
      proposals: await rows(scene, 'proposals', 'state', `proposer ${pair}`),
      receipts: (await rows(scene, 'receipts', 'client_sig, provider_sig', `client ${pair}`) as readonly Signed[])
        .map(({ client_sig, provider_sig }) => ({ client: client_sig !== null, provider: provider_sig !== null })),
    }
  },
}
