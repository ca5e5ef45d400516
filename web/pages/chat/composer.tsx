// Where the visitor writes: Enter sends, Shift and Enter begin a line. What is begun stays in this tab.
import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Target } from '../../../lib/index.ts'
import { plain } from '../../kit/visible-text.tsx'
import { draftOf, keepDraft } from '../../state/drafts.ts'
import { say } from '../../state/outbox.ts'
import { t } from '../../text/index.ts'
import type { ReplyTo } from './message-row.tsx'

const maxRows = 8

export const Composer = (
  { place, name, replyTo, onSaid }: {
    readonly place: Target
    readonly name: string
    readonly replyTo: Signal<ReplyTo | undefined>
    readonly onSaid: () => void
  },
) => {
  const texts = t.value.chat
  const text = useSignal(draftOf(place))
  const box = useRef<HTMLTextAreaElement>(null)
  const label = place.startsWith('#') ? texts.say(place) : texts.sayTo(plain(name))
  useEffect(() => {
    const again = () => {
      text.value = draftOf(place)
    }
    box.current?.addEventListener('draft', again)
    return () => box.current?.removeEventListener('draft', again)
  }, [place])
  const write = (next: string) => {
    text.value = next
    keepDraft(place, next)
  }
  const send = () => {
    if (text.value.trim() === '') return
    say(place, text.value, replyTo.value?.id)
    write('')
    replyTo.value = undefined
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
      {replyTo.value !== undefined && (
        <p class='answers'>
          ↪ {texts.replyTo(plain(replyTo.value.name))}: <bdi>{plain(replyTo.value.beginning)}</bdi>
          <button type='button' class='quiet' onClick={() => replyTo.value = undefined} aria-label={texts.cancel}>×</button>
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
          if (event.key === 'Escape') replyTo.value = undefined
        }}
      />
      <button type='submit' class='primary' disabled={text.value.trim() === ''}>{texts.send}</button>
    </form>
  )
}
