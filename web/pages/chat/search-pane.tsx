// What was said in a place, found by its words: a click leads to where it stands.
import { useSignal } from '@preact/signals'
import type { Target } from '../../../lib/index.ts'
import { rove } from '../../kit/roving.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { search, type Found } from '../../state/search.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

type Result = Found['results'][number]

/** The piece of a message, with what matched marked. Places are UTF-16 units of it. */
const Snippet = ({ snippet, marks }: Pick<Result, 'snippet' | 'marks'>) => {
  const parts = []
  let at = 0
  for (const [start = 0, length = 0] of marks) {
    if (start < at) continue
    parts.push(plain(snippet.slice(at, start)), <mark key={start}>{plain(snippet.slice(start, start + length))}</mark>)
    at = start + length
  }
  return <bdi>{parts}{plain(snippet.slice(at))}</bdi>
}

export const SearchPane = ({ place, name }: { readonly place: Target, readonly name: string }) => {
  const texts = t.value.chat
  const text = useSignal('')
  const results = useSignal<readonly Result[] | undefined>(undefined)
  const next = useSignal<string | undefined>(undefined)
  const wrong = useSignal<string | undefined>(undefined)
  const look = async (cursor?: string) => {
    wrong.value = undefined
    try {
      const found = await search(place, text.value, cursor)
      results.value = cursor === undefined ? found.results : [...results.peek() ?? [], ...found.results]
      next.value = found.next
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  return (
    <aside class='members search' aria-label={texts.search}>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (text.value.trim() !== '') void look()
        }}
      >
        <label for='search'>{texts.searchIn(plain(name))}</label>
        <input id='search' type='search' autofocus value={text.value} onInput={event => text.value = event.currentTarget.value} />
        <button type='submit'>{texts.search}</button>
      </form>
      {wrong.value !== undefined && (
        <p role='alert' class='wrong'>
          <Why reason={wrong.value} />
        </p>
      )}
      <div role='status'>{results.value?.length === 0 && texts.searchNone}</div>
      {results.value !== undefined && results.value.length > 0 && (
        <ul aria-label={texts.results} onKeyDown={rove}>
          {results.value.map(({ msgId, seq, ts, fromName, snippet, marks }) => (
            <li key={msgId}>
              <a data-item class='result' href={hrefOf('chat', place, String(seq))}>
                <span class='small'>
                  <bdi>{plain(fromName)}</bdi> · <Time at={ts} />
                </span>
                <Snippet snippet={snippet} marks={marks} />
              </a>
            </li>
          ))}
        </ul>
      )}
      {next.value !== undefined && <button type='button' onClick={() => void look(next.value)}>{texts.searchMore}</button>}
    </aside>
  )
}
