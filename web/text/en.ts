// English: the dictionary that every other language has the type of. Each page has a file of its own.
import { chat } from './en/chat.ts'
import { settings } from './en/settings.ts'
import { shell } from './en/shell.ts'

export const en = { shell, chat, settings }
