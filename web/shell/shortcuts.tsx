// The keys that do something wherever the visitor is, and the page that says which: "?".
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Dialog } from '../kit/dialog.tsx'
import { t } from '../text/index.ts'
import { go, hrefOf } from './router.ts'
import { routes } from './routes.ts'

/** Keys of the page that is shown, by what `KeyboardEvent.key` calls them; with their text for the help. */
export interface Shortcut {
  readonly key: string
  readonly text: string
  readonly run: () => void
}

const isHelpShown = signal(false)
const ofPage = signal<readonly Shortcut[]>([])

/** The keys of a page, as long as it is shown. */
export const useShortcuts = (shortcuts: readonly Shortcut[]): void => {
  useEffect(() => {
    ofPage.value = shortcuts
    return () => {
      ofPage.value = []
    }
  })
}

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

const pressed = (event: KeyboardEvent): void => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || isWriting(event.target) || document.querySelector('dialog[open]')) return
  const number = /^Digit([1-9])$/.exec(event.code)?.[1]
  const row = event.altKey && number !== undefined ? routes[Number(number) - 1] : undefined
  const own = event.altKey ? undefined : ofPage.peek().find(({ key }) => key === event.key)
  const run = row !== undefined ? () => go(hrefOf(row.name)) : event.key === '?' ? () => isHelpShown.value = true : own?.run
  if (run === undefined) return
  event.preventDefault()
  run()
}

export const ShortcutHelp = () => {
  useEffect(() => {
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
  const texts = t.value
  if (!isHelpShown.value) return null
  return (
    <Dialog title={texts.shell.shortcuts} onClose={() => isHelpShown.value = false}>
      <dl class='keys'>
        {[
          ...ofPage.value.map(({ key, text }) => [key, text] as const),
          ...routes.map(({ title }, i) => [`Alt ${i + 1}`, title(texts)] as const),
          ['?', texts.shell.shortcuts] as const,
        ].map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
