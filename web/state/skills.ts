// What was searched among skills, and what was found.
import { signal } from '@preact/signals'
import type { Told } from '../../lib/index.ts'
import { here, onClient } from './session.ts'
import { reasonOf } from '../text/reason.ts'

export type SkillSearch = NonNullable<Parameters<ReturnType<typeof here>['people']['searchSkills']>[0]>
export type FoundSkills = Told<'SEARCH_RESULTS'>

/** Entries of a page. */
export const pageSize = 20

export const found = signal<FoundSkills | undefined>(undefined)
export const searchProblem = signal<string | undefined>(undefined)
export const isSearching = signal(false)
const asks = signal(0)

onClient(() => {
  found.value = undefined
})

/** The answer to the newest question is the one that is shown. */
export const search = async (query: SkillSearch): Promise<void> => {
  const ask = ++asks.value
  isSearching.value = true
  try {
    const answer = await here().people.searchSkills({ ...query, limit: pageSize, facets: true })
    if (ask !== asks.peek()) return
    found.value = answer
    searchProblem.value = undefined
  } catch (error) {
    if (ask === asks.peek()) searchProblem.value = reasonOf(error)
  } finally {
    if (ask === asks.peek()) isSearching.value = false
  }
}
