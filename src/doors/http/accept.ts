// Whether whoever asks takes what would be answered.

/** More than any program sends. */
const maxRanges = 32

/** By Accept (RFC 9110): a range that fits and is not refused by q=0; what is more exact decides. */
export const accepts = (header: string | undefined, type: 'application/json' | 'text/event-stream'): boolean => {
  if (header === undefined || header === '' || header === '*/*' || header === type) return true
  const wide = `${type.slice(0, type.indexOf('/'))}/*`
  let best: { readonly exactness: number, readonly isTaken: boolean } | undefined
  for (const range of header.split(',', maxRanges)) {
    const [name = '', ...parameters] = range.split(';')
    const asked = name.trim().toLowerCase()
    const exactness = asked === type ? 3 : asked === wide ? 2 : asked === '*/*' ? 1 : 0
    if (exactness === 0 || (best !== undefined && exactness < best.exactness)) continue
    best = { exactness, isTaken: !parameters.some(each => /^\s*q=0(?:\.0{0,3})?\s*$/i.test(each)) }
  }
  return best?.isTaken === true
}
