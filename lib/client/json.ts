// Reading a value that was sent as JSON, held against a schema.
import { fieldLimits } from '../protocol/field-limits.ts'
import { isModestJson } from '../protocol/bounded.ts'
import { ContentError, type SchemaIssue } from './errors.ts'

/**
 * What a schema of any library that follows the Standard Schema convention offers (Zod, Valibot, ArkType …): a check of a value, which says
 * what it is then, or what is wrong with it.
 */
export interface StandardSchema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaAnswer<Output> | Promise<SchemaAnswer<Output>>
  }
}
type SchemaAnswer<Output> =
  | { readonly value: Output, readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** @throws ContentError NOT_JSON, or INVALID with what the schema says */
export const readJson = async <Output>(content: string, schema: StandardSchema<Output>): Promise<Output> => {
  if (!isModestJson(content, fieldLimits.maxFrameValues, fieldLimits.maxFrameLevels))
    throw new ContentError('NOT_JSON',
      `The message has more than ${fieldLimits.maxFrameValues} values, or is nested deeper than ${fieldLimits.maxFrameLevels} levels`)
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw new ContentError('NOT_JSON', 'The message is not JSON')
  }
  const answer = await schema['~standard'].validate(value)
  if (answer.issues === undefined) return answer.value
  throw new ContentError('INVALID', `The message is not what was expected: ${answer.issues.map(issueText).join('; ')}`, answer.issues)
}

const issueText = ({ path = [], message }: SchemaIssue): string => {
  const place = path.map(step => String(typeof step === 'object' ? step.key : step)).join('.')
  return place === '' ? message : `${place}: ${message}`
}
