// What was begun to be written, by place: kept by this tab alone.
import type { Target } from '../../lib/index.ts'

const key = (place: Target): string => `agentchat.draft.${place}`

export const draftOf = (place: Target): string => sessionStorage.getItem(key(place)) ?? ''

export const keepDraft = (place: Target, text: string): void => {
  if (text === '') sessionStorage.removeItem(key(place))
  else sessionStorage.setItem(key(place), text.slice(0, 100_000))
}
