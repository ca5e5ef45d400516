// Files of a relay of several processes, on each engine: what one has go while another brings it, or names it, is there afterwards, whoever is
// first and wherever the first one stands when the other comes.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migrations } from '../../src/app.ts'
import { Files } from '../../src/files/files.ts'
import { FolderUploads } from '../../src/files/folder-uploads.ts'
import { FolderVault } from '../../src/files/folder-vault.ts'
import {
  addRef,
  addUpload,
  findOwner,
  finishUpload,
  goneFiles,
  idleOwners,
  isWhole,
  removeIdle,
  removeOwner,
  takeGone,
  touchOwner,
  wentFile,
} from '../../src/store/files.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { newDatabase } from '../kit/postgres.ts'

const newEpoch = () => 'e'.repeat(16)
const goingMs = 1_000

/** Two processes: on a database server each has a store of its own. */
const engines = [
  {
    name: 'SQLite',
    open: () => {
      const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch })
      return Promise.resolve({ stores: [store, store] as const, end: () => store.close() })
    },
  },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await newDatabase()
      const options = { url: database.url, migrations, newEpoch, isShared: true }
      const stores = [await openPostgres(options), await openPostgres(options)] as const
      return {
        stores,
        end: async () => {
          for (const store of stores) await store.close()
          await database[Symbol.asyncDispose]()
        },
      }
    },
  },
] as const

/** Stands still where it is told to. */
class Halting extends FolderVault {
  halt: ((step: 'put' | 'remove') => Promise<unknown>) | undefined

  override async put(...of: Parameters<FolderVault['put']>): Promise<void> {
    await super.put(...of)
    await this.halt?.('put')
  }

  override async remove(sha256: string): Promise<void> {
    await this.halt?.('remove')
    await super.remove(sha256)
  }
}

