// German.
import type { Texts } from './index.ts'
import { agents } from './de/agents.ts'
import { chat } from './de/chat.ts'
import { deals } from './de/deals.ts'
import { settings } from './de/settings.ts'
import { shell } from './de/shell.ts'

export const de: Texts = { agents, shell, chat, deals, settings }
