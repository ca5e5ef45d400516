// What peers write is read in linear time: every pattern that sees it by counted steps, every function that reads it by CPU time of
// one process, both over texts made to trouble them.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { describe, expect, test } from 'vitest'
import { attacksOn, commonAttacks, type Attack } from './attacks.ts'
import { charsOf, countSteps, parsePattern } from './pattern.ts'
import { table, type OwnText, type PeerText } from './table.ts'

/** Faster growth than this per doubling is none that a peer may cause. */
const maxGrowth = 2.2

interface Scan {
  readonly patterns: readonly RegExp[]
  /** Patterns put together at run time. */
  readonly built: number
}

const takesApart = new Set(['split', 'replace', 'replaceAll', 'match', 'matchAll', 'search', 'normalize'])

/** How a file takes texts apart; undefined where it does not. */
const scanOf = (file: string): Scan | undefined => {
  const patterns: RegExp[] = []
  let [built, calls] = [0, 0]
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { type, regex, callee } = node as {
      type?: string
      regex?: { pattern: string, flags: string }
      callee?: { type: string, name?: string, property?: { name?: string } }
    }
    if (type === 'Literal' && regex != null) patterns.push(new RegExp(regex.pattern, regex.flags))
    if ((type === 'NewExpression' || type === 'CallExpression') && callee?.name === 'RegExp') built++
    if (type === 'CallExpression' && callee?.type === 'MemberExpression' && takesApart.has(callee.property?.name ?? '')) calls++
    for (const part of Object.values(node)) visit(part)
  }
  visit(parseAst(readFileSync(file, 'utf8'), { lang: file.endsWith('.tsx') ? 'tsx' : 'ts' }))
  return patterns.length + built + calls === 0 ? undefined : { patterns, built }
}

const files = ['bin', 'lib', 'src', 'web'].flatMap(root =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).map(name => join(root, name))
).filter(file => /\.tsx?$/.test(file) && !file.endsWith('.test.ts')).sort()
const scans = new Map(files.flatMap(file => {
  const scan = scanOf(file)
  return scan === undefined ? [] : [[file, scan] as const]
}))

const rowOf = (file: string): readonly [string, PeerText | OwnText] | undefined =>
  Object.entries(table).filter(([place]) => place.endsWith('/') ? file.startsWith(place) : file === place).sort(([a], [b]) =>
    b.length - a.length
  )[0]

/** The attack that makes a pattern's steps grow too fast, and by how much; undefined where none does. */
const troubleWith = (pattern: RegExp, attacks: readonly Attack[], atMost = Infinity): string | undefined => {
  const tree = parsePattern(pattern)
  const stepsAt = (attack: Attack, n: number) => countSteps(tree, pattern.flags, charsOf(attack.text(n), pattern.flags), 5_000_000).steps
  for (const attack of attacks) {
    if (atMost < Infinity) {
      // A short text: nothing it holds makes more work than a long ordinary one.
      if (stepsAt(attack, atMost) > 50 * (atMost + 10)) return attack.name
      continue
    }
    // Long enough that bounded repetitions are at their bound.
    const [one, two, four] = [256, 512, 1_024].map(n => stepsAt(attack, n))
    if (four! / two! > maxGrowth) return `${attack.name}: ${one}, ${two}, ${four} steps`
  }
  return undefined
}

/** CPU time of so many calls, in µs: the least of several rounds, as whatever else runs only adds. */
const cpuOf = (run: (text: string) => unknown, text: string, calls = 1): number => {
  let least = Infinity
  for (let round = 0; round < 3 && least > littleMicros / 2; round++) {
    // What comes out of all calls is kept to the end: garbage is collected at the same cost, whether it came of one text or of several.
    const kept: unknown[] = []
    const before = process.cpuUsage()
    for (let call = 0; call < calls; call++) {
      try {
        kept.push(run(text))
      } catch {
        // Refused: that has to be cheap too.
      }
    }
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, user + system)
  }
  return least
}

/** Of so many characters, whatever is not linear costs more than so much work; what costs less needs no second look. */
const firstChars = 16_000
const littleMicros = 2_500

/**
 * As `troubleWith`, of a function: as much text in four pieces, in two and in one. A growth that noise made is looked at again, and is gone
 * in one of many looks; one that is there is seen in each: where twice the text is four times the work, one piece is four times that of four.
 */
