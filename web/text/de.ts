// German.
import type { Texts } from './index.ts'
import { acts } from './de/acts.ts'
import { agents } from './de/agents.ts'
import { anything } from './de/anything.ts'
import { chat } from './de/chat.ts'
import { court } from './de/court.ts'
import { deals } from './de/deals.ts'
import { errors } from './de/errors.ts'
import { link } from './de/link.ts'
import { relay } from './de/relay.ts'
import { settings } from './de/settings.ts'
import { shell } from './de/shell.ts'

export const de: Texts = { shell, acts, agents, anything, chat, court, deals, errors, link, relay, settings }
