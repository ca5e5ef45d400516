// The fields of a form, drawn from their shapes: names on the left, what is wrong beside each.
import { useId } from 'preact/hooks'
import { t } from '../../text/index.ts'
import { blank, type Filled } from './filled.ts'
import { hasProblem, type Problems } from './problems.ts'
import type { Field, Shape } from './shape.ts'
import './form.css'

export interface FormProps {
  readonly fields: readonly Field[]
  readonly filled: Readonly<Record<string, Filled>>
  readonly problems: Problems
  readonly onChange: (filled: Readonly<Record<string, Filled>>) => void
  /** Beside a field, by its name: what stands in it while it is empty. */
  readonly hints?: Readonly<Record<string, string>>
  readonly path?: string
}

const within = (path: string, name: string | number): string => path === '' ? String(name) : `${path}.${name}`

/** Those that are asked for first; the others are one click away. */
export const Fields = ({ fields, filled, problems, onChange, hints = {}, path = '' }: FormProps) => {
  const asked = fields.filter(({ isOptional }) => !isOptional)
  const optional = fields.filter(({ isOptional }) => isOptional)
  const row = ({ name, shape, isOptional, isNullable }: Field) => (
    <FieldRow
      key={name}
      name={name}
      shape={shape}
      isOptional={isOptional}
      isNullable={isNullable}
      hint={hints[name]}
      path={within(path, name)}
      filled={filled[name] ?? blank(shape)}
      problems={problems}
      onChange={value => onChange({ ...filled, [name]: value })}
    />
  )
  const mustShow = optional.some(({ name }) => hasProblem(problems, within(path, name)))
  return (
    <div class='fields'>
      {asked.map(row)}
      {optional.length > 0 && (asked.length === 0
        ? optional.map(row)
        : (
          <details open={mustShow || undefined}>
            <summary>
              {t.value.anything.optional} <span class='small'>{optional.map(({ name }) => name).join(', ')}</span>
            </summary>
            {optional.map(row)}
          </details>
        ))}
    </div>
  )
}

interface RowProps {
  readonly name: string
  readonly shape: Shape
  readonly isOptional: boolean
  readonly isNullable: boolean
  readonly hint?: string | undefined
  readonly path: string
  readonly filled: Filled
  readonly problems: Problems
  readonly onChange: (value: Filled) => void
}

const isWide = ({ kind }: Shape): boolean => kind === 'list' || kind === 'group' || kind === 'one-of'

const FieldRow = (row: RowProps) => {
  const { name, shape, isOptional, isNullable, path, filled, problems, onChange } = row
  const id = useId()
  const texts = t.value.anything
  const wrong = problems.get(path)
  const described = wrong === undefined ? undefined : `${id}-wrong`
  const label = (
    <>
      <code>{name}</code>
      {!isOptional && <span class='asked' aria-hidden='true'>*</span>}
    </>
  )
  const alert = <p class='wrong' role='alert' id={`${id}-wrong`}>{wrong}</p>
  if (isWide(shape)) {
    return (
      <fieldset class='field wide' aria-describedby={described}>
        <legend>{label}</legend>
        <Wide {...row} />
        {alert}
      </fieldset>
    )
  }
  return (
    <div class='field'>
      <label for={id}>{label}</label>
      {filled.kind !== 'null' && <Input {...row} id={id} isWrong={wrong !== undefined} described={described} />}
      {isNullable && (
        <label class='check'>
          <input
            type='checkbox'
            checked={filled.kind === 'null'}
            onChange={event => onChange(event.currentTarget.checked ? { kind: 'null' } : blank(shape))}
          />
          {texts.nothing}
        </label>
      )}
      {alert}
    </div>
  )
}

type InputProps = RowProps & { readonly id: string, readonly isWrong: boolean, readonly described: string | undefined }

