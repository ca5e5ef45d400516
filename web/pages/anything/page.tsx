// Anything: every request of the protocol, found by its words, filled in, and sent.
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { domains, requests, type RequestType } from '../../../lib/protocol/table.ts'
import { loginSteps } from '../../../lib/protocol/requests/session.ts'
import { rove } from '../../kit/roving.ts'
import { hrefOf } from '../../shell/router.ts'
import type { PageProps } from '../../shell/routes.ts'
import { useShortcuts } from '../../shell/shortcuts.tsx'
import { tellFailure } from '../../state/notices.ts'
import { t } from '../../text/index.ts'
import { RequestForm } from './request-form.tsx'
import './anything.css'

/** What the pages say of requests: larger than all the rest, and wanted a moment later. */
export type Docs = typeof import('./docs.ts')['docs']

/** Those that the client asks by itself are no use to anybody. */
const groups = Object.entries(domains).map(([domain, { requests }]) => ({
  domain,
  types: (Object.keys(requests) as RequestType[]).filter(type => !loginSteps.has(type)),
}))
const count = groups.reduce((sum, { types }) => sum + types.length, 0)

export const isRequest = (type: string): type is RequestType => Object.hasOwn(requests, type) && !loginSteps.has(type)

export const Page = ({ rest: [wanted], query }: PageProps) => {
  const texts = t.value.anything
  const docs = useSignal<Docs | undefined>(undefined)
  const words = useSignal('')
  useEffect(() => {
    import('./docs.ts').then(loaded => docs.value = loaded.docs, tellFailure)
  }, [])
  useShortcuts([{ key: '/', text: texts.search, run: () => document.getElementById('find-request')?.focus() }])
  const found = useMemo(() => matching(words.value, docs.value), [words.value, docs.value])
  const shown = found.reduce((sum, { types }) => sum + types.length, 0)
  return (
    <div class={`anything ${wanted === undefined ? 'at-list' : 'at-form'}`}>
      <section class='requests' aria-label={texts.title}>
        <h1>{texts.title}</h1>
        <label for='find-request' class='small'>{texts.search}</label>
        <input
          id='find-request'
          type='search'
          value={words.value}
          onInput={event => words.value = event.currentTarget.value}
          onKeyDown={event => {
            if (event.key === 'ArrowDown') document.querySelector<HTMLElement>('.requests [data-item]')?.focus()
          }}
        />
        <p class='small' role='status'>{shown === 0 ? texts.none : texts.shown(shown, count)}</p>
        <nav onKeyDown={rove} aria-label={texts.back}>
          {found.map(({ domain, types }) => (
            <div key={domain}>
              <h2>{domain}</h2>
              {types.map(type => (
                <a key={type} data-item href={hrefOf('anything', type)} aria-current={type === wanted ? 'page' : undefined}>
                  <code>{type}</code>
                  <span class='about'>{firstSentence(docs.value?.[type]?.doc)}</span>
                </a>
              ))}
            </div>
          ))}
        </nav>
      </section>
      <section class='request'>
        {wanted === undefined
          ? (
            <div class='middle'>
              <p>{texts.intro}</p>
              <p>{texts.pick}</p>
            </div>
          )
          : isRequest(wanted)
          ? <RequestForm key={`${wanted}?${query.toString()}`} type={wanted} given={query.get('fields')} doc={docs.value?.[wanted]} />
          : <div class='middle'>{texts.unknown(wanted.slice(0, 64))}</div>}
      </section>
    </div>
  )
}

/** Those that have every word somewhere in their name, their domain or what is said of them. */
const matching = (words: string, docs: Docs | undefined): typeof groups => {
  const wanted = words.toLowerCase().split(/\s+/).filter(word => word !== '')
  return groups.map(({ domain, types }) => ({
    domain,
    types: types.filter(type => {
      const text = `${type} ${type.replaceAll('_', ' ')} ${domain} ${docs?.[type]?.doc ?? ''}`.toLowerCase()
      return wanted.every(word => text.includes(word))
    }),
  })).filter(({ types }) => types.length > 0)
}

const firstSentence = (text = ''): string => /^.*?[.;:](?= |$)/.exec(text)?.[0].replace(/[;:]$/, '') ?? text
