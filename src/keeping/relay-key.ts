// A relay that goes on under another key: the one that it had signs over to it, and the record is kept for whoever knew the relay by that one.
import { generateKeyPair, identityFrom, makeRotation, serverIdOf } from '../../lib/identity/index.ts'
import { limits } from '../../lib/protocol/index.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { openStore } from '../store/open.ts'
import type { Migration } from '../store/store.ts'
import { holdFolder } from './backup.ts'
import { databaseOf } from './database.ts'
import { KeepingError } from './failure.ts'
import type { KeyOptions, RotatedKey } from './orders.ts'

export const rotateKey = async ({ data, store, now, newEpoch }: KeyOptions, migrations: readonly Migration[]): Promise<RotatedKey> => {
  if (store === undefined) {
    databaseOf(data)
    holdFolder(data)[Symbol.dispose]()
  }
  const opened = await openStore({ store, data, durability: 'full', migrations, newEpoch: () => newEpoch })
  try {
    const { privateKey } = generateKeyPair()
    const next = identityFrom(privateKey)
    return await opened.write(async tx => {
      const former = await readMeta(tx, 'relay_private_key')
      if (former === undefined)
        throw new KeepingError('notFound', 'The database holds nothing of a relay', { hint: 'Is it the right database?' })
      const old = identityFrom(former)
      const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(old, next.publicKey, now)
      const before = JSON.parse(await readMeta(tx, 'relay_rotations') ?? '[]') as readonly unknown[]
      const rotations = [...before, { old_pubkey, new_pubkey, timestamp, signature }].slice(-limits.maxServerRotations)
      await writeMeta(tx, 'relay_private_key', privateKey)
      await writeMeta(tx, 'relay_rotations', JSON.stringify(rotations))
      return { was: serverIdOf(old.publicKey), serverId: serverIdOf(next.publicKey) }
    })
  } finally {
    await opened.close()
  }
}
