// What two agents ask at once, by what it is about: how it begins, what each may ask, and what is looked at afterwards.
import { sql, type Kysely } from 'kysely'
import type { Frame } from '../../../lib/protocol/index.ts'
import type { Name, Party, Says, Scene, Side } from './scene.ts'

export interface Deed {
  readonly who: Name
  readonly what: string
  /** All but the asking. */
  ready(scene: Scene, side: Side): Promise<() => Promise<Frame>>
}

export interface Family {
  readonly name: string
  /** Both are new in each scene: what counts over all that an agent does begins at nothing. */
  readonly isOfNewcomers?: boolean
  /** Ways in which it begins, by what they are called. */
  readonly before: Readonly<Record<string, (scene: Scene) => Promise<void>>>
  readonly deeds: readonly Deed[]
  /** What of an answer has to be as if one had been asked behind the other. */
  answered(answer: Frame): object
  /** What is stored then. */
  stored(scene: Scene): Promise<object>
  /** Lets go of what later scenes need. */
  over?(scene: Scene): Promise<void>
}

const asks = (who: Name, what: string, says: Says): Deed => ({
  who,
  what,
  async ready(scene, side) {
    const request = says(scene)
    return () => scene.answer(who, request, side)
  },
})

export const deeds = (who: Name, says: Readonly<Record<string, Says>>): readonly Deed[] =>
  Object.entries(says).map(([what, each]) => asks(who, what, each))
export const both = (says: Readonly<Record<string, (who: Party, scene: Scene) => ReturnType<Says>>>): readonly Deed[] =>
  (['ann', 'bob'] as const).flatMap(who => Object.entries(says).map(([what, each]) => asks(who, what, scene => each(who, scene))))

export const codeOf = (answer: Frame): object => ({ type: answer.type, ...(answer.type === 'ERROR' && { code: answer.code }) })
export const other = (who: Party): Party => who === 'ann' ? 'bob' : 'ann'

export const rows = async (scene: Scene, table: string, columns: string, where: string): Promise<readonly unknown[]> => {
  const db = scene.relay.store.read.tables() as unknown as Kysely<unknown>
  return (await sql.raw(`SELECT ${columns} FROM ${table} WHERE ${where} ORDER BY ${columns}`).execute(db)).rows
}

/** The events of a stream, without what is another one each time. */
export const events = async (scene: Scene, stream: string): Promise<readonly unknown[]> => {
  const page = await scene.relay.store.read.log.page(stream, { after: 0, limit: 50, maxBytes: 1_000_000 })
  return page.map(({ text }) => {
    const { type, from, content, edit, retract, erased } = JSON.parse(text.toString()) as Record<string, unknown>
    const of = (change: unknown) => change === undefined ? undefined : (change as { readonly of: string }).of
    return { type, from, content, edits: of(edit), retracts: of(retract), erased }
  })
}
