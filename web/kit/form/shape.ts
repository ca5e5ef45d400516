// What a form for a request is made of: its schema, read into fields. Nothing here is drawn.
import type * as z from 'zod/mini'

/** A field as it is filled in. */
export type Shape =
  | { readonly kind: 'text', readonly isLong: boolean, readonly isSecret: boolean, readonly maxChars: number | undefined }
  | { readonly kind: 'number', readonly isWhole: boolean, readonly min: number | undefined, readonly max: number | undefined }
  | { readonly kind: 'yes-no' }
  | { readonly kind: 'choice', readonly options: readonly (string | number | boolean)[] }
  | { readonly kind: 'list', readonly item: Shape, readonly max: number | undefined }
  | { readonly kind: 'group', readonly fields: readonly Field[], readonly isOpen: boolean }
  | { readonly kind: 'one-of', readonly options: readonly Shape[] }
  | { readonly kind: 'json' }

export interface Field {
  readonly name: string
  readonly shape: Shape
  readonly isOptional: boolean
  /** It can also be nothing at all, which is something else than left out. */
  readonly isNullable: boolean
}

/** Texts whose value is shown to nobody, and stands in no link. */
const secretNames: ReadonlySet<string> = new Set(['admin_key', 'secret', 'resume'])
/** A longer text gets more than a line. */
const lineChars = 200

const defOf = (schema: z.core.$ZodType) => (schema as z.core.$ZodTypes)._zod.def

interface Bag {
  readonly maximum?: number
  readonly minimum?: number
  readonly format?: string
}
const bagOf = (schema: z.core.$ZodType): Bag => schema._zod.bag as Bag

interface Read {
  readonly shape: Shape
  readonly isOptional: boolean
  readonly isNullable: boolean
}

const sure = (shape: Shape): Read => ({ shape, isOptional: false, isNullable: false })
/** Numbers that only say how far JavaScript counts are no bound of anybody's. */
const bound = (value: number | undefined): number | undefined =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value

const read = (schema: z.core.$ZodType, name: string): Read => {
  const def = defOf(schema)
  switch (def.type) {
    case 'optional':
      return { ...read(def.innerType, name), isOptional: true }
    case 'nullable':
      return { ...read(def.innerType, name), isNullable: true }
    case 'pipe': {
      // Where null reads as left out, leaving it out is enough.
      const inner = read(def.in, name)
      return inner.isOptional ? { ...inner, isNullable: false } : inner
    }
    case 'string': {
      const maxChars = bound(bagOf(schema).maximum)
      const isSecret = secretNames.has(name)
      return sure({ kind: 'text', isSecret, isLong: !isSecret && (name === 'pubkey' || (maxChars ?? 0) > lineChars), maxChars })
    }
    case 'number': {
      const { minimum, maximum, format } = bagOf(schema)
      return sure({ kind: 'number', isWhole: format === 'safeint', min: bound(minimum), max: bound(maximum) })
    }
    case 'boolean':
      return sure({ kind: 'yes-no' })
    case 'literal':
      return sure({ kind: 'choice', options: def.values.filter(value => value !== null && typeof value !== 'undefined') as string[] })
    case 'array':
      return sure({ kind: 'list', item: read(def.element, '').shape, max: bound(bagOf(schema).maximum) })
    case 'union':
      return sure({ kind: 'one-of', options: def.options.map(option => read(option, name).shape) })
    case 'object':
      return sure({
        kind: 'group',
        fields: Object.entries(def.shape).map(([field, inner]) => ({ name: field, ...read(inner, field) })),
        isOpen: def.catchall !== undefined && defOf(def.catchall).type !== 'never',
      })
    default:
      return sure({ kind: 'json' })
  }
}

/** The fields of a request, those apart that whoever sends it fills in by itself. */
export const fieldsOf = (body: z.core.$ZodObject, hidden: ReadonlySet<string>): readonly Field[] => {
  const { shape } = read(body, '')
  return shape.kind === 'group' ? shape.fields.filter(({ name }) => !hidden.has(name)) : []
}

/** Whether its value is shown to nobody. */
export const isSecret = ({ shape }: Field): boolean => shape.kind === 'text' && shape.isSecret
