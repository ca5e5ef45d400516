// Words of the command line that are no text: they would be sent, or looked for, in another form than they were typed.

/** The place (from 1) of the first word that is not UTF-8, or undefined. `raw` is the command line as the system has it, ended by zeros. */
export const brokenArgument = (argv: readonly string[], raw: Uint8Array | undefined): number | undefined => {
  const suspect = argv.findIndex(word => word.includes('\ufffd'))
  if (suspect === -1) return undefined
  // Nobody can tell what it was: what is there is not passed on.
  if (raw === undefined) return suspect + 1
  const words = split(raw).slice(-argv.length)
  const broken = words.findIndex(word => !isText(word))
  return broken === -1 ? undefined : broken + 1
}

const split = (raw: Uint8Array): readonly Uint8Array[] => {
  const words: Uint8Array[] = []
  let start = 0
  for (let end = raw.indexOf(0); end !== -1; end = raw.indexOf(0, start)) {
    words.push(raw.subarray(start, end))
    start = end + 1
  }
  return words
}

const isText = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
