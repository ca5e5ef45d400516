// Akash, as a plan: what would be signed and what it can cost at most. Carrying it out has states in between: src/deploy/akash.
import { ceilingOf } from '../akash/limits.ts'
import { typeUrls } from '../akash/messages.ts'
import { aboutAct, perMonth, priceText, toPrice, toUnits } from '../akash/money.ts'
import { envName } from '../../config/schema.ts'
import { sizeText, type Planner } from '../plan.ts'

export const akashPlan: Planner = spec => {
  const { image, domain, akash: { network, depositAct, maxPriceUact, maxMonthlyAct, maxFeeAkt } } = spec
  const ceiling = ceilingOf({ maxPrice: toPrice(maxPriceUact), maxMonthlyUact: toUnits(maxMonthlyAct, 6) })
  return {
    target: 'akash',
    files: [],
    commands: [],
    messages: [
      `${typeUrls.mint}: AKT for ACT, where the wallet has less than ${depositAct} ACT`,
      `${typeUrls.create}: a deposit of ${depositAct} ACT, and the hash of the manifest`,
      `${typeUrls.lease}: with the provider whose bid is chosen`,
    ],
    cost: `at most ${aboutAct(perMonth(ceiling))}, about as many dollars, for ${sizeText(spec)}: no bid above ${
      priceText(ceiling)
    } uact per block is taken; each transaction at most ${maxFeeAkt} AKT`,
    url: domain === undefined ? 'where its provider puts it: agentchat deploy status tells' : `ws://${domain}`,
    notes: [
      `On ${network}${
        network === 'mainnet' ? ', with real money: up wants --network mainnet as well' : ', whose money is worth nothing'
      }; nothing is signed without a question`,
      'agentchat deploy doctor tells whether the network takes deployments now, agentchat deploy up --dry-run shows SDL, manifest and hash',
      'The provider reads the environment, and everything the relay stores: what must not be read is encrypted by the agents',
      "The volume, and the relay's own key on it, live as long as the lease: what is to be kept is read out before (agentchat "
      + 'history "#channel" --all)',
      ...(image.endsWith('-akash')
        ? []
        : [
          `Providers mount the volume as root\'s: ${image} must be able to begin as root and give it to the relay\'s user, as the tags that end in -akash do`,
        ]),
      ...(domain === undefined
        ? [
          `Agents with a key can log in once ${
            envName('publicUrls')
          } (under environment) names the address that the provider gives: update tells it`,
        ]
        : [`${domain} needs a DNS entry that leads to the provider, and for wss:// a proxy in front that does TLS`]),
    ],
  }
}
