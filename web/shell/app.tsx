// The frame of the console: who is in, the rail, the page, and what the console has to say.
import { useComputed, useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Dialog } from '../kit/dialog.tsx'
import { plain } from '../kit/visible-text.tsx'
import { Why } from '../kit/why.tsx'
import { brand } from '../state/brand.ts'
import { unreadInAll } from '../state/channels.ts'
import { dismiss, notices } from '../state/notices.ts'
import { again, doubt, isKeyed, myId, problem, question, sessionState, stage, visitor, welcome } from '../state/session.ts'
import { t } from '../text/index.ts'
import { Fault } from './fault.tsx'
import { Rail } from './rail.tsx'
import { go, hrefOf, place } from './router.ts'
import { routes, type PageProps, type RouteRow } from './routes.ts'
import { ShortcutHelp } from './shortcuts.tsx'
import { SignIn } from './sign-in.tsx'

const loaded = new Map<string, ComponentType<PageProps>>()

/** The page of a row, once it is here. */
const usePage = (row: RouteRow | undefined): ComponentType<PageProps> | string | undefined => {
  const [, redraw] = useState(0)
  const [failed, setFailed] = useState<{ readonly name: string, readonly why: string }>()
  useEffect(() => {
    if (row === undefined || loaded.has(row.name)) return
    row.load().then(({ Page }) => {
      loaded.set(row.name, Page)
      redraw(n => n + 1)
    }, (error: Error) => setFailed({ name: row.name, why: error.message }))
  }, [row])
  if (row === undefined) return undefined
  return loaded.get(row.name) ?? (failed?.name === row.name ? failed.why : undefined)
}

export const App = () => {
  const title = useComputed(() => {
    const count = unreadInAll.value
    return `${count > 0 ? `(${count}) ` : ''}${plain(brand.name ?? welcome.value?.server ?? '') || 'AgentChat'}`
  })
  useEffect(() => {
    document.title = title.value
  }, [title.value])
  if (stage.value === 'asking') return <main class='middle' aria-busy='true' />
  if (stage.value === 'stranger') return <SignIn />
  return <Inside />
}

const Inside = () => {
  const { page, rest, query } = place.value
  const row = routes.find(({ name }) => name === page)
  useEffect(() => {
    if (row === undefined) go(hrefOf(routes[0]!.name), { replace: true })
  }, [row])
  const Page = usePage(row)
  const texts = t.value.shell
  return (
    <div class='frame'>
      <a class='skip' href='#main' onClick={skip}>{texts.skip}</a>
      <Rail current={row?.name} />
      <main id='main' tabIndex={-1}>
        <Banner />
        {typeof Page === 'string'
          ? (
            <div class='middle'>
              <p>{texts.pageFailed(Page)}</p>
              <button type='button' onClick={() => void again()}>{texts.reload}</button>
            </div>
          )
          : Page === undefined
          ? <div class='middle' aria-busy='true'>{texts.loading}</div>
          : (
            <Fault key={row?.name}>
              <Page rest={rest} query={query} />
            </Fault>
          )}
      </main>
      <Doubt />
      <Question />
      <Notices />
      <ShortcutHelp />
    </div>
  )
}

const skip = (event: Event): void => {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** What is wrong with the connection, and what to do about it. */
const Banner = () => {
  const texts = t.value.shell
  if (problem.value !== undefined) {
    return (
      <div class='banner bad' role='alert'>
        <span>
          <Why reason={problem.value} />
        </span>
        <button type='button' onClick={() => void again()}>{texts.reload}</button>
      </div>
    )
  }
  if (sessionState.value === 'waiting') return <div class='banner' role='status'>{texts.offline}</div>
  if (sessionState.value === 'connecting' && myId.value === undefined) return <div class='banner' role='status'>{texts.connecting}</div>
  return null
}

/** Another relay answers here than before. */
const Doubt = () => {
  const asked = doubt.value
  const texts = t.value.shell
  if (asked === undefined) return null
  return (
    <Dialog title={texts.doubtTitle} onClose={() => asked.answer(false)}>
      <p>{texts.doubt}</p>
      <dl>
        <dt>{texts.doubtKnown}</dt>
        <dd>
          <code class='long'>{asked.about.known}</code>
        </dd>
        <dt>{texts.doubtNew}</dt>
        <dd>
          <code class='long'>{asked.about.serverId}</code>
        </dd>
      </dl>
      <div class='actions'>
        <button type='button' class='primary' onClick={() => asked.answer(false)}>{texts.doubtNo}</button>
        <button type='button' onClick={() => asked.answer(true)}>{texts.doubtYes}</button>
      </div>
    </Dialog>
  )
}

/** What the relay asks before it lets anybody in. */
const Question = () => {
  const asked = question.value
  const said = useSignal('')
  if (asked === undefined) return null
  return (
    <Dialog title={t.value.shell.question} onClose={() => asked.answer(said.value)}>
      <form
        onSubmit={event => {
          event.preventDefault()
          asked.answer(said.value)
        }}
      >
        <label for='question'>{plain(asked.text)}</label>
        <input id='question' autofocus value={said.value} onInput={event => said.value = event.currentTarget.value} />
        <div class='actions'>
          <button type='submit' class='primary'>{t.value.shell.answer}</button>
        </div>
      </form>
    </Dialog>
  )
}

const Notices = () => (
  <div class='notices' role='status' aria-live='polite'>
    {notices.value.map(({ id, kind, text }) => (
      <div key={id} class={`notice ${kind}`}>
        <span>
          <Why reason={text} />
        </span>
        <button type='button' class='quiet' aria-label={t.value.shell.close} onClick={() => dismiss(id)}>×</button>
      </div>
    ))}
  </div>
)

/** Who the visitor is, in a word. */
export const whoIsIn = (): string => visitor.value === undefined ? '' : isKeyed.value ? myId.value ?? '' : t.value.shell.guest
