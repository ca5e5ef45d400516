// When agents were heard last, noted a bounded number per batch: of those who are gone, and every minute of those who are here, for the
// case that this process does not end well.
import { noteSeen } from '../store/agents.ts'
import type { Tx } from '../store/store.ts'
import type { Outcome } from './feature.ts'

/** Agents whose last sign is noted in one batch. */
const atOnce = 1_000

export const seen = (heard: readonly (readonly [agent: string, at: number])[]) => async (tx: Tx): Promise<Outcome> => {
  await noteSeen(tx, heard.slice(0, atOnce))
  return heard.length > atOnce ? { again: seen(heard.slice(atOnce)) } : {}
}
