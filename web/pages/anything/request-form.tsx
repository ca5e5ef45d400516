// One request: its fields, a check before it goes, the question where it is grave, and what came back.
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { RelayError } from '../../../lib/index.ts'
import { requests, type RequestType } from '../../../lib/protocol/table.ts'
import { Copy } from '../../kit/copy.tsx'
import { Fields } from '../../kit/form/fields.tsx'
import { blank, bodyOf, formOf, type Filled } from '../../kit/form/filled.ts'
import { problemsOf, type Problems } from '../../kit/form/problems.ts'
import { fieldsOf, isSecret, type Field } from '../../kit/form/shape.ts'
import { Json } from '../../kit/json.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { adminKey } from '../../state/admin-key.ts'
import { fresh } from '../../state/account.ts'
import { here, isKeyed } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { graveOf } from './grave.ts'
import { Sure } from './sure.tsx'
import { filledIn, send, signingOf, type Body } from './send.ts'
import { reasonOf } from '../../text/reason.ts'

interface Answer {
  /** Of what was refused. */
  readonly reason?: string
  readonly kind: 'answered' | 'refused'
  readonly value: unknown
  readonly ms: number
}

/** Only an admin asks these: the key of the tab goes with them. Others get it where it is typed. */
const isForAdmins = (type: string): boolean => type.startsWith('ADMIN_') || type === 'AUDIT' || type === 'SET_RETENTION'

export interface RequestFormProps {
  readonly type: RequestType
  /** JSON of fields, from a link */
  readonly given: string | null
  readonly doc: { readonly doc: string, readonly errors: readonly string[] } | undefined
}

const none: Problems = new Map()

const objectIn = (text: string | null): Body | undefined => {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Body : undefined
  } catch {
    return undefined
  }
}

const blankForm = (fields: readonly Field[]): Readonly<Record<string, Filled>> =>
  Object.fromEntries(fields.map(({ name, shape }) => [name, blank(shape)]))

