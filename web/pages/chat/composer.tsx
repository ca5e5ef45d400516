// Where the visitor writes: Enter sends, Shift and Enter begin a line. What is begun stays in this tab.
import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Target } from '../../../lib/index.ts'
import { plain } from '../../kit/visible-text.tsx'
import { draftOf, keepDraft } from '../../state/drafts.ts'
import { tellFailure } from '../../state/notices.ts'
import { say } from '../../state/outbox.ts'
import { t } from '../../text/index.ts'
import type { Intent } from './intent.ts'
import { changes } from './message-actions.tsx'

const maxRows = 8

export const Composer = (
  { place, name, intent, onSaid }: {
    readonly place: Target
    readonly name: string
    readonly intent: Signal<Intent | undefined>
    readonly onSaid: () => void
  },
) => {
  const texts = t.value.chat
  const text = useSignal(draftOf(place))
  const box = useRef<HTMLTextAreaElement>(null)
  const label = place.startsWith('#') ? texts.say(place) : texts.sayTo(plain(name))
  const about = intent.value
  useEffect(() => {
    const again = () => {
      text.value = draftOf(place)
    }
    box.current?.addEventListener('draft', again)
    return () => box.current?.removeEventListener('draft', again)
  }, [place])
  useEffect(() => {
    if (about?.kind === 'edit') text.value = about.content
  }, [about])
  const write = (next: string) => {
    text.value = next
    if (about?.kind !== 'edit') keepDraft(place, next)
  }
  const stop = () => {
    if (about?.kind === 'edit') text.value = draftOf(place)
    intent.value = undefined
  }
  const send = () => {
    if (text.value.trim() === '') return
    if (about?.kind === 'edit') {
      const { id, content } = about
      changes().edit({ id, content }, text.value).then(stop, tellFailure)
      return
    }
    say(place, text.value, about?.id)
    write('')
    intent.value = undefined
    onSaid()
  }
  return (
    <form
      class='composer'
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      {about !== undefined && (
        <p class='answers'>
          {about.kind === 'edit' ? `✎ ${texts.editing}` : `↪ ${texts.replyTo(plain(about.name))}`}:{' '}
          <bdi>{plain(about.content.slice(0, 120))}</bdi>
          <button type='button' class='quiet' onClick={stop} aria-label={texts.cancel}>×</button>
        </p>
      )}
      <textarea
        id='compose'
        ref={box}
        aria-label={label}
        placeholder={label}
        dir='auto'
        rows={Math.min(maxRows, text.value.split('\n').length)}
        value={text.value}
        onInput={event => write(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault()
            send()
          }
          if (event.key === 'Escape') stop()
        }}
      />
      <button type='submit' class='primary' disabled={text.value.trim() === ''}>{about?.kind === 'edit' ? texts.save : texts.send}</button>
    </form>
  )
}
