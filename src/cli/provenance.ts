// What a command says of a message's origin, in the protocol's spelling.
import type { Provenance } from '../../lib/client/index.ts'

export interface ShownProvenance {
  readonly signed_by: string | null
  readonly key_age_ms: number | null
  readonly trust: string
  readonly hops: number
}

export const shownProvenance = ({ signedBy, keyAgeMs, trust, hops }: Provenance): ShownProvenance => ({
  signed_by: signedBy,
  key_age_ms: keyAgeMs,
  trust,
  hops,
})
