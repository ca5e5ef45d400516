// The places of the vault: closed keys of people, and browsers that hand one over.
import * as z from 'zod'
import { Problem } from '../http/problem.ts'
import { AgentIn, bodyOf, Line, Secret, type Places } from './place.ts'
import type { SignedIn, VaultPort } from './port.ts'

export interface VaultPlaces {
  readonly vault: VaultPort
  readonly shown: (me: SignedIn) => object
}

/** A closed key is about 350 characters. */
const Wrap = z.string().min(1).max(2_048).regex(/^[ -~]*$/, 'what wrapKey gave')
/** Half of a key pair, and 16 bytes more behind a point. */
const Half = z.string().max(200).regex(/^[A-Za-z0-9_.-]{43,200}$/, 'what newLinkHost or newLinkGuest gave')
const Brought = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prf'), agent: AgentIn, label: Line, wrap: Wrap, passkey: z.string().max(1_400).regex(/^[A-Za-z0-9_-]+$/) }),
  z.object({ kind: z.literal('recovery'), agent: AgentIn, label: Line, wrap: Wrap, proof: Secret }),
])
const Answer = z.union([z.object({ wrap: Wrap, agent: AgentIn }), z.object({ offer: Half })])

export const vaultPlaces = ({ vault, shown }: VaultPlaces): Places => ({
  'GET /account/vault': {
    may: 'account.read',
    answer: async ({ me }) => ({
      body: {
        items: (await vault.wraps(me)).map(({ id, kind, agent, passkey, label, wrap, created }) => ({
          ...{ id, kind, agent, passkey, label, wrap, created_at: created },
        })),
      },
    }),
  },
  'PUT /account/vault/': {
    may: 'vault.write',
    answer: async ({ visit, rest, me }) => {
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(rest))
        throw new Problem('INVALID_MSG', 'A key in the vault is called by 1 to 64 of A–Z a–z 0–9 _ -')
      const isNew = await vault.put(me, { id: rest, ...await bodyOf(visit, Brought) }, visit.address)
      return { status: isNew ? 201 : 200, body: { id: rest } }
    },
  },
  'DELETE /account/vault/': {
    may: 'vault.write',
    answer: async ({ visit, rest, me }) => {
      await vault.remove(me, rest, visit.address)
      return { status: 204 }
    },
  },
  'POST /signin/recovery': {
    may: 'account.enter',
    answer: async ({ visit, visitor, me }) => {
      const { proof } = await bodyOf(visit, z.object({ proof: Secret }))
      const opened = await vault.recover(visitor, proof, me)
      return { opened, body: shown(opened) }
    },
  },
  'POST /account/links': {
    may: 'account.link',
    answer: async ({ visit, visitor, me }) => {
      const { commitment } = await bodyOf(visit, z.object({ commitment: Secret }))
      const { id, key, expires } = await vault.ask(me, commitment, visitor)
      return { status: 201, body: { id, key, expires_at: expires } }
    },
  },
  'GET /account/links': {
    may: 'account.read',
    answer: async ({ me }) => ({
      body: {
        items: (await vault.asking(me)).map(({ id, commitment, offer, reveal, address, browser, created, expires }) => ({
          ...{ id, commitment, offer, reveal, address, browser, created_at: created, expires_at: expires },
        })),
      },
    }),
  },
  'POST /account/links/': {
    may: 'account.link',
    answer: async ({ visit, rest, me }) => {
      const { key, reveal } = await bodyOf(visit, z.object({ key: Secret, reveal: Half.optional() }))
      const { commitment, offer, reveal: said, wrap, agent, expires } = await vault.told(me, rest, key, reveal)
      return { body: { commitment, offer, reveal: said, wrap, agent, expires_at: expires } }
    },
  },
  'DELETE /account/links/': {
    may: 'account.link',
    answer: async ({ rest, me }) => {
      await vault.refuse(me, rest)
      return { status: 204 }
    },
  },
  'POST /account/approvals/': {
    may: 'vault.write',
    answer: async ({ visit, rest, me }) => {
      await vault.answer(me, rest, await bodyOf(visit, Answer), visit.address)
      return { status: 204 }
    },
  },
})
