// Where the visitor can talk: his channels, and whom he writes with.
import { useSignal } from '@preact/signals'
import { isAgent } from '../../../lib/client/targets.ts'
import type { AgentId, Target } from '../../../lib/index.ts'
import { rove } from '../../kit/roving.ts'
import { plain } from '../../kit/visible-text.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { joined, partners, unreadOf } from '../../state/channels.ts'
import { nameOf, presenceOf } from '../../state/people.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'

const Count = ({ place }: { readonly place: Target }) => {
  const { count, mentions } = unreadOf(place)
  if (count === 0) return null
  return <span class={`count ${mentions > 0 ? 'calls' : ''}`} title={t.value.chat.unread(count)}>{count > 999 ? '999+' : count}</span>
}

const Partner = ({ id, isCurrent }: { readonly id: AgentId, readonly isCurrent: boolean }) => (
  <a data-item href={hrefOf('chat', id)} aria-current={isCurrent ? 'page' : undefined} class={unreadOf(id).count > 0 ? 'fresh' : ''}>
    <span class={`dot ${presenceOf(id).value ?? 'unknown'}`} aria-hidden='true' />
    <bdi class='label'>{plain(nameOf(id).value)}</bdi>
    <Count place={id} />
  </a>
)

export const Places = ({ current, onBrowse }: { readonly current: Target | undefined, readonly onBrowse: () => void }) => {
  const texts = t.value.chat
  const channels = [...joined.value.keys()].sort()
  useWatched(partners.value)
  return (
    <nav class='places' aria-label={texts.places} onKeyDown={rove}>
      <h2>{texts.channels}</h2>
      {channels.map(channel => (
        <a
          key={channel}
          data-item
          href={hrefOf('chat', channel)}
          aria-current={channel === current ? 'page' : undefined}
          class={unreadOf(channel).count > 0 ? 'fresh' : ''}
        >
          <span class='label'>{channel}</span>
          <Count place={channel} />
        </a>
      ))}
      <button type='button' data-item class='quiet' onClick={onBrowse}>+ {texts.browse}</button>
      <h2>{texts.direct}</h2>
      {partners.value.map(id => <Partner key={id} id={id} isCurrent={id === current} />)}
      <WriteTo />
    </nav>
  )
}

const WriteTo = () => {
  const texts = t.value.chat
  const id = useSignal('')
  const isOpen = useSignal(false)
  const isWrong = useSignal(false)
  if (!isOpen.value) return <button type='button' data-item class='quiet' onClick={() => isOpen.value = true}>+ {texts.writeTo}</button>
  const start = (event: Event) => {
    event.preventDefault()
    const wanted = id.value.trim()
    isWrong.value = !isAgent(wanted)
    if (isWrong.value) return
    isOpen.value = false
    id.value = ''
    go(hrefOf('chat', wanted))
  }
  return (
    <form class='write-to' onSubmit={start}>
      <label for='write-to'>{texts.writeToId}</label>
      <input id='write-to' autofocus value={id.value} onInput={event => id.value = event.currentTarget.value} />
      {isWrong.value && <p role='alert' class='wrong'>{texts.badAgent}</p>}
      <div class='actions'>
        <button type='submit'>{texts.start}</button>
        <button type='button' class='quiet' onClick={() => isOpen.value = false}>{texts.cancel}</button>
      </div>
    </form>
  )
}
