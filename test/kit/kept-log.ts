// A log on SQLite, with all that is kept beside messages and goes with them.
import { floorMigrations } from '../../src/features/talk/floors/store.ts'
import { pinMigrations } from '../../src/features/talk/pins/store.ts'
import { agentMigrations } from '../../src/store/agents.ts'
import { blankedMigrations } from '../../src/store/blanked.ts'
import { keepingMigrations } from '../../src/store/keeping.ts'
import { reactionMigrations } from '../../src/store/reactions.ts'
import { shareMigrations } from '../../src/store/shares.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import { transcriptMigrations } from '../../src/store/transcripts.ts'

const migrations = [
  ...[agentMigrations, blankedMigrations, shareMigrations, keepingMigrations],
  ...[reactionMigrations, pinMigrations, floorMigrations, transcriptMigrations],
]

export const openKeptLog = (data = ':memory:'): Store =>
  openSqlite({ data, durability: 'normal', migrations, newEpoch: () => 'e'.repeat(16) })
