// What is wrong with what was filled in, at the fields, in the visitor's language. The schema says it by codes.
import type * as z from 'zod/mini'
import type { Misread } from './filled.ts'

/** By the place of a field: `files.0.bytes`; '' is the whole. */
export type Problems = ReadonlyMap<string, string>

/** How it is said. */
export interface Wrong extends Readonly<Record<'missing' | 'number' | 'json' | 'fields' | 'whole' | 'other', string>> {
  readonly type: (expected: string) => string
  readonly least: (min: string, isText: boolean) => string
  readonly most: (max: string, isText: boolean) => string
  readonly few: (min: string) => string
  readonly many: (max: string) => string
  readonly oneOf: (values: string) => string
}

const phrase = (issue: z.core.$ZodIssue, value: unknown, wrong: Wrong): string => {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined ? wrong.missing : issue.expected === 'int' ? wrong.whole : wrong.type(issue.expected)
    case 'too_small':
      return issue.origin === 'array' ? wrong.few(String(issue.minimum)) : wrong.least(String(issue.minimum), issue.origin === 'string')
    case 'too_big':
      return issue.origin === 'array' ? wrong.many(String(issue.maximum)) : wrong.most(String(issue.maximum), issue.origin === 'string')
    case 'invalid_value':
      return value === undefined ? wrong.missing : wrong.oneOf(issue.values.map(String).join(', '))
    case 'invalid_union':
      return wrong.other
    default:
      // What the table says of its own rules is in its own words.
      return issue.message === '' || issue.message === 'Invalid input' ? wrong.other : issue.message
  }
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, step) => (inner as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[step], value)

/** The first thing that is wrong at each place. */
export const problemsOf = (
  body: unknown,
  issues: readonly z.core.$ZodIssue[],
  misread: readonly Misread[],
  wrong: Wrong,
): Problems => {
  const found = new Map<string, string>(misread.map(({ path, why }) => [path, wrong[why]]))
  for (const issue of issues) {
    const path = issue.path.map(String).join('.')
    if (!found.has(path)) found.set(path, phrase(issue, at(body, issue.path), wrong))
  }
  return found
}

/** Whether something is wrong there, or within. */
export const hasProblem = (problems: Problems, path: string): boolean =>
  [...problems.keys()].some(each => each === path || each.startsWith(`${path}.`))
