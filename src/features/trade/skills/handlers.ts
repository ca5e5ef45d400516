// Skills: registering what one offers, and finding who offers what.
import { skillsProblem } from './proof.ts'
import { search, type Ratings } from './search.ts'
import { ageLists, findSkillList, setSkillList } from '../../../store/people.ts'
import { notify, reply, type ScopedFeature, type Notify, type Shares } from '../../../relay/feature.ts'
import type { Skill } from '../../../../lib/protocol/index.ts'

export interface SkillOptions {
  readonly serverId: string
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  /** Agents not seen for so long are not found until they come back. */
  readonly skillsAgeMs: number
  readonly shares: Shares
  /** What is known of agents' dealings; without it everyone stands where newcomers do. */
  readonly ratings?: Ratings
}

/** Lists that one sweep looks at. */
const agedAtOnce = 100
const discovery = '#discovery'
/** Of the capabilities that a notice names. */
const maxNoticeChars = 200

export const skills = (
  { serverId, verify, skillsAgeMs, shares, ratings }: SkillOptions,
): ScopedFeature<'REGISTER_SKILLS' | 'SEARCH_SKILLS'> => {
  let agedUpTo = ''
  return {
    scope: 'people',
    handlers: {
      REGISTER_SKILLS: {
        async write({ me, tx, roster, now, asker }, { skills, sig, sig_v, sig_ts, nonce }) {
          const former = await findSkillList(tx, me.id)
          const problem = skillsProblem({ skills, sig, sig_v, sig_ts, nonce }, {
            pubkey: me.pubkey,
            relay: serverId,
            now,
            formerTs: former?.sigTs ?? null,
          }, verify)
          if (problem !== undefined) throw problem
          if (former === undefined) await shares.take(tx, 'skillLists', me.id, { agent: me.id, address: asker.address })
          const sigV = sig_v ?? 1
          await setSkillList(tx, {
            agent: me.id,
            skills,
            sig,
            sigV,
            sigTs: sigV === 2 ? sig_ts! : null,
            nonce: sigV === 2 ? nonce! : null,
            registeredAt: now,
          })
          // The same list again is no news.
          const isNews = skills.length > 0 && roster.channel(discovery) !== undefined
            && JSON.stringify(former?.skills) !== JSON.stringify(skills)
          return {
            reply: reply('SKILLS_REGISTERED', { agent_id: me.id, skills_count: skills.length, registered_at: now, sig_v: sigV }),
            notify: isNews ? [notice(me.id, skills)] : [],
          }
        },
      },
      SEARCH_SKILLS: {
        async read({ aside, roster, now }, { query, query_id }) {
          return reply('SEARCH_RESULTS', { query_id: query_id ?? null, query, ...await search(aside, roster, query, now, ratings) })
        },
      },
    },
    async sweep({ tx, now }) {
      agedUpTo = await ageLists(tx, agedUpTo, agedAtOnce, now - skillsAgeMs, await shares.isNearlyFull(tx, 'skillLists')) ?? ''
      return undefined
    },
  }
}

const notice = (agent: string, skills: readonly Skill[]): Notify => {
  const names = skills.map(skill => skill.capability).join(', ')
  const content = `Agent ${agent} registered ${skills.length} skill(s): ${
    names.length > maxNoticeChars ? `${names.slice(0, maxNoticeChars)}…` : names
  }`
  return notify({ kind: 'channel', channel: discovery }, 'MSG', { from: '@server', from_name: 'Server', to: discovery, content })
}
