// The name under which a file that a peer named is written, here or by a browser: never one that a shell, a tool or a file system takes for
// something else.

/** Names that are devices on Windows, whatever follows a dot. */
const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i
/** What separates paths, streams or arguments somewhere, and what is not seen: control and format characters, line ends, halves of pairs. */
const unsafe = /[/\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu
const maxBytes = 200

/** `-rf` → `_-rf`, `../.bashrc` → `_.._.bashrc`, `nul.txt` → `_nul.txt`; what is harmless stays. */
export const safeFileName = (name: string): string => {
  const plain = withoutTail(cut(name.replace(unsafe, '_')))
  return /^[.\-~ ]/.test(plain) || reserved.test(plain) || plain === '' ? `_${plain}` : plain
}

/** Dots and spaces at the end are cut off by some systems. */
const withoutTail = (name: string): string => {
  let end = name.length
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--
  return name.slice(0, end) + '_'.repeat(name.length - end)
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** No longer than file systems take, and its extension with it. */
const cut = (name: string): string => {
  if (bytesOf(name) <= maxBytes) return name
  const extension = /\.[\w-]{1,16}$/.exec(name)?.[0] ?? ''
  let kept = ''
  for (const char of name) {
    if (bytesOf(kept + char) + extension.length > maxBytes) break
    kept += char
  }
  return kept + extension
}

/** The same for several files: where two would be one, also where upper and lower case or accents do not count, they are numbered. */
export const safeFileNames = (names: readonly string[]): readonly string[] => {
  const taken = new Set<string>()
  return names.map(name => {
    const safe = safeFileName(name)
    for (let i = 1;; i++) {
      const candidate = i === 1 ? safe : `${i}_${safe}`
      const key = candidate.normalize('NFKC').toLowerCase()
      if (taken.has(key)) continue
      taken.add(key)
      return candidate
    }
  })
}