describe.each(engines)('$name', ({ open }) => {
  let stores: readonly [Store, Store]
  let end: () => Promise<void>
  let folder: Folder
  let files = 0
  let now = 1_000
  beforeAll(async () => {
    ;({ stores, end } = await open())
  })
  beforeEach(() => {
    now += 100_000
  })
  afterAll(async () => {
    await end()
    folder[Symbol.dispose]()
  })

  /** A file that was brought, and is named by nobody: its bytes are to go. */
  const scene = async () => {
    folder ??= newFolder()
    const content = `file ${files++}`
    const sha256 = createHash('sha256').update(content).digest('hex')
    const vault = new Halting(folder.at('files'))
    mkdirSync(folder.at('uploads'), { recursive: true })
    const process = (store: Store) => {
      const all = new Files({
        uploads: new FolderUploads(folder.at('uploads'), folder.path),
        vault,
        check: undefined,
        closed: () => Promise.resolve(),
      })
      return {
        store,
        /** @param at from when on it is kept for a while */
        brings: async (agent: string, at = now + 5) => {
          const upload = createHash('sha256').update(`${agent} ${content}`).digest('hex').slice(0, 32)
          if (await findOwner(store.read, sha256, agent) === undefined)
            await store.write(tx => addUpload(tx, { sha256, agent, address: 'a', bytes: content.length, at, upload }))
          writeFileSync(folder.at(`uploads/${upload}`), content)
          for (;;) {
            const finished = await all.finish(upload, sha256, content.length, () =>
              store.write(tx => finishUpload(tx, { upload, sha256 }, at)))
            if (finished !== 'going') return finished
            await new Promise(resolve => setTimeout(resolve, 10))
          }
        },
        /** @param went what happens once the bytes went */
        sweeps: async (went = () => Promise.resolve()) => {
          const gone = await store.write(async tx => {
            for (const owner of await idleOwners(tx, now + 1, 10)) await removeIdle(tx, owner)
            return goneFiles(tx, now, 10)
          })
          if (!gone.includes(sha256)) return
          await all.remove(sha256, () => store.write(tx => takeGone(tx, sha256, now, now + goingMs)), async () => {
            await went()
            await store.write(tx => wentFile(tx, sha256, now + goingMs))
          })
        },
      }
    }
    const isThere = async () => [await isWhole(stores[0].read, sha256), await vault.has(sha256)]
    return { sha256, vault, one: process(stores[0]), two: process(stores[1]), isThere }
  }

  test.each(['put', 'remove'] as const)('what goes at one while it is brought again at the other is there: one stands still at its %s',
    async step => {
      const { vault, one, two, isThere } = await scene()
      await one.brings('@ann', now)
      const others: Promise<unknown>[] = []
      let isFirst = true
      vault.halt = async at => {
        if (at !== step || !isFirst) return
        isFirst = false
        // The other one goes as far as it comes; where it has to wait, the time of the first is over.
        const other = step === 'remove' ? two.brings('@bob') : two.sweeps()
        others.push(other)
        if (step === 'put') await other
        else await new Promise(resolve => setTimeout(resolve, 50))
      }
      await (step === 'remove' ? one.sweeps() : one.brings('@cat'))
      await Promise.all(others)
      expect(isFirst).toBe(false)
      expect(await isThere()).toEqual([true, true])
      vault.halt = undefined
      // And nothing that it was to go is left.
      await two.sweeps()
    })

  test('one of two has the bytes go; where that breaks off, it is done again once its time is over', async () => {
    const { sha256, vault, one, two, isThere } = await scene()
    await one.brings('@ann', now)
    vault.halt = () => Promise.reject(new Error('the bucket is away'))
    await expect(one.sweeps()).rejects.toThrow('away')
    vault.halt = undefined
    await two.sweeps()
    expect(await vault.has(sha256)).toBe(true)
    now += goingMs
    await two.sweeps()
    expect(await isThere()).toEqual([false, false])
    expect(await goneFiles(stores[0].read, now + 10 * goingMs, 10)).not.toContain(sha256)
  })

  const sweeps = ['before that is noted', 'while the bytes go', 'later'] as const
  test.each(sweeps)('an upload that is given up while it becomes whole is gone, and so are its bytes: swept %s', async when => {
    const { sha256, vault, one, two, isThere } = await scene()
    await one.brings('@ann', now)
    await one.store.write(async tx => removeOwner(tx, (await findOwner(tx, sha256, '@ann'))!))
    let isGivenUp = false
    const giveUp = async () => {
      if (isGivenUp) return
      isGivenUp = true
      await two.store.write(async tx => removeOwner(tx, (await findOwner(tx, sha256, '@bob'))!))
      if (when === 'before that is noted') await two.sweeps()
    }
    let brought: string | undefined
    const bring = async () => {
      vault.halt = giveUp
      brought = await one.brings('@bob')
    }
    // At the other process the bytes are gone, and it has not noted that yet.
    if (when === 'while the bytes go') await two.sweeps(bring)
    else await bring()
    vault.halt = undefined
    expect([isGivenUp, brought]).toEqual([true, 'gone'])
    now += 2 * goingMs
    await two.sweeps()
    expect(await isThere()).toEqual([false, false])
    expect(await goneFiles(stores[0].read, now + 10 * goingMs, 10)).not.toContain(sha256)
  })

  test('one that is given up while it becomes whole stays where another agent has it', async () => {
    const { sha256, vault, one, two, isThere } = await scene()
    await one.brings('@ann')
    vault.halt = async () => {
      vault.halt = undefined
      await two.store.write(async tx => removeOwner(tx, (await findOwner(tx, sha256, '@bob'))!))
    }
    expect(await one.brings('@bob')).toBe('gone')
    expect(await goneFiles(stores[0].read, now + 10 * goingMs, 10)).not.toContain(sha256)
    await two.sweeps()
    expect(await isThere()).toEqual([true, true])
  })

  test('one that is named, or asked for, at one while it is taken away at the other is either: not both', async () => {
    const { sha256, one, two } = await scene()
    await one.brings('@ann', now)
    const owner = (await findOwner(stores[0].read, sha256, '@ann'))!
    const ref = { id: `r${files}`, sha256, agent: '@ann', stream: '#c', at: now, after: 0 }
    const [isNamed, isTaken] = await Promise.all([
      one.store.write(tx => addRef(tx, ref)),
      two.store.write(tx => removeIdle(tx, owner)),
    ])
    expect([isNamed, isTaken].sort()).toEqual([false, true])
    expect(await findOwner(stores[0].read, sha256, '@ann') !== undefined).toBe(isNamed)
    await two.store.write(tx => removeOwner(tx, owner))
    expect(await one.store.write(tx => touchOwner(tx, owner, now))).toBe(false)
    // Of two that take it away, one gives back what it held.
    await one.store.write(tx => removeOwner(tx, owner))
    expect(await two.store.write(tx => removeIdle(tx, owner))).toBe(false)
  })
})
