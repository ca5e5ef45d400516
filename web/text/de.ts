// German.
import type { Texts } from './index.ts'
import { acts } from './de/acts.ts'
import { agents } from './de/agents.ts'
import { chat } from './de/chat.ts'
import { court } from './de/court.ts'
import { deals } from './de/deals.ts'
import { settings } from './de/settings.ts'
import { shell } from './de/shell.ts'

export const de: Texts = { acts, court, agents, shell, chat, deals, settings }
