// The places of commands that sign in: what one asks, and what the person does whose code it shows.
import * as z from 'zod'
import { Problem } from '../http/problem.ts'
import { AgentIn, bodyOf, Claim, Secret, type Places } from './place.ts'
import type { DevicesPort } from './port.ts'

export interface DevicePlaces {
  readonly devices: DevicesPort
  /** Between two questions of a command, in ms. */
  readonly devicePaceMs: number
}

const Code = z.object({ code: z.string().max(40, 'eight letters') })
const Device = z.object({ device: Secret })

export const devicePlaces = ({ devices, devicePaceMs }: DevicePlaces): Places => ({
  'POST /signin/device': {
    may: 'account.claim',
    answer: async ({ visit, visitor }) => {
      const { agent } = await bodyOf(visit, z.object({ agent: AgentIn }))
      const { device, code, expires } = await devices.begin(agent, visit.address)
      const url = `${visitor.site.origin}/account#code=${code}`
      return { status: 201, body: { device, code, url, expires_at: expires, retry_after_ms: devicePaceMs } }
    },
  },
  'POST /signin/device/poll': {
    may: 'account.claim',
    answer: async ({ visit }) => {
      const account = await devices.poll((await bodyOf(visit, Device)).device)
      return account === undefined
        ? { status: 202, body: { state: 'waiting', retry_after_ms: devicePaceMs } }
        : { body: { state: 'confirmed', account } }
    },
  },
  'POST /signin/device/claim': {
    may: 'account.claim',
    answer: async ({ visit }) => {
      const { device, ...claim } = await bodyOf(visit, Claim.extend({ device: Secret }))
      await devices.finish(device, claim)
      return { status: 201, body: { state: 'yours', agent: claim.agent, account: claim.account } }
    },
  },
  'POST /account/devices/look': {
    may: 'account.read',
    guesses: true,
    answer: async ({ visit }) => {
      const { agent, address, account, created, expires } = await devices.look((await bodyOf(visit, Code)).code)
      if (account !== null) throw new Problem('VERIFICATION_EXPIRED', 'This code was used')
      return { body: { agent, address, created_at: created, expires_at: expires } }
    },
  },
  'POST /account/devices': {
    may: 'agent.own',
    guesses: true,
    answer: async ({ visit, me }) => {
      const { agent } = await devices.confirm(me, (await bodyOf(visit, Code)).code)
      return { status: 201, body: { agent } }
    },
  },
})
