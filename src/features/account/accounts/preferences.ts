// What an account prefers, in whichever browser it is signed in: the language that it is spoken to in.
import type { Tx } from '../../../store/store.ts'
import { checkSignedIn, type SignedIn } from './accounts.ts'
import { decided, type Deciding } from './deciding.ts'
import { addAccountAudit, setLocale } from './store.ts'

export interface PreferencesOptions extends Deciding {
  /** Entries of what was done that are kept, the newest ones. */
  readonly auditCount: number
}

export class Preferences {
  readonly #options: PreferencesOptions

  constructor(options: PreferencesOptions) {
    this.#options = options
  }

  /** @param locale as in `de`; null: whatever each browser asks for. @throws Fail */
  setLocale(me: SignedIn, locale: string | null, address: string): Promise<void> {
    const { account: { id }, signIn } = me
    return decided(this.#options, async (tx: Tx, at: number) => {
      await checkSignedIn(tx, me)
      await setLocale(tx, id, locale)
      const entry = { at, account: id, sign_in: signIn.id, action: 'locale_set', target: locale, address }
      await addAccountAudit(tx, entry, this.#options.auditCount)
    })
  }
}