export const RequestForm = ({ type, given, doc }: RequestFormProps) => {
  const texts = t.value.anything
  const { body: schema } = requests[type]
  const fields = useMemo(() => fieldsOf(schema, filledIn(type)), [type])
  const start = useMemo(() => {
    const values = withoutSecrets(objectIn(given) ?? {}, fields)
    return { values, form: formOf(fields, values) }
  }, [type, given])
  const filled = useSignal(start.form ?? blankForm(fields))
  /** undefined: the form is what counts */
  const raw = useSignal(start.form === undefined ? JSON.stringify(start.values, null, 2) : undefined)
  const problems = useSignal(none)
  const asked = useSignal<Body | undefined>(undefined)
  const answer = useSignal<Answer | undefined>(undefined)
  const isBusy = useSignal(false)
  const signing = signingOf(type, Object.keys(schema.shape))
  const isUnable = signing === 'signed' && type !== 'MSG' && !isKeyed.value

  /** What would be sent; undefined: something is wrong, which is said where it is. */
  const checked = (): Body | undefined => {
    const typed = raw.value === undefined ? bodyOf(fields, filled.value) : { body: objectIn(raw.value) ?? {}, misread: [] }
    if (raw.value !== undefined && objectIn(raw.value) === undefined) {
      problems.value = new Map([['', texts.wrong.fields]])
      return undefined
    }
    const key = adminKey.peek()
    const body = key !== undefined && isForAdmins(type) && typed.body['admin_key'] === undefined && 'admin_key' in schema.shape
      ? { ...typed.body, admin_key: key }
      : typed.body
    const result = schema.safeParse(body)
    // What the library fills in is not missing.
    const issues = result.success ? [] : result.error.issues.filter(({ path }) => !filledIn(type).has(String(path[0])))
    problems.value = problemsOf(body, issues, typed.misread, texts.wrong)
    return problems.value.size === 0 ? body : undefined
  }
  const go = async (body: Body): Promise<void> => {
    asked.value = undefined
    isBusy.value = true
    const began = performance.now()
    const since = () => Math.round(performance.now() - began)
    try {
      answer.value = { kind: 'answered', value: await fresh(() => send(here(), type, body)), ms: since() }
    } catch (error) {
      const { message } = error as Error
      answer.value = {
        kind: 'refused',
        reason: reasonOf(error),
        value: error instanceof RelayError ? { code: error.code, message } : { message },
        ms: since(),
      }
    } finally {
      isBusy.value = false
    }
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    const body = checked()
    if (body === undefined) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.request [aria-invalid="true"]')?.focus())
      return
    }
    if (graveOf(type) === undefined) void go(body)
    else asked.value = body
  }
  const switchMode = (): void => {
    problems.value = none
    if (raw.value === undefined) {
      raw.value = JSON.stringify(bodyOf(fields, filled.value).body, null, 2)
      return
    }
    const values = objectIn(raw.value)
    const form = values && formOf(fields, values)
    if (form === undefined) problems.value = new Map([['', values === undefined ? texts.wrong.fields : texts.noForm]])
    else {
      filled.value = form
      raw.value = undefined
    }
  }
  const link = (): string => {
    const values = raw.value === undefined ? bodyOf(fields, filled.value).body : objectIn(raw.value) ?? {}
    const shared = withoutSecrets(values, fields)
    const query = Object.keys(shared).length === 0 ? '' : `?${new URLSearchParams({ fields: JSON.stringify(shared) }).toString()}`
    return location.origin + hrefOf('anything', type) + query
  }
  return (
    <div class='page'>
      <a class='back' href={hrefOf('anything')}>← {texts.back}</a>
      <h1>
        <code>{type}</code>
      </h1>
      <p class='doc'>{doc?.doc.split('`').map((part, i) => i % 2 === 1 ? <code key={i}>{part}</code> : part)}</p>
      {given !== null && <p class='note' role='note'>{texts.prefilled}</p>}
      {signing !== 'none' && (
        <p class='small' role='note'>
          {signing === 'unsigned' ? texts.unsigned : isKeyed.value ? texts.byYourKey : type === 'MSG' ? '' : texts.noKey}
        </p>
      )}
      <form onSubmit={submit} noValidate>
        {raw.value === undefined
          ? (
            <Fields
              fields={fields}
              filled={filled.value}
              problems={problems.value}
              hints={adminKey.value !== undefined && isForAdmins(type) ? { admin_key: texts.adminKeyOfTab } : {}}
              onChange={value => filled.value = value}
            />
          )
          : <Raw text={raw.value} isWrong={problems.value.size > 0} onInput={text => raw.value = text} />}
        {problems.value.size > 0 && <Wrong problems={problems.value} isRaw={raw.value !== undefined} />}
        <div class='actions'>
          <button type='submit' class='primary' disabled={isBusy.value || isUnable}>{isBusy.value ? texts.sending : texts.send}</button>
          <button type='button' onClick={switchMode}>{raw.value === undefined ? texts.rawMode : texts.formMode}</button>
          <Copy text={link} label={texts.link} onCopied={texts.linked} />
        </div>
      </form>
      {answer.value !== undefined && (
        <section class='answer' aria-live='polite'>
          <h2>
            {answer.value.kind === 'answered' ? texts.answer : texts.refused} <span class='small'>{texts.answered(answer.value.ms)}</span>
          </h2>
          {answer.value.kind === 'refused' && (
            <p class='wrong'>
              <Why reason={answer.value.reason} />
            </p>
          )}
          <Json value={answer.value.value} label={texts.answer} />
        </section>
      )}
      {asked.value !== undefined && (
        <Sure
          type={type}
          grave={graveOf(type)!}
          shown={{ type, ...withoutSecrets(asked.value, fields) }}
          onSend={() => void go(asked.value!)}
          onClose={() => asked.value = undefined}
        />
      )}
    </div>
  )
}

const Raw = (
  { text, isWrong, onInput }: { readonly text: string, readonly isWrong: boolean, readonly onInput: (text: string) => void },
) => (
  <div class='field'>
    <label for='raw'>{t.value.anything.raw}</label>
    <textarea
      id='raw'
      class='code'
      rows={12}
      spellcheck={false}
      aria-invalid={isWrong}
      value={text}
      onInput={event => onInput(event.currentTarget.value)}
    />
  </div>
)

/** All of it in a list where no field stands beside it. */
const Wrong = ({ problems, isRaw }: { readonly problems: Problems, readonly isRaw: boolean }) => (
  <div class='wrong' role='alert'>
    {isRaw
      ? <ul>{[...problems].map(([path, text]) => <li key={path}>{path === '' ? text : `${path}: ${text}`}</li>)}</ul>
      : <p>{problems.get('') ?? t.value.anything.wrongFields}</p>}
  </div>
)

/** Fields that may be seen, and stand in a link. */
const withoutSecrets = (body: Body, fields: readonly Field[]): Body =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !fields.some(field => field.name === name && isSecret(field))))
