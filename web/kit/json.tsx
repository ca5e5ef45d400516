// A value as JSON: others chose what is in it, so that whatever would hide or reorder something is written out.
import { language, t } from '../text/index.ts'
import { Copy } from './copy.tsx'
import { visibleJson } from './visible-text.tsx'

/** More of it is no reading any more. */
const maxShownChars = 60_000

export const Json = ({ value, label }: { readonly value: unknown, readonly label: string }) => {
  const texts = t.value.anything
  const whole = visibleJson(value)
  const number = new Intl.NumberFormat(language.value)
  return (
    <div class='json'>
      <pre class='code' tabIndex={0} role='region' aria-label={label}>{whole.slice(0, maxShownChars)}</pre>
      {whole.length > maxShownChars && <p class='small'>{texts.cut(number.format(maxShownChars), number.format(whole.length))}</p>}
      <Copy text={() => whole} />
    </div>
  )
}
