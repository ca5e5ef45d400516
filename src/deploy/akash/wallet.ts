// The key of one account, in memory. It signs; whatever prints it sees an address.
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import type { OfflineDirectSigner } from '@cosmjs/proto-signing'
import { AkashError } from './failure.ts'
import { loadCrypto, loadSigning } from './packages.ts'

export class Wallet {
  /** akash1… */
  readonly address: string
  readonly #signer: OfflineDirectSigner
  readonly #privateKey: Uint8Array

  private constructor(address: string, signer: OfflineDirectSigner, privateKey: Uint8Array) {
    this.address = address
    // The library's signer shows its key to whoever inspects it: what is handed out is a closure around it.
    this.#signer = {
      getAccounts: () => signer.getAccounts(),
      signDirect: (signerAddress, document) => signer.signDirect(signerAddress, document),
    }
    this.#privateKey = privateKey
  }

  /** @throws AkashError when the words are not a mnemonic; the message holds none of them */
  static async fromPhrase(phrase: string): Promise<Wallet> {
    const [{ Bip39, EnglishMnemonic, Slip10, Slip10Curve, stringToPath }, { DirectSecp256k1Wallet }] = await Promise.all([
      loadCrypto(),
      loadSigning(),
    ])
    let seed: Uint8Array
    try {
      seed = await Bip39.mnemonicToSeed(new EnglishMnemonic(normalized(phrase)))
    } catch {
      throw new AkashError('refused', "These words are not a wallet's",
        'Twelve to twenty-four English words in their order, with single spaces; a wrong word or order breaks the checksum.')
    }
    const { privkey } = Slip10.derivePath(Slip10Curve.Secp256k1, seed, stringToPath("m/44'/118'/0'/0/0"))
    const signer = await DirectSecp256k1Wallet.fromKey(privkey, 'akash')
    const [account] = await signer.getAccounts()
    return new Wallet(account!.address, signer, privkey)
  }

  get signer(): OfflineDirectSigner {
    return this.#signer
  }

  /** ES256K: r and s of 32 bytes each, low s, over SHA-256. (node:crypto would not keep s low.) */
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const { Secp256k1 } = await loadCrypto()
    // Awaited because later versions give it at once and this one does not.
    const signature = await Secp256k1.createSignature(createHash('sha256').update(bytes).digest(), this.#privateKey)
    return signature.toFixedLength().slice(0, 64)
  }

  toJSON(): { readonly address: string } {
    return { address: this.address }
  }

  toString(): string {
    return `Wallet ${this.address}`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** 24 new words. */
export const newPhrase = async (randomBytes: (count: number) => Uint8Array): Promise<string> => {
  const { Bip39 } = await loadCrypto()
  return Bip39.encode(randomBytes(32)).toString()
}

export const normalized = (phrase: string): string => phrase.trim().toLowerCase().split(/\s+/).join(' ')