const slownessOf = (run: (text: string) => unknown, attack: Attack, chars = firstChars): string | undefined => {
  if (cpuOf(run, attack.text(chars)) < littleMicros) return undefined
  let [told, squares] = ['', 0]
  for (let look = 0; look < 10 && squares < 3; look++) {
    const [four, two, one] = [4, 2, 1].map(calls => Math.max(cpuOf(run, attack.text(4 * chars / calls), calls), 2 * littleMicros))
    if (one! / four! <= (maxGrowth / 2) ** 2) return undefined
    if (one! / four! > 2.5) squares++
    told = `${attack.name}: ${four}, ${two}, ${one} µs for ${4 * chars} characters in 4, 2 and 1 pieces`
  }
  return told
}

describe('the table', () => {
  test('says of every file that takes texts apart whose they are: a new one needs a row', () => {
    expect([...scans.keys()].filter(file => rowOf(file) === undefined)).toEqual([])
  })

  test('has no row that nothing needs', () => {
    const used = new Set([...scans.keys()].map(file => rowOf(file)?.[0]))
    const idle = Object.entries(table).filter(([place, row]) => !used.has(place) && !('run' in row || 'lists' in row)).map(([place]) =>
      place
    )
    expect(idle).toEqual([])
  })

  test('runs what puts patterns together', () => {
    const built = [...scans].filter(([file, { built }]) => built > 0 && 'peer' in rowOf(file)![1])
    expect(built.filter(([file]) => (rowOf(file)![1] as PeerText).run === undefined).map(([file]) => file)).toEqual([])
  })
})

const peerPatterns = [...scans].flatMap(([file, { patterns }]) => {
  const row = rowOf(file)?.[1]
  return row === undefined || 'own' in row ? [] : patterns.map(pattern => ({ file, pattern, atMost: row.atMost?.[pattern.source] }))
})

test.each(peerPatterns)('$file: $pattern grows with the text', ({ pattern, atMost }) => {
  expect(troubleWith(pattern, attacksOn(pattern), atMost)).toBeUndefined()
})

test('steps are counted on the way that the engine goes', () => {
  for (const { pattern } of peerPatterns) {
    const everywhere = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '') + (pattern.flags.includes('y') ? 'y' : 'g'))
    for (const { text } of attacksOn(pattern)) {
      const chars = charsOf(text(40), pattern.flags)
      const whole = chars.join('')
      const found = everywhere.sticky
        ? [...[everywhere.exec(whole)].filter(match => match !== null)]
        : [...whole.matchAll(everywhere)]
      everywhere.lastIndex = 0
      const expected = found.map((
        { index, 0: match },
      ) => [charsOf(whole.slice(0, index), pattern.flags).length, charsOf(match, pattern.flags).length])
      const { matches } = countSteps(parsePattern(pattern), everywhere.flags, chars)
      expect(matches.map(([from, to]) => [from, to - from]), `${pattern} in ${JSON.stringify(whole)}`).toEqual(expected)
    }
  }
})

const readers = Object.values(table).flatMap(row =>
  'own' in row ? [] : [
    ...Object.entries(row.run ?? {}).map(([name, run]) => ({ name, run, attacks: commonAttacks })),
    ...Object.entries(row.lists ?? {}).map(([name, run]) => ({ name: `${name} of a list`, run, attacks: commonAttacks.slice(0, 3) })),
  ]
)

test.each(readers)('$name grows with the text', { timeout: 240_000 }, ({ run, attacks }) => {
  for (const attack of attacks) expect(slownessOf(run, attack)).toBeUndefined()
})

describe('what is slow is found', () => {
  test.each([
    ['a run that is looked through from each of its places', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g],
    ['ends that are looked for from everywhere', /0+$/],
    ['a choice of two ways to the same', /^(a|a)*b$/],
    ['a repetition of repetitions', /^(\w+\s?)*$/],
    ['spaces at the ends of lines', / +$/gm],
  ])('%s', (_name, pattern) => {
    expect(() => {
      const trouble = troubleWith(pattern, attacksOn(pattern))
      if (trouble !== undefined) throw new Error(trouble)
    }).toThrow()
  })

  test('the pattern that redaction had', () => {
    const old = /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g
    expect(commonAttacks.some(attack => slownessOf(text => text.replace(old, ''), attack, 4_000) !== undefined)).toBe(true)
  })

  test('a loop that looks for the same from the start', () => {
    const slow = (text: string) => Array.from({ length: text.length }, (_, i) => text.slice(i).lastIndexOf('no'))
    expect(slownessOf(slow, commonAttacks[0]!, 8_000)).toBeDefined()
  })
})
