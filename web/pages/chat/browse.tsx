// All channels that the visitor may know of, and a form for one of his own.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { isChannel } from '../../../lib/client/targets.ts'
import type { ChannelName } from '../../../lib/index.ts'
import { Dialog } from '../../kit/dialog.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { join, joined, list, listed } from '../../state/channels.ts'
import { tellFailure } from '../../state/notices.ts'
import { here } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

export const Browse = ({ onClose, isInline }: { readonly onClose?: () => void, readonly isInline?: boolean }) => {
  const texts = t.value.chat
  // What was made since is there too.
  useEffect(() => void list().catch(tellFailure), [])
  const enter = async (channel: ChannelName) => {
    try {
      await join(channel)
      onClose?.()
      go(hrefOf('chat', channel))
    } catch (error) {
      tellFailure(error)
    }
  }
  const body = (
    <>
      <ul class='channel-list'>
        {listed.value?.map(({ name, agents, topic, description }) => (
          <li key={name}>
            <span class='channel-name'>{name}</span>
            <span class='about'>{plain(topic ?? description ?? '')}</span>
            <span class='small'>{texts.members(agents)}</span>
            {joined.value.has(name)
              ? <a class='button' href={hrefOf('chat', name)} onClick={onClose}>{texts.start}</a>
              : <button type='button' onClick={() => void enter(name)} aria-label={`${texts.join} ${name}`}>{texts.join}</button>}
          </li>
        ))}
      </ul>
      <Create onMade={enter} />
    </>
  )
  return isInline === true
    ? (
      <section class='card'>
        <p>{texts.noneJoined}</p>
        {body}
      </section>
    )
    : <Dialog title={texts.allChannels} onClose={() => onClose?.()}>{body}</Dialog>
}

const Create = ({ onMade }: { readonly onMade: (channel: ChannelName) => Promise<void> }) => {
  const texts = t.value.chat
  const name = useSignal('')
  const isPrivate = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const create = async (event: Event) => {
    event.preventDefault()
    const wanted = `#${name.value.trim().replace(/^#/, '')}`
    if (!isChannel(wanted)) {
      wrong.value = texts.badChannel
      return
    }
    try {
      await here().createChannel(wanted, { inviteOnly: isPrivate.value })
      await onMade(wanted)
      await list()
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  return (
    <form class='create' onSubmit={event => void create(event)}>
      <h3>{texts.create}</h3>
      <label for='channel-name'>{texts.createName}</label>
      <input id='channel-name' value={name.value} onInput={event => name.value = event.currentTarget.value} />
      <label class='check'>
        <input type='checkbox' checked={isPrivate.value} onChange={event => isPrivate.value = event.currentTarget.checked} />
        {texts.createPrivate}
      </label>
      {wrong.value !== undefined && (
        <p role='alert' class='wrong'>
          <Why reason={wrong.value} />
        </p>
      )}
      <button type='submit'>{texts.createDo}</button>
    </form>
  )
}
