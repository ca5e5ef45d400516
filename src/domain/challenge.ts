// Challenges of passkeys: random, for one purpose, for a short time. The relay signs them and keeps nothing of them, so that whoever asks for
// a million of them takes no room; one that was answered rightly is kept until its time is over, so that it counts once.
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

export interface ChallengeOptions {
  /** The relay's own, whichever process of it asks. */
  readonly secret: string
  /** ms */
  readonly lastsMs: number
}

const randomLength = 16
const timeLength = 6
const macLength = 20
const challengeLength = randomLength + timeLength + macLength

export class Challenges {
  readonly #key: Uint8Array
  readonly #lastsMs: number

  constructor({ secret, lastsMs }: ChallengeOptions) {
    this.#key = sha256(utf8ToBytes(`agentchat challenges|${secret}`))
    this.#lastsMs = lastsMs
  }

  /** @param purpose what it is answered for: good for nothing else @param random 16 bytes */
  make(purpose: string, random: Uint8Array, now: number): Uint8Array {
    const time = new Uint8Array(timeLength)
    const view = new DataView(time.buffer)
    const until = now + this.#lastsMs
    view.setUint16(0, Math.floor(until / 2 ** 32))
    view.setUint32(2, until % 2 ** 32)
    const head = concatBytes(random.subarray(0, randomLength), time)
    return concatBytes(head, this.#mac(purpose, head))
  }

  /** When its time is over, in ms since 1970; undefined: it is none of this relay's, for another purpose, or over. */
  untilOf(purpose: string, challenge: Uint8Array, now: number): number | undefined {
    if (challenge.length !== challengeLength) return undefined
    const head = challenge.subarray(0, challengeLength - macLength)
    if (!isSame(challenge.subarray(challengeLength - macLength), this.#mac(purpose, head))) return undefined
    const view = new DataView(head.buffer, head.byteOffset + randomLength, timeLength)
    const until = view.getUint16(0) * 2 ** 32 + view.getUint32(2)
    return until > now ? until : undefined
  }

  /** Under which one that was answered is remembered. */
  nameOf(challenge: Uint8Array): string {
    return bytesToHex(sha256(challenge))
  }

  #mac(purpose: string, head: Uint8Array): Uint8Array {
    return hmac(sha256, this.#key, concatBytes(head, utf8ToBytes(purpose))).subarray(0, macLength)
  }
}

/** Takes as long whatever differs. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a[i]! ^ b[i]!
  return differs === 0
}
