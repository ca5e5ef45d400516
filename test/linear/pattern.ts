// A regular expression as a tree, and a matcher of it that goes the way a backtracking engine goes and counts its steps: time that
// no other process can lengthen. Only what this repository's patterns use; anything else throws.

export type Node =
  | { readonly kind: 'char', readonly source: string, readonly fits: (char: string) => boolean }
  | { readonly kind: 'edge', readonly source: string }
  | { readonly kind: 'sequence', readonly parts: readonly Node[] }
  | { readonly kind: 'choice', readonly options: readonly Node[] }
  | { readonly kind: 'repeat', readonly body: Node, readonly min: number, readonly max: number, readonly lazy: boolean }
  | { readonly kind: 'look', readonly body: Node, readonly behind: boolean, readonly wanted: boolean }

export const parsePattern = ({ source, flags }: RegExp): Node => {
  let at = 0
  const charFlags = flags.replace(/[gyd]/g, '')
  const single = (text: string): Node => {
    const pattern = new RegExp(`^(?:${text})$`, charFlags)
    const known = new Map<string, boolean>()
    const fits = (char: string): boolean => {
      const found = known.get(char) ?? pattern.test(char)
      known.set(char, found)
      return found
    }
    return { kind: 'char', source: text, fits }
  }
  const take = (pattern: RegExp): string | undefined => {
    const found = new RegExp(pattern.source, 'y')
    found.lastIndex = at
    const text = found.exec(source)?.[0]
    at += text?.length ?? 0
    return text
  }
  const choice = (): Node => {
    const options = [sequence()]
    while (take(/\|/) !== undefined) options.push(sequence())
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }
  const sequence = (): Node => {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(atom()))
    return { kind: 'sequence', parts }
  }
  const repeated = (body: Node): Node => {
    const sign = take(/[*+?]|\{\d+(?:,\d*)?\}/)
    if (sign === undefined) return body
    const [min, max = min] = sign === '*' ? [0, Infinity] : sign === '+' ? [1, Infinity] : sign === '?'
      ? [0, 1]
      : sign.slice(1, -1).split(',').map(number => number === '' ? Infinity : Number(number)) as [number, number?]
    return { kind: 'repeat', body, min, max, lazy: take(/\?/) !== undefined }
  }
  const atom = (): Node => {
    const group = take(/\((?:\?(?:<?[=!]|:|<\w+>))?/)
    if (group !== undefined) {
      const body = choice()
      if (take(/\)/) === undefined) throw new Error(`a group without an end in ${source}`)
      return /[=!]$/.test(group) ? { kind: 'look', body, behind: group.includes('<'), wanted: group.endsWith('=') } : body
    }
    const edge = take(/\\[bB]|[$^]/)
    if (edge !== undefined) return { kind: 'edge', source: edge }
    const text = take(/\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[^]|[^*+?()]/)
    if (text === undefined || /^\\[1-9k]/.test(text)) throw new Error(`not known at ${at} of ${source}`)
    return single(text)
  }
  const tree = choice()
  if (at < source.length) throw new Error(`not read to its end: ${source}`)
  return tree
}

/** Characters of a text as a pattern with these flags sees them. */
export const charsOf = (text: string, flags: string): readonly string[] => flags.includes('u') ? Array.from(text) : text.split('')

export interface Counted {
  readonly steps: number
  /** Where every match begins and ends, in characters. */
  readonly matches: readonly (readonly [number, number])[]
}

/** Looks for every match of a global pattern, the first one of others, and counts what it looks at. */
export const countSteps = (tree: Node, flags: string, chars: readonly string[], maxSteps = Infinity): Counted => {
  let steps = 0
  const isWord = (i: number) => i >= 0 && i < chars.length && /\w/.test(chars[i]!)
  const holds = (edge: string, i: number): boolean => {
    if (edge === '^') return i === 0 || (flags.includes('m') && chars[i - 1] === '\n')
    if (edge === '$') return i === chars.length || (flags.includes('m') && chars[i] === '\n')
    return (isWord(i - 1) !== isWord(i)) === (edge === '\\b')
  }
  type Then = (i: number) => number
  const run = (node: Node, i: number, back: boolean, then: Then): number => {
    if (++steps > maxSteps) throw new Error('too many steps')
    switch (node.kind) {
      case 'char': {
        const at = back ? i - 1 : i
        return at >= 0 && at < chars.length && node.fits(chars[at]!) ? then(back ? i - 1 : i + 1) : -1
      }
      case 'edge':
        return holds(node.source, i) ? then(i) : -1
      case 'sequence': {
        const { parts } = node
        const from = (k: number, j: number): number =>
          k === parts.length ? then(j) : run(parts[back ? parts.length - 1 - k : k]!, j, back, next => from(k + 1, next))
        return from(0, i)
      }
      case 'choice':
        for (const option of node.options) {
          const end = run(option, i, back, then)
          if (end >= 0) return end
        }
        return -1
      case 'look':
        return (run(node.body, i, node.behind, end => end) >= 0) === node.wanted ? then(i) : -1
      case 'repeat':
        return node.body.kind === 'char' ? runChars(node.body.fits, node, i, back, then) : runRounds(node, 0, i, back, then)
    }
  }
  type Repeat = Extract<Node, { kind: 'repeat' }>
  /** Without a frame of the stack per character. */
  const runChars = (fits: (char: string) => boolean, { min, max, lazy }: Repeat, i: number, back: boolean, then: Then): number => {
    const step = back ? -1 : 1
    const fitsAt = (count: number) => {
      const at = back ? i - 1 - count : i + count
      steps++
      return at >= 0 && at < chars.length && fits(chars[at]!)
    }
    let count = 0
    while (count < (lazy ? min : max) && fitsAt(count)) count++
    if (count < min) return -1
    for (;;) {
      const end = then(i + step * count)
      if (end >= 0) return end
      if (lazy ? count >= max || !fitsAt(count) : count <= min) return -1
      count += lazy ? 1 : -1
      if (++steps > maxSteps) throw new Error('too many steps')
    }
  }
  const runRounds = (node: Repeat, round: number, i: number, back: boolean, then: Then): number => {
    const more = () =>
      round >= node.max
        ? -1
        : run(node.body, i, back, next => next === i && round >= node.min ? -1 : runRounds(node, round + 1, next, back, then))
    if (round < node.min) return more()
    if (node.lazy) {
      const end = then(i)
      return end >= 0 ? end : more()
    }
    const end = more()
    return end >= 0 ? end : then(i)
  }

  const matches: [number, number][] = []
  const isAnchored = !flags.includes('m') && startsAnchored(tree)
  for (let from = 0; from <= chars.length;) {
    const end = run(tree, from, false, i => i)
    if (end >= 0) {
      matches.push([from, end])
      if (!flags.includes('g')) break
    }
    if (isAnchored || flags.includes('y')) break
    from = end > from ? end : from + 1
  }
  return { steps, matches }
}

const startsAnchored = (node: Node): boolean =>
  node.kind === 'edge'
    ? node.source === '^'
    : node.kind === 'sequence'
    ? node.parts.length > 0 && startsAnchored(node.parts[0]!)
    : node.kind === 'choice' && node.options.every(startsAnchored)
