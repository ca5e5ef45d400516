// Profiles: what agents say of themselves under their own signature, on the wire and as a page that the relay signs.
import { agentDocumentText, verifyProfile, type AgentDocument } from '../../../../lib/identity/index.ts'
import { limits, type FrameBody } from '../../../../lib/protocol/index.ts'
import { findAgent, type AgentRow } from '../../../store/agents.ts'
import { standingOf } from '../../../store/standing.ts'
import { findProfile, findSkillList, forgetProfiles, setProfile } from '../../../store/people.ts'
import type { Db } from '../../../store/store.ts'
import { Fail, presenceOf, reply, type Feature, type HttpAnswer, type RosterView, type Shares } from '../../../relay/feature.ts'

export interface ProfileOptions {
  readonly serverName: string
  /** SHA-256 of the relay's key, in hex. */
  readonly serverId: string
  /** The relay's own key. */
  readonly relayKey: { readonly publicKey: string, sign(text: string): string }
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  /** Profiles of agents not seen for so long go when there are too many. */
  readonly skillsAgeMs: number
  readonly shares: Shares
}

/** Profiles that one sweep looks at. */
const agedAtOnce = 100
/** How long a page is good for. */
const documentMs = 60 * 60_000
const cacheSeconds = 30

type AgentRecord = Omit<FrameBody<'PROFILE'>, 'ts' | 're'>

export const profiles = (
  { serverName, serverId, relayKey, verify, skillsAgeMs, shares }: ProfileOptions,
): Feature<'SET_PROFILE' | 'PROFILE'> => {
  let agedUpTo = ''
  const recordOf = async (db: Db, roster: RosterView, agent: AgentRow): Promise<AgentRecord> => {
    const { id, pubkey, last_seen } = agent
    const [profile, list] = [await findProfile(db, id), await findSkillList(db, id)]
    const live = roster.agent(id)
    const hasProfile = profile !== undefined && Object.keys(profile.profile).length > 0
    return {
      agent_id: id,
      name: live?.name ?? agent.name,
      pubkey,
      verified: live?.verified ?? agent.verified === 1,
      ...presenceOf(roster, id, last_seen),
      profile: hasProfile ? profile.profile as AgentRecord['profile'] : null,
      ...(hasProfile && { profile_proof: { sig: profile.sig, sig_v: 2 as const, sig_ts: profile.sigTs, nonce: profile.nonce } }),
      skills: [...list?.skills ?? []] as AgentRecord['skills'],
      ...(list !== undefined && list.skills.length > 0 && {
        registered_at: list.registeredAt,
        skills_proof: {
          sig: list.sig,
          sig_v: list.sigV,
          ...(list.sigTs !== null && { sig_ts: list.sigTs }),
          ...(list.nonce !== null && { nonce: list.nonce }),
        },
      }),
    }
  }

  const page = async (db: Db, roster: RosterView, now: number, agent: AgentRow): Promise<HttpAnswer> => {
    const record = await recordOf(db, roster, agent)
    // Whoever published nothing has no page: being here is not for everyone to know.
    if (record.profile === null && record.skills.length === 0) return unknown
    const document: AgentDocument = {
      format: 'agentchat-agent/1',
      ...record,
      relay: { server_id: serverId, name: serverName, pubkey: relayKey.publicKey },
      issued_at: now,
      expires_at: now + documentMs,
    }
    return answer(200, { ...document, sig: relayKey.sign(agentDocumentText(document)) }, cacheSeconds)
  }

  return {
    scope: 'people',
    handlers: {
      SET_PROFILE: {
        async write({ me, tx, roster, now, asker }, { profile, sig, sig_ts: sigTs, nonce }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have a profile')
          if (Math.abs(sigTs - now) > limits.maxClockSkewMs)
            throw new Fail('VERIFICATION_EXPIRED', `sig_ts: more than ${limits.maxClockSkewMs / 60_000} minutes off; check the clock`)
          if (!verifyProfile(profile, { sig, sig_v: 2, sig_ts: sigTs, nonce }, { pubkey: me.pubkey, relay: serverId }, verify))
            throw new Fail('VERIFICATION_FAILED', 'The signature does not verify')
          const former = await findProfile(tx, me.id)
          if (former !== undefined && former.sigTs >= sigTs)
            throw new Fail('VERIFICATION_EXPIRED', 'sig_ts: a profile of that time or later was set already')
          if (former === undefined) await shares.take(tx, 'profiles', me.id, { agent: me.id, address: asker.address })
          await setProfile(tx, { agent: me.id, profile, sig, sigTs, nonce })
          return { reply: reply('PROFILE', await recordOf(tx, roster, (await findAgent(tx, me.id))!)) }
        },
      },
      PROFILE: {
        async read({ db, roster }, { agent: id }) {
          const agent = await findAgent(db, id)
          if (agent === undefined) throw new Fail('AGENT_NOT_FOUND', `No agent ${id} with a key is known here`)
          return reply('PROFILE', await recordOf(db, roster, agent))
        },
      },
    },
    async sweep({ tx, now }) {
      agedUpTo = await shares.isNearlyFull(tx, 'profiles') ? await forgetProfiles(tx, agedUpTo, agedAtOnce, now - skillsAgeMs) ?? '' : ''
      return undefined
    },
    routes: [{
      path: '/agents/',
      async get({ db, roster, now }, rest) {
        const id = `@${rest.replace(/^@/, '')}`
        const agent = /^@[0-9a-f]{16}$/.test(id) ? await findAgent(db, id) : undefined
        // Whoever is banned has no page, as one who never came.
        if (agent === undefined || (await standingOf(db, id)).ban !== undefined) return unknown
        if (agent.rotated_to !== null)
          return answer(410, {
            error: 'AGENT_NOT_FOUND',
            message: `The agent rotated its key and is now ${agent.rotated_to}`,
            rotated_to: agent.rotated_to,
          })
        if (agent.revoked_at !== null) return answer(410, { error: 'AGENT_NOT_FOUND', message: 'The key of this agent was revoked' })
        return page(db, roster, now, agent)
      },
    }],
  }
}

const answer = (status: number, body: object, maxAgeSeconds?: number): HttpAnswer => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(body)}\n`,
  ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
})

const unknown = answer(404, {
  error: 'AGENT_NOT_FOUND',
  message: 'No agent of this id has published a profile or skills here; an id is @ and 16 hex digits',
})
