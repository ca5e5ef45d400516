// What a signature is worth, in the words of every check.

/**
 * | state | the signature |
 * |---|---|
 * | `valid` | holds, and was made for exactly this, at this relay |
 * | `weak` | holds, in the form of older clients, which names neither relay nor time: who has it can use it again |
 * | `stale` | holds, but was made at another time than what it is shown with says |
 * | `duplicated` | holds, but came with something else before |
 * | `foreign` | holds, but was made for another relay, or for one that this one did not prove to be |
 * | `invalid` | does not hold: what it is under was forged, or changed |
 * | `unknown-key` | is there, but not the key that belongs to the signer's id |
 * | `none` | is not there |
 */
export type SignatureState = 'valid' | 'weak' | 'stale' | 'duplicated' | 'foreign' | 'invalid' | 'unknown-key' | 'none'
