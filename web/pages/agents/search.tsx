// Finding agents by what they offer. What is asked stands in the address: it can be kept, and gone back to.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { plainNumber } from '../../../lib/protocol/money.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { count } from '../../kit/numbers.ts'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { useShortcuts } from '../../shell/shortcuts.tsx'
import { hear, presenceOf } from '../../state/people.ts'
import { isKeyed, myId, opened } from '../../state/session.ts'
import { found, isSearching, pageSize, search, searchProblem, type FoundSkills, type SkillSearch } from '../../state/skills.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'
import { offerTo } from './offer.ts'

const sorts = ['rating', 'relevance', 'newest', 'rate'] as const
const availabilities = ['available', 'limited', 'unavailable'] as const
type Field = 'capability' | 'text' | 'currency' | 'language'

const queryOf = (asked: URLSearchParams): SkillSearch => {
  const text = (field: Field) => asked.get(field)?.trim() || undefined
  const rate = Number(asked.get('max_rate') || NaN)
  return {
    capability: text('capability'),
    text: text('text'),
    currency: text('currency'),
    language: text('language'),
    maxRate: rate >= 0 ? rate : undefined,
    availability: availabilities.find(each => each === asked.get('availability')),
    online: asked.get('online') === 'yes' ? true : undefined,
    sort: sorts.find(each => each === asked.get('sort')),
    offset: Math.min(100_000, Math.max(0, Math.trunc(Number(asked.get('offset')) || 0))) || undefined,
  }
}

/** The address of a search that differs in some of it; what is undefined is left out. */
const hrefWith = (asked: URLSearchParams, changed: Readonly<Record<string, string | undefined>>): string => {
  const next = new URLSearchParams(asked)
  next.delete('offset')
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined || value === '') next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return hrefOf('agents') + (text === '' ? '' : `?${text}`)
}

export const Search = ({ query }: { readonly query: URLSearchParams }) => {
  const texts = t.value.agents
  const asked = query.toString()
  useEffect(() => {
    void search(queryOf(query))
  }, [asked, opened.value])
  const answer = found.value
  useShortcuts([{ key: '/', text: texts.find, run: () => document.getElementById('find-capability')?.focus() }])
  return (
    <section class='finding' aria-labelledby='find'>
      <h2 id='find'>{texts.find}</h2>
      <Form key={asked} query={query} />
      {searchProblem.value !== undefined && (
        <p role='alert' class='wrong'>
          <Why reason={searchProblem.value} />
        </p>
      )}
      <div class='found' aria-busy={isSearching.value}>
        {answer !== undefined && (
          <>
            <Facets answer={answer} query={query} />
            <Results answer={answer} query={query} />
          </>
        )}
      </div>
    </section>
  )
}

const focused = signal<string | undefined>(undefined)

/** Fields that stand folded on a small screen until they are used. */
const narrowing = ['max_rate', 'currency', 'language', 'availability', 'sort', 'online']

const Form = ({ query }: { readonly query: URLSearchParams }) => {
  const texts = t.value.agents
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    focused.value = document.activeElement?.id
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    go(hrefWith(new URLSearchParams(), Object.fromEntries([...fields].map(([name, value]) => [name, String(value).trim()]))))
  }
  const text = (name: Field, label: string, hint = '', maxLength = 100) => (
    <div class={`field ${name}`}>
      <label for={`find-${name}`}>{label}</label>
      <input id={`find-${name}`} name={name} placeholder={hint} maxLength={maxLength} defaultValue={query.get(name) ?? ''} />
    </div>
  )
  useEffect(() => {
    // The form is made anew for what the address says: whoever wrote in it goes on where he was.
    if (focused.peek() !== undefined) document.getElementById(focused.peek()!)?.focus()
    focused.value = undefined
  }, [])
  const isWide = matchMedia('(min-width: 761px)').matches
  return (
    <form role='search' class='find' onSubmit={submit}>
      {text('capability', texts.capability, texts.capabilityHint)}
      {text('text', texts.text, texts.textHint, 200)}
      <details class='more-fields' open={isWide || narrowing.some(name => query.has(name))}>
        <summary>{texts.narrow}</summary>
        <div class='find'>
          <div class='field narrow'>
            <label for='find-rate'>{texts.maxRate}</label>
            <input
              id='find-rate'
              name='max_rate'
              inputMode='decimal'
              pattern='[0-9]*[.]?[0-9]*'
              defaultValue={query.get('max_rate') ?? ''}
            />
          </div>
          {text('currency', texts.currency, 'USD', 16)}
          {text('language', texts.language, 'en', 12)}
          <div class='field'>
            <label for='find-availability'>{texts.availability}</label>
            <select id='find-availability' name='availability' defaultValue={query.get('availability') ?? ''}>
              <option value=''>{texts.all}</option>
              {availabilities.map(each => <option key={each} value={each}>{texts.availabilities[each]}</option>)}
            </select>
          </div>
          <div class='field'>
            <label for='find-sort'>{texts.sort}</label>
            <select id='find-sort' name='sort' defaultValue={query.get('sort') ?? 'rating'}>
              {sorts.map(each => <option key={each} value={each}>{texts.sorts[each]}</option>)}
            </select>
          </div>
          <label class='check'>
            <input type='checkbox' name='online' value='yes' defaultChecked={query.get('online') === 'yes'} />
            {texts.onlineOnly}
          </label>
        </div>
      </details>
      <div class='actions'>
        <button id='find-do' type='submit' class='primary'>{texts.findDo}</button>
        {query.size > 0 && <a href={hrefOf('agents')}>{texts.clear}</a>}
      </div>
    </form>
  )
}

