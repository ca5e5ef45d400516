// Texts that a pattern has trouble with, made from the pattern itself: parts of what it would match, again and again, and never the end.
import { parsePattern, type Node } from './pattern.ts'

const alphabet = [
  ...'aA0 eZ9f1s-_.@#/\\:;,"\'=+%&<>()[]{}|!?*^$~`',
  '\n',
  '\r',
  '\t',
  '\u0000',
  '\u001b',
  '\u00e9',
  '\u0301',
  '\u0323',
  '\u202e',
  '\u2028',
  '\u200b',
  '\ud800',
  '💥',
]

/** A few texts that a node matches, short ones first. */
const samples = (node: Node): readonly string[] => {
  switch (node.kind) {
    case 'char': {
      const literal = node.source.length === 1 ? [node.source] : []
      return [...new Set([...literal, ...alphabet.filter(char => node.fits(char))])].slice(0, 3)
    }
    case 'edge':
    case 'look':
      return ['']
    case 'sequence':
      return node.parts.reduce<readonly string[]>((texts, part) => {
        const next = samples(part)
        return Array.from({ length: Math.min(3, Math.max(texts.length, next.length)) },
          (_, i) => texts[i % texts.length]! + next[i % next.length]!)
      }, [''])
    case 'choice':
      return [...new Set(node.options.flatMap(option => samples(option).slice(0, 2)))].slice(0, 12)
    case 'repeat': {
      const bodies = samples(node.body)
      return bodies.map(body => body.repeat(Math.min(node.max, Math.max(node.min, 1)))).slice(0, 3)
    }
  }
}

/** What stands before each place in a pattern, and what repeats there: the two halves of every attack. */
const pumps = (node: Node, before: string): readonly { readonly before: string, readonly pump: string }[] => {
  switch (node.kind) {
    case 'char':
    case 'edge':
      return []
    case 'look':
      return pumps(node.body, node.behind ? '' : before)
    case 'choice':
      return node.options.flatMap(option => pumps(option, before))
    case 'repeat':
      return [...samples(node.body).map(pump => ({ before, pump })), ...pumps(node.body, before)]
    case 'sequence': {
      let prefix = before
      return node.parts.flatMap(part => {
        const found = pumps(part, prefix)
        prefix += samples(part)[0] ?? ''
        // A beginning of a match, again and again.
        return [...found, { before: '', pump: prefix }]
      })
    }
  }
}

const ends = ['', '\u0000', '!', '\n', 'a', '-']

/** An attack: `text(n)` has about n characters. */
export interface Attack {
  readonly name: string
  readonly text: (n: number) => string
}

const repeated = (before: string, pump: string, end: string): Attack => ({
  name: JSON.stringify(`${before}(${pump})*${end}`).slice(0, 120),
  text: n => before + pump.repeat(Math.max(1, Math.ceil(n / pump.length))) + end,
})

const unique = (attacks: readonly Attack[]): readonly Attack[] => [...new Map(attacks.map(attack => [attack.text(50), attack])).values()]

/** Every part of the pattern pumped; behind what would match, and with something between that makes words of them. */
export const attacksOn = (pattern: RegExp): readonly Attack[] => {
  const found = pumps(parsePattern(pattern), '').filter(({ pump }) => pump !== '')
  return unique(found.flatMap(({ before, pump }) => [
    ...ends.slice(0, 3).map(end => repeated(before, pump, end)),
    ...['-', ' ', '.'].flatMap(between => [repeated(before, pump + between, ''), repeated('', before + pump + between, '!')]),
  ]))
}

const bits = [
  '-eyJ',
  'eyJaaaaaaaaaa.',
  '-sk-',
  'ghp_',
  'xoxb-',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  '@',
  '@a ',
  '\\"',
  '\\',
  '"',
  '[',
  '{"a":',
  '0,',
  '\u001b[31m',
  '\u202e',
  '\n',
  '\r\n',
  ' ',
  '0',
  'a',
  'A',
  '-',
  '.',
  ',',
  ':',
  '/',
  '%',
  '<',
  'a ',
  '\ud800',
  '💥',
  '\u0323\u0301',
  'Σ',
  // Markdown.
  '*a_',
  '- ',
  '1. a\n',
  '> ',
  '[a](',
  '~~`',
  'www.a.',
]

/** For code that is no pattern: what patterns have trouble with, and what parsers have. */
export const commonAttacks: readonly Attack[] = unique([
  ...bits.map(bit => repeated('', bit, '!')),
  ...[
    '#',
    '@',
    'PM8T',
    'lnbc',
    'lnurl1',
    'akash1',
    'solana:',
    'lightning:',
    'bip47:',
    '-----BEGIN PUBLIC KEY-----',
    'W/"',
    'retry_after_ms=',
    'https://',
  ].flatMap(before => ['a', '1'].map(pump => repeated(before, pump, ''))),
])
