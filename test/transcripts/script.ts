// The language of transcripts: text → scenes of statements. What each line means stands in README.md beside the scripts.

export type Statement =
  & { readonly line: number }
  & (
    | { readonly kind: 'connect' | 'silence' | 'leave' | 'season', readonly who: string }
    | { readonly kind: 'login', readonly who: string, readonly key: string | undefined, readonly fields: object }
    | { readonly kind: 'send' | 'sign' | 'hear', readonly who: string, readonly frame: unknown }
    | { readonly kind: 'sendText' | 'bring', readonly who: string, readonly text: string }
    | { readonly kind: 'closed', readonly who: string, readonly code: number }
    | { readonly kind: 'key', readonly name: string }
    | { readonly kind: 'clock', readonly ms: number }
    | { readonly kind: 'drain' }
  )

export interface Scene {
  readonly title: string
  readonly relay: Record<string, unknown>
  readonly statements: readonly Statement[]
}

/** Marks a pattern that lists some of the fields only. */
export const openEnded = '...'

type Unplaced = Statement extends infer S ? S extends Statement ? Omit<S, 'line'> : never : never
type Rule = readonly [RegExp, (...groups: string[]) => Unplaced]

const json = (text: string): unknown => JSON.parse(text.replaceAll(',...}', `,"${openEnded}":true}`))

const rules: readonly Rule[] = [
  [/^key (\w+)$/, name => ({ kind: 'key', name })],
  [/^clock \+(\d+)$/, ms => ({ kind: 'clock', ms: Number(ms) })],
  [/^relay drains$/, () => ({ kind: 'drain' })],
  [/^(\w+) connects$/, who => ({ kind: 'connect', who })],
  [
    /^(\w+) logs in(?: with key (\w+))?(?: (\{.*\}))?$/,
    (who, key, fields) => ({ kind: 'login', who, key, fields: fields === undefined ? {} : JSON.parse(fields) as object }),
  ],
  [/^(\w+) is seasoned$/, who => ({ kind: 'season', who })],
  [/^(\w+) brings (".*")$/, (who, text) => ({ kind: 'bring', who, text: JSON.parse(text) as string })],
  [/^(\w+) leaves$/, who => ({ kind: 'leave', who })],
  [/^(\w+) hears nothing$/, who => ({ kind: 'silence', who })],
  [/^(\w+) closed (\d+)$/, (who, code) => ({ kind: 'closed', who, code: Number(code) })],
  [/^(\w+) > (\{.*\})$/, (who, frame) => ({ kind: 'send', who, frame: JSON.parse(frame) as unknown })],
  [/^(\w+) signs (\{.*\})$/, (who, frame) => ({ kind: 'sign', who, frame: JSON.parse(frame) as unknown })],
  [/^(\w+) >> ?(.*)$/, (who, text) => ({ kind: 'sendText', who, text })],
  [/^(\w+) < (\{.*\})$/, (who, frame) => ({ kind: 'hear', who, frame: json(frame) })],
]

const parseLine = (text: string): Unplaced => {
  for (const [pattern, build] of rules) {
    const match = pattern.exec(text)
    if (match !== null) return build(...match.slice(1))
  }
  throw new Error('not a statement')
}

/** Throws with the line number of what cannot be read. */
export const parseScript = (text: string): readonly Scene[] => {
  const scenes: { title: string, relay: Record<string, unknown>, statements: Statement[] }[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('# ')) return
    try {
      const title = /^== (.*)$/.exec(line)?.[1]
      if (title !== undefined) {
        scenes.push({ title, relay: {}, statements: [] })
        return
      }
      const scene = scenes.at(-1)
      if (scene === undefined) throw new Error('a statement before the first scene')
      const options = /^relay (\{.*\})$/.exec(line)?.[1]
      if (options !== undefined) scene.relay = JSON.parse(options) as Record<string, unknown>
      else scene.statements.push({ line: index + 1, ...parseLine(line) } as Statement)
    } catch (error) {
      throw new Error(`line ${index + 1}: ${(error as Error).message}: ${line}`)
    }
  })
  return scenes
}
