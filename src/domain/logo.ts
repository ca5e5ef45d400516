// Whether a picture may be a logo: it is shown on pages where people sign in, so it holds shapes and text, and nothing that runs or loads.

/** Shapes, their paints, and what groups and cuts them. */
const elements: ReadonlySet<string> = new Set([
  ...['svg', 'g', 'defs', 'symbol', 'use', 'title', 'desc', 'path', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon'],
  ...['text', 'tspan', 'linearGradient', 'radialGradient', 'stop', 'clipPath', 'mask', 'pattern'],
])

const tag = /<(?:\/([\w.:-]+)\s*|([\w.:-]+)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*\/?)>/y
const attribute = /([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

/** What is wrong with an SVG as a logo; undefined: nothing. Whatever it does not understand is. */
export const svgProblem = (svg: string): string | undefined => {
  const text = svg.replace(/^\uFEFF?\s*(?:<\?xml [^<>]*\?>)?/, '').trim()
  if (!text.startsWith('<')) return 'does not begin with <svg'
  let isWithin = false
  for (let at = 0; (at = text.indexOf('<', at)) >= 0;) {
    if (text.startsWith('<!--', at)) {
      const end = text.indexOf('-->', at)
      if (end < 0) return 'has a comment without an end'
      at = end + 3
      continue
    }
    tag.lastIndex = at
    const [whole, closing, opening, attributes = ''] = tag.exec(text) ?? []
    if (whole === undefined) return `has ${JSON.stringify(text.slice(at, at + 20))}, which is none of the tags that a logo needs`
    const name = closing ?? opening!
    if (!isWithin && opening !== 'svg') return 'does not begin with <svg'
    isWithin = true
    if (!elements.has(name)) return `has <${name}>: a logo is made of shapes, gradients and text`
    for (const [, key, double, single] of attributes.matchAll(attribute)) {
      const problem = attributeProblem(key!, double ?? single!)
      if (problem !== undefined) return `has <${name} ${key}="…">: ${problem}`
    }
    at += whole.length
  }
  return isWithin ? undefined : 'does not begin with <svg'
}

const attributeProblem = (name: string, value: string): string | undefined => {
  if (/^on/i.test(name)) return 'a logo runs nothing'
  if (/&#|\\|@|javascript:|data:/i.test(value)) return 'a logo writes its values plainly, and loads nothing'
  if (/(?:^|:)href$/i.test(name) && !value.startsWith('#')) return 'a logo refers to its own parts alone, as in "#part"'
  if (/url\(\s*(?!["']?#)/i.test(value)) return 'a logo refers to its own parts alone, as in "url(#part)"'
  return undefined
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** What is installed on a device needs as much; more than this takes memory for nothing. */
const sides = { least: 192, most: 1_024 }

/** Its width and height, or what is wrong with it. */
export const pngSize = (bytes: Buffer): { readonly side: number } | { readonly problem: string } => {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(pngSignature) || bytes.toString('latin1', 12, 16) !== 'IHDR')
    return { problem: 'is no PNG' }
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  if (width !== height || width < sides.least || width > sides.most)
    return { problem: `is ${width} × ${height}: a logo is square, of ${sides.least} to ${sides.most} pixels` }
  return { side: width }
}
