// What is asked of a case: its panel accepts, hears and votes, and the last vote is the verdict.
import { commitmentOf } from '../../../lib/identity/index.ts'
import { both, codeOf, deeds, rows, type Family } from './family.ts'
import { seats, type Name, type Scene } from './scene.ts'

const amount = 10
const nonce = 'the secret of ann'

const step = (who: Name, type: 'ARBITER_ACCEPT' | 'ARBITER_DECLINE' | 'EVIDENCE' | 'VOTE', fields: object = {}) => (scene: Scene) =>
  scene.sign(who, type, { dispute_id: scene.kept['dispute'], ...fields })
const evidence = (statement: string) => ({ items: [{ kind: 'log', label: 'what happened', value: 'nothing' }], statement })
const vote = (verdict: string) => ({ verdict, reasoning: 'I looked at it' })

/** A deal that is paid for, a case about it, and three who are asked to judge. */
const drawn = async (scene: Scene): Promise<void> => {
  await scene.credit('ann', 100 * amount)
  const offer = { to: scene.id('bob'), task: 'x', amount, currency: scene.currency }
  const { proposal: { proposal_id } } = await scene.ask('ann', scene.sign('ann', 'PROPOSAL', offer), 'PROPOSAL_STATE')
  scene.kept['deal'] = proposal_id
  await scene.ask('bob', scene.sign('bob', 'ACCEPT', { proposal_id }), 'PROPOSAL_STATE')
  await scene.ask('ann', scene.sign('ann', 'FUND', { proposal_id }), 'PROPOSAL_STATE')
  const intent = scene.sign('ann', 'DISPUTE_INTENT', { proposal_id, reason: 'why', commitment: commitmentOf(nonce) })
  scene.kept['dispute'] = (await scene.ask('ann', intent, 'DISPUTE_INTENT_ACK')).dispute_id
  await scene.ask('ann', scene.sign('ann', 'DISPUTE_REVEAL', { proposal_id, nonce }), 'DISPUTE_REVEALED')
  const { arbiters } = await scene.wire('ann', 0).next('PANEL_FORMED')
  for (const [i, arbiter] of arbiters.entries()) scene.kept[seats[i]!] = arbiter
}
const accepted = async (scene: Scene, count: number = seats.length): Promise<void> => {
  await drawn(scene)
  for (const seat of seats.slice(0, count)) await scene.ask(seat, step(seat, 'ARBITER_ACCEPT')(scene), 'DISPUTE_STATE')
}
const heard = async (scene: Scene): Promise<void> => {
  await accepted(scene)
  for (const who of ['ann', 'bob'] as const) await scene.ask(who, step(who, 'EVIDENCE', evidence('it is so'))(scene), 'DISPUTE_STATE')
}

interface Facts {
  readonly case: { readonly seats: readonly { readonly arbiter: string, readonly state: string }[] }
  readonly votes: readonly { readonly arbiter: string, readonly verdict: string }[]
  readonly statements: object
  readonly verdict: string | null
  readonly captureMinor: number | null
}

export const court: Family = {
  name: 'court',
  isOfNewcomers: true,
  before: {
    'three are asked': drawn,
    'two have taken their seats': scene => accepted(scene, 2),
    'a panel sits': accepted,
    'all is heard': heard,
    'all is heard, and one has voted': async scene => {
      await heard(scene)
      await scene.ask('seat 1', step('seat 1', 'VOTE', vote('disputant'))(scene), 'DISPUTE_STATE')
    },
  },
  deeds: [
    ...both({
      'brings evidence': (who, scene) => step(who, 'EVIDENCE', evidence(`says ${who}`))(scene),
    }),
    ...seats.flatMap(seat =>
      deeds(seat, {
        'takes the seat': step(seat, 'ARBITER_ACCEPT'),
        'declines': step(seat, 'ARBITER_DECLINE'),
        'votes for ann': step(seat, 'VOTE', vote('disputant')),
        'votes for bob': step(seat, 'VOTE', vote('respondent')),
      })
    ),
  ],
  answered: answer => ({ ...codeOf(answer), ...(answer.type === 'DISPUTE_STATE' && { phase: answer.dispute.phase }) }),
  async stored(scene) {
    const [row] = await rows(scene, 'disputes', 'phase, facts', `id = '${scene.kept['dispute']}'`) as readonly {
      phase: string
      facts: string
    }[]
    const facts = JSON.parse(row!.facts) as Facts
    const placeOf = (arbiter: string): string => seats.find(seat => scene.kept[seat] === arbiter) ?? 'somebody else'
    const ours = `currency = '${scene.currency}'`
    return {
      phase: row!.phase,
      seats: facts.case.seats.map(({ arbiter, state }) => ({ arbiter: placeOf(arbiter), state })),
      votes: facts.votes.map(({ arbiter, verdict }) => ({ arbiter: placeOf(arbiter), verdict })),
      heard: Object.keys(facts.statements),
      verdict: facts.verdict,
      captureMinor: facts.captureMinor,
      accounts: await rows(scene, 'accounts', 'account, balance', ours),
      ratings: await rows(scene, 'ratings', 'agent, rating', `agent IN ('${scene.id('ann')}', '${scene.id('bob')}')`),
    }
  },
  // Nobody judges more than a few at a time.
  async over(scene) {
    await scene.relay.store.write(tx =>
      tx.tables<{ dispute_people: { dispute: string, active: 0 | 1 } }>().updateTable('dispute_people').set({ active: 0 })
        .where('dispute', '=', scene.kept['dispute']!).execute()
    )
  },
}