/** A single value. */
const Input = ({ shape, isOptional, hint, filled, onChange, id, isWrong, described }: InputProps) => {
  const texts = t.value.anything
  const text = filled.kind === 'typed' ? filled.text : ''
  const change = (event: { readonly currentTarget: { readonly value: string } }) =>
    onChange({ kind: 'typed', text: event.currentTarget.value })
  const same = { id, value: text, 'aria-invalid': isWrong, 'aria-describedby': described, 'aria-required': !isOptional }
  if (shape.kind === 'yes-no' || shape.kind === 'choice') {
    const options = shape.kind === 'choice'
      ? shape.options.map(option => [String(option), String(option)] as const)
      : [['true', texts.yes], ['false', texts.no]] as const
    return (
      <select {...same} onChange={change}>
        <option value=''>{isOptional ? texts.leftOut : '…'}</option>
        {options.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
      </select>
    )
  }
  if (shape.kind === 'json' || (shape.kind === 'text' && shape.isLong))
    return (
      <textarea
        {...same}
        class={shape.kind === 'json' ? 'code' : ''}
        rows={shape.kind === 'json' ? 4 : 3}
        spellcheck={false}
        onInput={change}
      />
    )
  const isSecret = shape.kind === 'text' && shape.isSecret
  return (
    <input
      {...same}
      {...(isSecret ? { type: 'password' } as const : { type: 'text' } as const)}
      inputMode={shape.kind === 'number' ? 'decimal' : undefined}
      autocomplete={isSecret ? 'new-password' : 'off'}
      autocapitalize='off'
      spellcheck={false}
      placeholder={hint}
      onInput={change}
    />
  )
}

/** What is made of several. */
const Wide = ({ name, shape, path, filled, problems, onChange, isOptional }: RowProps) => {
  const texts = t.value.anything
  const id = useId()
  if (shape.kind === 'list' && filled.kind === 'list') {
    const { item } = shape
    const put = (items: readonly Filled[]) => onChange({ kind: 'list', items })
    return (
      <>
        {filled.items.map((each, i) => (
          <div key={i} class='entry'>
            <FieldRow
              name={String(i + 1)}
              shape={item}
              isOptional={false}
              isNullable={false}
              path={within(path, i)}
              filled={each}
              problems={problems}
              onChange={value => put(filled.items.map((old, at) => at === i ? value : old))}
            />
            <button
              type='button'
              class='quiet'
              aria-label={texts.remove(name, i + 1)}
              onClick={() => put(filled.items.filter((_, at) => at !== i))}
            >
              ×
            </button>
          </div>
        ))}
        {filled.items.length < (shape.max ?? Infinity)
          && <button type='button' onClick={() => put([...filled.items, blank(item)])}>{texts.add(name)}</button>}
      </>
    )
  }
  if (shape.kind === 'one-of' && filled.kind === 'one-of') {
    return (
      <>
        <label for={id}>{texts.kindOfValue}</label>
        <select
          id={id}
          value={String(filled.which)}
          onChange={event => {
            const which = Number(event.currentTarget.value)
            onChange({ kind: 'one-of', which, value: blank(shape.options[which]!) })
          }}
        >
          {shape.options.map((option, i) => <option key={i} value={String(i)}>{nameOf(option, texts.kinds)}</option>)}
        </select>
        <FieldRow
          name={name}
          shape={shape.options[filled.which]!}
          isOptional={isOptional}
          isNullable={false}
          path={path}
          filled={filled.value}
          problems={problems}
          onChange={value => onChange({ ...filled, value })}
        />
      </>
    )
  }
  if (shape.kind === 'group' && filled.kind === 'group') {
    return (
      <>
        <Fields
          fields={shape.fields}
          filled={filled.fields}
          problems={problems}
          path={path}
          onChange={fields => onChange({ ...filled, fields })}
        />
        {shape.isOpen && (
          <div class='field'>
            <label for={id}>{texts.rest}</label>
            <textarea
              id={id}
              class='code'
              rows={2}
              spellcheck={false}
              value={filled.rest}
              onInput={event => onChange({ ...filled, rest: event.currentTarget.value })}
            />
          </div>
        )}
      </>
    )
  }
  return null
}

const nameOf = (shape: Shape, kinds: Readonly<Record<Shape['kind'], string>>): string =>
  shape.kind === 'choice' ? shape.options.map(String).join(', ') : kinds[shape.kind]
