// The places of this door and the rights that they take, for the pages of documentation.
import type { Right } from '../../../lib/access/table.ts'
import { devicePlaces } from './device-places.ts'
import { oidcPlaces } from './oidc-places.ts'
import { ownPlaces } from './own-places.ts'
import type { Places } from './place.ts'
import { vaultPlaces } from './vault-places.ts'

/** By method and path. Nothing of them is asked. */
export const accountRights = (): Readonly<Record<string, Right>> => {
  const nobody = {} as never
  const places: Places = {
    ...ownPlaces({ accounts: nobody, claims: nobody, preferences: nobody, admit: nobody, shown: nobody }),
    ...vaultPlaces({ vault: nobody, shown: nobody }),
    ...devicePlaces({ devices: nobody, devicePaceMs: 0 }),
    ...oidcPlaces({ identities: nobody, oidc: nobody, providers: [], seal: nobody, now: nobody, origins: nobody, failed: nobody }),
  }
  return Object.fromEntries(Object.entries(places).map(([place, { may }]) => [place, may]))
}
