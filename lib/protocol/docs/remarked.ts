// Remarks put to the fields they are about.
import * as z from 'zod'
import { frames } from '../frames.ts'
import { requests } from '../table.ts'
import { remarks } from './remarks.ts'

/** What is said of single fields, by their schemas: `metadata` of `z.toJSONSchema`. */
export const remarked = z.registry<{ readonly description: string }>()

const inside = (schema: z.core.$ZodType): z.core.$ZodTypes => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'pipe' ? inside(def.in) : 'innerType' in def ? inside(def.innerType) : schema as z.core.$ZodTypes
}

/** @throws where a remark is about a field that is not there */
const schemaAt = (path: string): z.core.$ZodType => {
  const [side, type, ...steps] = path.split('.')
  const table: Readonly<Record<string, { readonly body: z.core.$ZodType } | undefined>> = side === 'requests' ? requests : frames
  let found: z.core.$ZodType | undefined = table[type!]?.body
  for (const step of steps) {
    const [name, kind] = step.split('|')
    const { def } = inside(found!)._zod
    found = def.type === 'object' ? def.shape[name!] : def.type === 'array' && name === '*' ? def.element : undefined
    const within = found === undefined || kind === undefined ? undefined : inside(found)._zod.def
    if (within?.type === 'union') found = within.options[Number(kind)]
    if (found === undefined) throw new Error(`docs/remarks.ts: there is no ${path}`)
  }
  return found!
}
for (const [path, description] of Object.entries(remarks)) remarked.add(schemaAt(path), { description })
