// Who comes uninvited: whether accounts are made for such people, and how many there may be.
import { Fail } from '../../../relay/feature.ts'
import type { TableReader } from '../../../store/store.ts'
import { countAccounts } from './store.ts'

/** Who gets an account. */
export type SignUp = 'closed' | 'invite' | 'open'

/** @throws Fail nobody is let in so */
export const checkOpen = (signUp: SignUp): void => {
  if (signUp !== 'open') throw new Fail('NOT_ALLOWED', 'Accounts are made here for whom an operator invites: ask for a link')
}

/** @param maxAccounts 0: as many as come @throws Fail */
export const checkRoom = async (db: TableReader, maxAccounts: number): Promise<void> => {
  if (maxAccounts > 0 && await countAccounts(db) >= maxAccounts)
    throw new Fail('LIMIT_REACHED', `There are ${maxAccounts} accounts here, and no more are made: ask an operator to invite you`)
}
