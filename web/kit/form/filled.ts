// What was typed into a form, the value that it makes, and back again.
import type { Field, Shape } from './shape.ts'

/** What stands in a field: what was typed, chosen ('' is nothing), or nothing on purpose. */
export type Filled =
  | { readonly kind: 'typed', readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'list', readonly items: readonly Filled[] }
  | {
    readonly kind: 'group'
    readonly fields: Readonly<Record<string, Filled>> /** JSON of fields that have no name here */
    readonly rest: string
  }
  | { readonly kind: 'one-of', readonly which: number, readonly value: Filled }

/** Why there is no value, by the place of what was typed: `files.0.bytes`. */
export interface Misread {
  readonly path: string
  readonly why: 'number' | 'json' | 'fields'
}

const typed = (text: string): Filled => ({ kind: 'typed', text })

/** Nothing yet. */
export const blank = (shape: Shape): Filled => {
  switch (shape.kind) {
    case 'list':
      return { kind: 'list', items: [] }
    case 'group':
      return { kind: 'group', fields: Object.fromEntries(shape.fields.map(field => [field.name, blank(field.shape)])), rest: '' }
    case 'one-of':
      return { kind: 'one-of', which: 0, value: blank(shape.options[0]!) }
    default:
      return typed('')
  }
}

const isBlank = (filled: Filled): boolean => {
  switch (filled.kind) {
    case 'typed':
      return filled.text === ''
    case 'null':
      return false
    case 'list':
      return filled.items.length === 0
    case 'group':
      return filled.rest.trim() === '' && Object.values(filled.fields).every(isBlank)
    case 'one-of':
      return isBlank(filled.value)
  }
}

const under = (path: string, step: string | number): string => path === '' ? String(step) : `${path}.${step}`

const jsonOf = (text: string, path: string, misread: Misread[]): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    misread.push({ path, why: 'json' })
    return undefined
  }
}

const valueOf = (shape: Shape, filled: Filled, path: string, misread: Misread[]): unknown => {
  if (filled.kind === 'null') return null
  if (shape.kind === 'list' && filled.kind === 'list')
    return filled.items.map((item, i) => valueOf(shape.item, item, under(path, i), misread))
  if (shape.kind === 'group' && filled.kind === 'group') {
    const rest = filled.rest.trim() === '' ? {} : jsonOf(filled.rest, path, misread)
    if (typeof rest !== 'object' || rest === null || Array.isArray(rest)) misread.push({ path, why: 'fields' })
    return { ...valuesOf(shape.fields, filled.fields, path, misread), ...rest as object }
  }
  if (shape.kind === 'one-of' && filled.kind === 'one-of') return valueOf(shape.options[filled.which]!, filled.value, path, misread)
  const text = filled.kind === 'typed' ? filled.text : ''
  switch (shape.kind) {
    case 'number': {
      // What is no number is told as such; Number('') would be 0.
      const number = text.trim() === '' ? undefined : Number(text)
      if (number !== undefined && Number.isNaN(number)) misread.push({ path, why: 'number' })
      return number
    }
    case 'yes-no':
      return text === '' ? undefined : text === 'true'
    case 'choice':
      return text === '' ? undefined : shape.options.find(option => String(option) === text)
    case 'json':
      return text.trim() === '' ? undefined : jsonOf(text, path, misread)
    default:
      return text
  }
}

const valuesOf = (
  fields: readonly Field[],
  filled: Readonly<Record<string, Filled>>,
  path: string,
  misread: Misread[],
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(fields.flatMap(({ name, shape, isOptional }) => {
    const own = filled[name] ?? blank(shape)
    return isOptional && isBlank(own) ? [] : [[name, valueOf(shape, own, under(path, name), misread)]]
  }))

/** The fields of a request as they are sent; a text that is required and empty is an empty text. */
export const bodyOf = (
  fields: readonly Field[],
  filled: Readonly<Record<string, Filled>>,
): { readonly body: Readonly<Record<string, unknown>>, readonly misread: readonly Misread[] } => {
  const misread: Misread[] = []
  return { body: valuesOf(fields, filled, '', misread), misread }
}

/** What would have to be typed for a value; undefined: a form cannot hold it. */
const filledOf = (shape: Shape, value: unknown): Filled | undefined => {
  if (value === null) return { kind: 'null' }
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? typed(value) : undefined
    case 'number':
      return typeof value === 'number' ? typed(String(value)) : undefined
    case 'yes-no':
      return typeof value === 'boolean' ? typed(String(value)) : undefined
    case 'choice':
      return shape.options.includes(value as string) ? typed(String(value)) : undefined
    case 'json':
      return typed(JSON.stringify(value, null, 2))
    case 'list': {
      const items = Array.isArray(value) ? value.map(item => filledOf(shape.item, item)) : [undefined]
      return items.includes(undefined) ? undefined : { kind: 'list', items: items as Filled[] }
    }
    case 'one-of':
      for (const [which, option] of shape.options.entries()) {
        const inner = filledOf(option, value)
        if (inner !== undefined) return { kind: 'one-of', which, value: inner }
      }
      return undefined
    case 'group': {
      if (typeof value !== 'object' || Array.isArray(value)) return undefined
      const given = Object.entries(value as Readonly<Record<string, unknown>>)
      const rest = given.filter(([name]) => !shape.fields.some(field => field.name === name))
      if (rest.length > 0 && !shape.isOpen) return undefined
      const fields = formOf(shape.fields, Object.fromEntries(given.filter(each => !rest.includes(each))))
      return fields && { kind: 'group', fields, rest: rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest), null, 2) }
    }
  }
}

/** What would have to be typed for these fields; undefined: a form cannot hold them. */
export const formOf = (
  fields: readonly Field[],
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Filled>> | undefined => {
  const filled = fields.map(({ name, shape }) => [name, values[name] === undefined ? blank(shape) : filledOf(shape, values[name])] as const)
  const isWhole = filled.every(([, each]) => each !== undefined)
    && Object.keys(values).every(name => fields.some(field => field.name === name))
  return isWhole ? Object.fromEntries(filled) as Readonly<Record<string, Filled>> : undefined
}
