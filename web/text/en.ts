// English: the dictionary that every other language has the type of. Each page has a file of its own.
import { acts } from './en/acts.ts'
import { agents } from './en/agents.ts'
import { anything } from './en/anything.ts'
import { chat } from './en/chat.ts'
import { court } from './en/court.ts'
import { deals } from './en/deals.ts'
import { errors } from './en/errors.ts'
import { link } from './en/link.ts'
import { relay } from './en/relay.ts'
import { settings } from './en/settings.ts'
import { shell } from './en/shell.ts'

export const en = { shell, acts, agents, anything, chat, court, deals, errors, link, relay, settings }
