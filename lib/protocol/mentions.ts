// Whom a text mentions: words after an @ that could be an agent's id or name, or a group's. Who decides about a message and who charges for it
// ask the same.

/** What calls all members of a channel that are connected. */
export const hereWord = 'here'

/** Mentions that one message can make. */
export const maxMentions = 20

/** The words, without @ and each once; empty for nearly every text, after one cheap look. */
export const mentionsIn = (text: string): readonly string[] => {
  if (!text.includes('@')) return []
  const words = new Set<string>()
  // Not after a word character: an address like a@b mentions nobody. One after the other: a long text holds a million.
  for (const match of text.matchAll(/(?<![\w.@-])@([A-Za-z0-9_-]{1,64})/g)) if (words.add(match[1]!).size === maxMentions) break
  return [...words]
}
