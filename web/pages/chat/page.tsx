// Chat: places on one side, what is said in the middle, who is there on the other.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { isTarget } from '../../../lib/client/targets.ts'
import type { Target } from '../../../lib/index.ts'
import { go, hrefOf } from '../../shell/router.ts'
import type { PageProps } from '../../shell/routes.ts'
import { useShortcuts } from '../../shell/shortcuts.tsx'
import { joined, list, partners, unreadOf } from '../../state/channels.ts'
import { tellFailure } from '../../state/notices.ts'
import { opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Browse } from './browse.tsx'
import { Conversation } from './conversation.tsx'
import { Places } from './places.tsx'
import './chat.css'

export const Page = ({ rest: [wanted, number] }: PageProps) => {
  const texts = t.value.chat
  const isBrowsing = useSignal(false)
  const place = wanted !== undefined && isTarget(wanted) ? wanted : undefined
  useEffect(() => {
    if (opened.value > 0) list().catch(tellFailure)
  }, [opened.value])
  useShortcuts([
    { key: 'c', text: texts.keyCompose, run: () => document.getElementById('compose')?.focus() },
    { key: 'b', text: texts.keyBrowse, run: () => isBrowsing.value = true },
    { key: 'n', text: texts.keyNext, run: () => nextUnread(place) },
  ])
  return (
    <div class={`chat ${place === undefined ? 'at-list' : 'at-place'}`}>
      <Places current={place} onBrowse={() => isBrowsing.value = true} />
      {opened.value === 0
        ? <div class='middle' aria-busy='true' />
        : place === undefined
        ? <div class='middle pick'>{joined.value.size === 0 ? <Browse isInline /> : <p>{texts.pick}</p>}</div>
        : <Conversation key={place} place={place} wanted={/^\d{1,9}$/.test(number ?? '') ? Number(number) : undefined} />}
      {isBrowsing.value && <Browse onClose={() => isBrowsing.value = false} />}
    </div>
  )
}

const nextUnread = (from: Target | undefined): void => {
  const places: readonly Target[] = [...joined.peek().keys(), ...partners.peek()]
  const at = from === undefined ? -1 : places.indexOf(from)
  const next = [...places.slice(at + 1), ...places.slice(0, at + 1)].find(place => unreadOf(place).count > 0)
  if (next !== undefined) go(hrefOf('chat', next))
}
