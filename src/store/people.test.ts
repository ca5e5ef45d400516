import { readFileSync, readdirSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { agentMigrations, findAgent, noteSeen, rememberAgent } from './agents.ts'
import {
  ageLists,
  forgetPerson,
  findSkillList,
  peopleMigrations,
  searchSkills,
  setProfile,
  setSkillList,
  type Skill,
  type SkillFilter,
} from './people.ts'
import { newFolder } from '../../test/kit/folder.ts'
import { shareMigrations } from './shares.ts'
import { openSqlite } from './sqlite/store.ts'
import type { Store } from './store.ts'

let store: Store
const all = { maxScanned: 1_000, maxFound: 1_000 }

beforeEach(() => {
  store = openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [agentMigrations, shareMigrations, peopleMigrations],
    newEpoch: () => '0'.repeat(16),
  })
  onTestFinished(() => store.close())
})

const register = (agent: string, skills: readonly Skill[], now = 1_000) =>
  store.write(async tx => {
    await rememberAgent(tx, { id: agent, pubkey: 'pem', name: agent.slice(1) }, now)
    await setSkillList(tx, { agent, skills, sig: 's', sigV: 2, sigTs: now, nonce: 'n', registeredAt: now })
  })

const found = async (filter: SkillFilter, bounds = all) => {
  const { found, isAll } = await searchSkills(store.read, filter, bounds)
  return [found.map(({ agent, n }) => `${agent}/${n}`).sort(), isAll]
}

describe('the index', () => {
  test('follows the list and the profile: nothing of the former ones is found', async () => {
    await register('@ann', [{ capability: 'Übersetzung', tags: ['Deutsch'] }, { capability: 'baking' }])
    expect(await found({ text: 'uberSETZ' })).toEqual([['@ann/0'], true])
    expect(await found({ capability: 'ÜBER' })).toEqual([['@ann/0'], true])
    await store.write(tx =>
      setProfile(tx, { agent: '@ann', profile: { description: 'lives in Zürich', languages: ['de-CH'] }, sig: 's', sigTs: 1, nonce: 'n' })
    )
    expect(await found({ text: 'zurich', language: 'de' })).toEqual([['@ann/0', '@ann/1'], true])
    await store.write(tx => setProfile(tx, { agent: '@ann', profile: {}, sig: 's', sigTs: 2, nonce: 'n' }))
    expect(await found({ text: 'zurich' })).toEqual([[], true])
    await register('@ann', [{ capability: 'cooking' }])
    expect(await found({ text: 'baking' })).toEqual([[], true])
    expect(await found({ capability: 'aki' })).toEqual([[], true])
    expect(await found({})).toEqual([['@ann/0'], true])
  })

  test('a search looks at a bounded number of the newest, and says when there were more', async () => {
    for (let i = 0; i < 20; i++) await register(`@agent${i}`, [{ capability: i < 10 ? 'old' : 'new' }])
    expect(await found({ capability: 'old' }, { maxScanned: 5, maxFound: 100 })).toEqual([[
      '@agent5/0',
      '@agent6/0',
      '@agent7/0',
      '@agent8/0',
      '@agent9/0',
    ], false])
    expect(await found({ maxRate: 1 }, { maxScanned: 100, maxFound: 3 })).toEqual([['@agent17/0', '@agent18/0', '@agent19/0'], false])
    // Two letters have no index: of the newest few none fits.
    expect(await found({ capability: 'ol' }, { maxScanned: 5, maxFound: 100 })).toEqual([[], false])
    expect(await found({ text: 'new' }, { maxScanned: 100, maxFound: 100 })).toEqual([
      Array.from({ length: 10 }, (_, i) => `@agent${10 + i}/0`),
      true,
    ])
  })
})

test('what is taken back leaves the file, the index too', async () => {
  using data = newFolder()
  const kept = openSqlite({
    data: data.path,
    durability: 'normal',
    migrations: [agentMigrations, shareMigrations, peopleMigrations],
    newEpoch: () => '0'.repeat(16),
  })
  const file = () => readdirSync(data.path).map(name => readFileSync(data.at(name), 'latin1')).join('').toLowerCase()
  const words = ['qwertzuiop', 'yxcvbnm', 'lkjhgf', 'plmokn']
  await kept.write(async tx => {
    await rememberAgent(tx, { id: '@ann', pubkey: 'pem', name: 'ann' }, 1)
    await setSkillList(tx, {
      agent: '@ann',
      skills: [{ capability: words[0]!, description: words[1]! }],
      sig: 's',
      sigV: 1,
      sigTs: null,
      nonce: null,
      registeredAt: 1,
    })
    await setProfile(tx, { agent: '@ann', profile: { description: words[2]!, capabilities: [words[3]!] }, sig: 's', sigTs: 1, nonce: 'n' })
  })
  for (const word of words) expect(file()).toContain(word)
  await kept.write(tx => forgetPerson(tx, '@ann'))
  await kept.close()
  for (const word of words) expect(file()).not.toContain(word.slice(0, 6))
})

describe('ageing', () => {
  test('goes round in pieces; who is not seen leaves the index and keeps the list, who is seen again returns', async () => {
    for (const name of ['@a', '@b', '@c']) await register(name, [{ capability: 'x' }], name === '@b' ? 100 : 1_000)
    const round = async (before: number) => {
      const stops: (string | undefined)[] = []
      for (let after: string | undefined = ''; after !== undefined; stops.push(after))
        after = await store.write(tx => ageLists(tx, after!, 2, before, false))
      return stops
    }
    expect(await round(500)).toEqual(['@b', undefined])
    expect(await found({})).toEqual([['@a/0', '@c/0'], true])
    expect((await findSkillList(store.read, '@b'))?.skills).toEqual([{ capability: 'x' }])
    await store.write(tx => noteSeen(tx, [['@b', 2_000], ['@a', 10], ['@nobody', 5]]))
    await round(500)
    expect(await found({})).toEqual([['@a/0', '@b/0', '@c/0'], true])
    expect((await findAgent(store.read, '@a'))?.last_seen).toBe(1_000)
  })
})
