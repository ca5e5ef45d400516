// The channels that the operator names: there from the start.
import { addChannel } from './channels.ts'
import { clearSome, isEnding } from './endings.ts'
import type { Store } from './store.ts'

export interface ConfiguredChannels {
  readonly channels: readonly string[]
  /** Those of them that only verified agents enter. */
  readonly verifiedChannels: readonly string[]
}

/** Makes those that are not there. */
export const addConfiguredChannels = async (
  store: Pick<Store, 'read' | 'write'>,
  config: ConfiguredChannels,
  now: number,
): Promise<void> => {
  // One that was deleted before it was configured is cleared away first.
  for (const name of config.channels) while (await isEnding(store.read, name)) await store.write(tx => clearSome(tx, now))
  await store.write(async tx => {
    for (const name of config.channels) {
      await addChannel(tx, {
        name,
        private: false,
        verifiedOnly: config.verifiedChannels.includes(name),
        topic: '',
        description: '',
        owner: null,
        topicBy: 'members',
        editWindowMs: null,
        settings: null,
        groups: null,
        version: now,
      }, null, now)
    }
  })
}