const facetNames = ['currency', 'language', 'availability'] as const
const maxFacets = 12

/** What the found ones have in common, with how many; a click narrows to it, another takes that back. */
const Facets = ({ answer: { facets }, query }: { readonly answer: FoundSkills, readonly query: URLSearchParams }) => {
  const texts = t.value.agents
  if (facets === undefined) return null
  const rows = facetNames.map(name => [name, Object.entries(facets[name]).sort(([, a], [, b]) => b - a).slice(0, maxFacets)] as const)
    .filter(([, counts]) => counts.length > 0)
  if (rows.length === 0) return null
  return (
    <nav class='facets' aria-label={texts.narrow}>
      {rows.map(([name, counts]) => (
        <div key={name}>
          <h3>{texts[name]}</h3>
          <ul>
            {counts.map(([value, many]) => {
              const isOn = query.get(name) === value
              return (
                <li key={value}>
                  <a class='chip' aria-current={isOn ? 'true' : undefined} href={hrefWith(query, { [name]: isOn ? undefined : value })}>
                    {name === 'availability' ? texts.availabilities[value] ?? plain(value) : plain(value)} · {count(many)}
                  </a>
                </li>
              )
            })}
          </ul>
        </div>
      ))}
    </nav>
  )
}

const rateOf = ({ rate, currency }: FoundSkills['results'][number]): string | undefined =>
  typeof rate === 'number' ? `${plainNumber(rate)} ${typeof currency === 'string' ? currency : ''}`.trim() : undefined

const Results = ({ answer, query }: { readonly answer: FoundSkills, readonly query: URLSearchParams }) => {
  const texts = t.value.agents
  const { total, results, capped } = answer
  const offset = Number(answer.query['offset'] ?? 0)
  useWatched(results.map(each => each.agentId))
  useEffect(() => {
    for (const { agentId, agentName, presence } of results) {
      hear(agentId, agentName)
      presenceOf(agentId).value = presence
    }
  }, [answer])
  if (results.length === 0) return <p class='none'>{texts.none}</p>
  return (
    <div class='results'>
      <p role='status' class='small'>
        {texts.shown(offset + 1, offset + results.length, texts.total(total))} {capped === true && texts.capped}
      </p>
      <ul class='skills'>
        {results.map((each, i) => <Result key={`${each.agentId} ${each.capability} ${i}`} skill={each} />)}
      </ul>
      <div class='actions'>
        {offset > 0 && <a class='button' href={hrefWith(query, { offset: String(Math.max(0, offset - pageSize)) })}>← {texts.previous}</a>}
        {offset + results.length < total && (
          <a class='button' href={hrefWith(query, { offset: String(offset + pageSize) })}>{texts.next} →</a>
        )}
      </div>
    </div>
  )
}

const Result = ({ skill }: { readonly skill: FoundSkills['results'][number] }) => {
  const texts = t.value.agents
  const { capability, agentId, verified, agentRating, agentTransactions, description } = skill
  return (
    <li class='card skill'>
      <div class='skill-head'>
        <strong>
          <bdi>{plain(capability)}</bdi>
        </strong>
        <span class='rate'>
          <bdi>{plain(rateOf(skill) ?? texts.notSaid)}</bdi>
        </span>
      </div>
      <p class='by'>
        <AgentLink id={agentId} />
        {verified && <span class='chip good'>✓ {texts.verified}</span>}
        <span class='small'>{texts.rated(count(agentRating), agentTransactions)}</span>
      </p>
      {typeof description === 'string' && <p class='about'>{plain(description)}</p>}
      {agentId !== myId.value && (
        <div class='actions'>
          <a class='button' href={hrefOf('chat', agentId)}>{texts.message}</a>
          <a class='button' href={hrefOf('agents', agentId)}>{texts.look}</a>
          {isKeyed.value && <a class='button' href={offerTo(agentId, skill)}>{texts.propose}</a>}
        </div>
      )}
    </li>
  )
}
