// Every request of the protocol can be filled in as a form, and what is wrong is found at its field.
import { describe, expect, test } from 'vitest'
import { requestDocs, requests, type RequestType } from '../lib/protocol/index.ts'
import { loginSteps } from '../lib/protocol/requests/session.ts'
import { blank, bodyOf, formOf, type Filled } from '../web/kit/form/filled.ts'
import { problemsOf } from '../web/kit/form/problems.ts'
import { fieldsOf, isSecret, type Field, type Shape } from '../web/kit/form/shape.ts'
import { filledIn, signingOf } from '../web/pages/anything/send.ts'
import { graveOf } from '../web/pages/anything/grave.ts'
import { anything } from '../web/text/en/anything.ts'

const types = (Object.keys(requests) as RequestType[]).filter(type => !loginSteps.has(type))
const none: ReadonlySet<string> = new Set()

const checked = (type: RequestType, body: object, hidden: ReadonlySet<string> = none) => {
  const result = requests[type].body.safeParse(body)
  return result.success ? [] : result.error.issues.filter(({ path }) => !hidden.has(String(path[0])))
}

/** Shapes that are fields of their own, all the way down. */
const shapesIn = (shape: Shape): readonly Shape[] =>
  shape.kind === 'group'
    ? shape.fields.flatMap(field => shapesIn(field.shape))
    : shape.kind === 'list'
    ? shapesIn(shape.item)
    : shape.kind === 'one-of'
    ? shape.options.flatMap(shapesIn)
    : [shape]

describe.each(types)('%s', type => {
  const { body } = requests[type]
  const { example } = requestDocs[type]
  const all = fieldsOf(body, none)

  test('has a field for each of its own', () => {
    expect(all.map(({ name }) => name)).toEqual(Object.keys(body.shape))
    const json = all.flatMap(({ name, shape }) => shapesIn(shape).some(({ kind }) => kind === 'json') ? [name] : [])
    // Rotations are documents that somebody signed.
    expect(json).toEqual(type === 'REVOCATION' ? ['rotations'] : [])
  })

  test('holds its example, and gives it back so that the schema takes it', () => {
    const form = formOf(all, example as Record<string, unknown>)
    expect(form).toBeDefined()
    const { body: again, misread } = bodyOf(all, form!)
    expect(misread).toEqual([])
    expect(checked(type, again)).toEqual([])
    expect(requests[type].body.parse(again)).toEqual(requests[type].body.parse(example))
  })

  test('says at each field that is missing that it is', () => {
    const fields = fieldsOf(body, filledIn(type))
    const empty = Object.fromEntries(fields.map(({ name, shape }) => [name, blank(shape)]))
    const { body: sent, misread } = bodyOf(fields, empty)
    const problems = problemsOf(sent, checked(type, sent, filledIn(type)), misread, anything.wrong)
    for (const path of problems.keys()) expect(fields.map(({ name }) => name)).toContain(path.split('.')[0])
    // What is left out is nothing that was asked for; what the library fills in is asked of nobody.
    for (const { name, isOptional } of fields) if (isOptional) expect(sent).not.toHaveProperty(name)
    for (const name of filledIn(type)) expect(fields.map(field => field.name)).not.toContain(name)
    for (const text of problems.values()) expect(text).not.toBe('')
  })
})

const typed = (text: string): Filled => ({ kind: 'typed', text })
const fieldNamed = (fields: readonly Field[], wanted: string): Field => fields.find(({ name }) => name === wanted)!

describe('a form', () => {
  test('finds what is wrong where it is, in words', () => {
    const fields = fieldsOf(requests.MSG.body, filledIn('MSG'))
    const file = { kind: 'group', rest: '', fields: { name: typed('a.txt'), bytes: typed('many'), sha256: typed('short') } } as const
    const filled: Record<string, Filled> = {
      to: typed('nobody'),
      content: typed('hello'),
      ttl_ms: typed('1.5'),
      files: { kind: 'list', items: [file] },
    }
    const { body, misread } = bodyOf(fields, filled)
    const problems = problemsOf(body, checked('MSG', body), misread, anything.wrong)
    expect(problems.get('to')).toBe('a #channel or an @agent, or one @host')
    expect(problems.get('ttl_ms')).toBe(anything.wrong.whole)
    expect(problems.get('files.0.bytes')).toBe(anything.wrong.number)
    expect(problems.get('files.0.sha256')).toBeDefined()
    expect(problems.has('content')).toBe(false)
  })

  test('tells null, an empty text and what is left out apart', () => {
    const fields = fieldsOf(requests.ADMIN_MOTD.body, none)
    expect(fieldNamed(fields, 'motd')).toMatchObject({ isNullable: true, isOptional: false })
    const motd = (value: Filled) => bodyOf(fields, { motd: value }).body
    expect(motd({ kind: 'null' })).toEqual({ motd: null })
    expect(motd(typed(''))).toEqual({ motd: '' })
    expect(bodyOf(fieldsOf(requests.SET_PRESENCE.body, none), { status: typed('away'), status_text: typed('') }).body).toEqual({
      status: 'away',
    })
  })

  test('knows what is secret, what the library signs, and what is asked about once more', () => {
    expect(fieldsOf(requests.ADMIN_BAN.body, none).filter(isSecret).map(({ name }) => name)).toEqual(['admin_key'])
    expect(fieldsOf(requests.HOOK_CREATE.body, none).filter(isSecret).map(({ name }) => name)).toEqual(['secret'])
    const signing = (type: RequestType) => signingOf(type, Object.keys(requests[type].body.shape))
    expect([signing('ACCEPT'), signing('COUNTER'), signing('MSG'), signing('RECEIPT_SIGN'), signing('PING')])
      .toEqual(['signed', 'signed', 'signed', 'unsigned', 'none'])
    expect([graveOf('DELETE_CHANNEL'), graveOf('TRANSFER'), graveOf('HISTORY')]).toEqual(['final', 'money', undefined])
  })

  test('cannot hold what has no field: that stays JSON', () => {
    expect(formOf(fieldsOf(requests.PING.body, none), { surprise: 1 })).toBeUndefined()
    expect(formOf(fieldsOf(requests.MSG.body, none), { to: 5 })).toBeUndefined()
    const open = formOf(fieldsOf(requests.SET_PROFILE.body, none), { profile: { more: { of: 'it' } } })
    expect(bodyOf(fieldsOf(requests.SET_PROFILE.body, none), open!).body['profile']).toEqual({ more: { of: 'it' } })
  })
})
