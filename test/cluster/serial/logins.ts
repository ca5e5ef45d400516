// What is asked by and of who comes in: one session under one label, none of who is banned or whose key was revoked.
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRevocation } from '../../../lib/identity/index.ts'
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminKey } from '../../kit/trade.ts'
import { identityOf, signWith, type Wire } from '../../kit/wire.ts'
import { codeOf, deeds, rows, type Deed, type Family } from './family.ts'
import type { Party, Scene, Side } from './scene.ts'

/** What it is answered, or that it was closed without an answer. */
const answerOn = async (wire: Wire): Promise<Frame> => wire.next().catch(() => ({ type: 'CLOSED' }) as never)

const begun = async (scene: Scene, who: Party, session: string, side: Side): Promise<() => Promise<Frame>> => {
  const wire = await scene.connect(side)
  const key = scene.key(who)
  wire.send({ type: 'IDENTIFY', name: who, pubkey: key.pem, session, autojoin: false, inbox: 'manual' })
  const challenge = await answerOn(wire)
  if (challenge.type !== 'CHALLENGE') return () => Promise.resolve(challenge)
  const { challenge_id, nonce } = challenge
  const timestamp = Date.now()
  const signature = signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`)
  return () => {
    wire.send({ type: 'VERIFY_IDENTITY', challenge_id, timestamp, signature })
    return answerOn(wire)
  }
}
const comes = (who: Party, session: string): Deed => ({
  who,
  what: `comes in at the ${session}`,
  ready: (scene, side) => begun(scene, who, session, side),
})
const came = async (scene: Scene, session: string): Promise<void> => {
  await (await begun(scene, 'ann', session, 0))()
}

/** Which of ann's connections are open, when that has not changed for a while: the others are told that they are over. */
const openOf = async (scene: Scene): Promise<readonly boolean[]> => {
  const look = () => [scene.wire('ann', 0), scene.wire('ann', 1), ...scene.opened].map(wire => !wire.isClosed)
  let open = look()
  for (let same = 0; same < 5; same++) {
    await sleep(20)
    const now = look()
    if (JSON.stringify(now) !== JSON.stringify(open)) same = -1
    open = now
  }
  return open
}

const admin = (scene: Scene, type: string, fields: object = {}) => ({ type, admin_key: adminKey, agent_id: scene.id('ann'), ...fields })

export const logins: Family = {
  name: 'logins',
  isOfNewcomers: true,
  before: {
    'ann at two places': () => Promise.resolve(),
    'ann at the desk too': scene => came(scene, 'desk'),
    'ann is banned': async scene => {
      await scene.ask('bob', admin(scene, 'ADMIN_BAN'), 'ADMIN_RESULT')
    },
  },
  deeds: [
    comes('ann', 'desk'),
    comes('ann', 'door'),
    comes('ann', 'window'),
    ...deeds('bob', {
      'bans ann': scene => admin(scene, 'ADMIN_BAN', { reason: 'why' }),
      'lets ann in again': scene => admin(scene, 'ADMIN_UNBAN'),
      'throws ann out': scene => admin(scene, 'ADMIN_KICK', { reason: 'why' }),
      "hands in that ann's key is lost": scene => ({ ...makeRevocation(identityOf(scene.key('ann')), 'lost', Date.now()) }),
    }),
  ],
  answered: answer => ({ ...codeOf(answer), ...(answer.type === 'ADMIN_RESULT' && { success: answer.success }) }),
  async stored(scene) {
    const ann = `'${scene.id('ann')}'`
    return {
      events: await openOf(scene),
      bans: await rows(scene, 'bans', 'agent, reason', `agent = ${ann}`),
      revoked: await rows(scene, 'agents', 'id', `id = ${ann} AND revoked_at IS NOT NULL`),
    }
  },
}
