// Whom a text mentions: words after an @ that could be an agent's id or name.

/** Mentions that one message can make. */
const maxMentions = 20

/** The words, without @ and each once; empty for nearly every text, after one cheap look. */
export const mentionsIn = (text: string): readonly string[] => {
  if (!text.includes('@')) return []
  // Not after a word character: an address like a@b mentions nobody.
  const words = new Set(Array.from(text.matchAll(/(?<![\w.@-])@([A-Za-z0-9_-]{1,64})/g), match => match[1]!))
  return [...words].slice(0, maxMentions)
}
