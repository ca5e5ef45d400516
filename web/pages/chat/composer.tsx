// Where the visitor writes: Enter sends, Shift and Enter begin a line. What is begun stays in this tab.
import { useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Target } from '../../../lib/index.ts'
import { plain } from '../../kit/visible-text.tsx'
import { bring, type FileRef } from '../../state/carrying.ts'
import { draftOf, keepDraft } from '../../state/drafts.ts'
import { tellFailure } from '../../state/notices.ts'
import { say } from '../../state/outbox.ts'
import { t } from '../../text/index.ts'
import type { Intent } from './intent.ts'
import { changes } from './message-actions.tsx'

const maxRows = 8
/** Files that one message names. */
const maxFiles = 20

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
  const chosen = useSignal<readonly File[]>([])
  const isBringing = useSignal(false)
  const picker = useRef<HTMLInputElement>(null)
  const isSayable = !isBringing.value && (text.value.trim() !== '' || (about?.kind !== 'edit' && chosen.value.length > 0))
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
    if (!isSayable) return
    if (about?.kind === 'edit') {
      const { id, content } = about
      changes().edit({ id, content }, text.value).then(stop, tellFailure)
      return
    }
    if (chosen.value.length === 0) saidWith([])
    else void withFiles()
  }
  const saidWith = (files: readonly FileRef[]) => {
    // A message has a text, for who knows no files.
    say(place, text.value.trim() === '' ? files.map(({ name }) => name).join(', ') : text.value, about?.id, files)
    chosen.value = []
    write('')
    intent.value = undefined
    onSaid()
  }
  const withFiles = async () => {
    isBringing.value = true
    try {
      const files: FileRef[] = []
      for (const file of chosen.value) files.push(await bring(file))
      saidWith(files)
    } catch (error) {
      tellFailure(error)
    } finally {
      isBringing.value = false
    }
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
      {about?.kind !== 'edit' && chosen.value.length > 0 && (
        <ul class='attached' aria-label={texts.attached} aria-busy={isBringing.value}>
          {chosen.value.map((file, index) => (
            <li key={index}>
              ▤ <bdi>{plain(file.name)}</bdi> · {texts.bytes(file.size)}
              <button
                type='button'
                class='quiet'
                disabled={isBringing.value}
                aria-label={texts.detach(plain(file.name))}
                onClick={() => chosen.value = chosen.value.filter(each => each !== file)}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        id='compose'
        ref={box}
        aria-label={label}
        placeholder={label}
        dir='auto'
        readOnly={isBringing.value}
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
      <span class='sends'>
        <input
          ref={picker}
          type='file'
          multiple
          hidden
          aria-hidden='true'
          tabIndex={-1}
          onChange={event => {
            chosen.value = [...chosen.value, ...event.currentTarget.files ?? []].slice(0, maxFiles)
            event.currentTarget.value = ''
          }}
        />
        {about?.kind !== 'edit' && (
          <button
            type='button'
            class='quiet'
            disabled={isBringing.value}
            aria-label={texts.attach}
            onClick={() => picker.current?.click()}
          >
            ▤
          </button>
        )}
        <button type='submit' class='primary' disabled={!isSayable}>{about?.kind === 'edit' ? texts.save : texts.send}</button>
      </span>
    </form>
  )
}
