// The forms that a condition may have, and the work that it can be at the most. None of them can fail when it runs, none repeats another
// repetition, and what each reads is as long as its words say: so its steps are counted once, when it is saved.
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Vocabulary } from './vocabulary.ts'

/** Of one run, in steps of a nanosecond, about: a character that is read is one. */
const maxSteps = 1_000_000
/** What a part of a condition takes beside the characters that it reads. */
const nodeSteps = 50
/** A longer text is looked for the slow way: each character of the other may be read as often as it is long. */
const maxQuickChars = 250

/** Of a part of a condition. `chars`: of what it gives, of a list all of it; `items` and `longest`: of a list, how many and their chars. */
interface Size {
  readonly steps: number
  readonly chars: number
  readonly items: number
  readonly longest: number
}

/** Why a condition is refused, and from which character on. */
export interface Problem {
  readonly at: number
  readonly why: string
}

const allowed = 'what may be called is contains, startsWith, endsWith, lowerAscii and size, and of lists exists and all'

const pairs: ReadonlySet<string> = new Set(['&&', '||', '==', '!=', '<', '<=', '>', '>=', 'in'])
const textCalls: ReadonlyMap<string, number> = new Map([['contains', 1], ['startsWith', 1], ['endsWith', 1], ['lowerAscii', 0], [
  'size',
  0,
]])

class Refusal extends Error {
  readonly problem: Problem
  constructor(at: number, why: string) {
    super(why)
    this.problem = { at, why }
  }
}

const sum = (parts: readonly Size[], pick: (part: Size) => number): number => parts.reduce((all, part) => all + pick(part), 0)
const most = (a: Size, b: Size, steps: number): Size => ({
  steps,
  chars: Math.max(a.chars, b.chars),
  items: Math.max(a.items, b.items),
  longest: Math.max(a.longest, b.longest),
})
const plain = (steps: number, chars = 0): Size => ({ steps, chars, items: 0, longest: 0 })

/** Where a part stands: sizes of the words that it may name, those that were named so far, and whether it is repeated. */
interface Place {
  readonly words: ReadonlyMap<string, Size>
  readonly named: Set<string>
  readonly isRepeated: boolean
}

const sizeOf = (node: ASTNode, place: Place): Size => {
  const inside = (part: ASTNode) => sizeOf(part, place)
  /** What reads all of its parts and gives something small. */
  const reading = (parts: readonly Size[]): Size => plain(nodeSteps + sum(parts, ({ steps, chars, items }) => steps + chars + items))
  switch (node.op) {
    case 'value': {
      const { args } = node
      if (typeof args === 'string') return plain(nodeSteps, args.length)
      if (typeof args === 'boolean' || typeof args === 'bigint') return plain(nodeSteps)
      throw new Refusal(node.start, 'only texts, whole numbers, true and false may stand here')
    }
    case 'id': {
      const word = place.words.get(node.args)
      if (word === undefined)
        throw new Refusal(node.start, `there is no ${node.args} here; there are ${[...place.words.keys()].join(', ')}`)
      place.named.add(node.args)
      return word
    }
    case 'list': {
      const sizes = node.args.map(inside)
      return {
        steps: nodeSteps + sum(sizes, ({ steps }) => steps),
        chars: sum(sizes, ({ chars }) => chars),
        items: sizes.length,
        longest: Math.max(0, ...sizes.map(({ chars }) => chars)),
      }
    }
    case '!_':
      return reading([inside(node.args)])
    case '?:': {
      const [condition, yes, no] = node.args.map(inside) as [Size, Size, Size]
      return most(yes, no, nodeSteps + condition.steps + yes.steps + no.steps)
    }
    case 'call': {
      const [name, args] = node.args
      if (name !== 'size' || args.length !== 1) throw new Refusal(node.start, `${name}: ${allowed}`)
      return reading(args.map(inside))
    }
    case 'rcall': {
      const [name, receiver, args] = node.args
      if (name === 'exists' || name === 'all') {
        if (place.isRepeated) throw new Refusal(node.start, `${name}: exists and all may not stand in one another`)
        const [item, body] = args
        if (item?.op !== 'id' || body === undefined) throw new Refusal(node.start, `${name}: it is written ${name}(word, condition)`)
        const list = inside(receiver)
        const words = new Map(place.words).set(item.args, { ...list, steps: nodeSteps, chars: list.longest })
        const each = sizeOf(body, { ...place, words, isRepeated: true })
        return plain(nodeSteps + list.steps + list.items * (nodeSteps + each.steps))
      }
      if (textCalls.get(name) !== args.length) throw new Refusal(node.start, `${name}: ${allowed}`)
      const text = inside(receiver)
      // There are letters that become two.
      if (name === 'lowerAscii') return plain(nodeSteps + text.steps + 2 * text.chars, 2 * text.chars)
      const others = args.map(inside)
      const slow = name === 'contains' && others[0]!.chars > maxQuickChars ? text.chars * others[0]!.chars : 0
      return plain(reading([text, ...others]).steps + slow)
    }
    default:
      if (!pairs.has(node.op))
        throw new Refusal(node.start,
          `${node.op} is not one of the forms of a condition: it compares (== != < <= > >= in), combines (&& || ! ?:) and calls; ${allowed}`)
      return reading((node.args as readonly ASTNode[]).map(inside))
  }
}

/** Which words a condition names and what a run of it takes at most, or why it may not be saved. */
export const examine = (
  condition: ASTNode,
  vocabulary: Vocabulary,
): { readonly named: ReadonlySet<string>, readonly steps: number } | { readonly problem: Problem } => {
  const words = new Map(Object.entries(vocabulary).map(([name, word]): [string, Size] => {
    if (word.kind === 'text') return [name, plain(nodeSteps, word.maxChars)]
    if (word.kind !== 'texts') return [name, plain(nodeSteps)]
    const { maxItems, maxChars } = word
    return [name, { steps: nodeSteps, chars: maxItems * maxChars, items: maxItems, longest: maxChars }]
  }))
  const named = new Set<string>()
  try {
    const { steps } = sizeOf(condition, { words, named, isRepeated: false })
    if (steps <= maxSteps) return { named, steps }
    const why = `it is too much work: up to ${steps} steps, and ${maxSteps} are allowed; look at fewer texts, or at shorter ones`
    return { problem: { at: condition.start, why } }
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.problem }
    throw error
  }
}
