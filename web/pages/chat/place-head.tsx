// The head of a place: what it is called and about, and what can be done with all of it.
import { useSignal, type Signal } from '@preact/signals'
import { channelName, type ChannelName, type Target } from '../../../lib/index.ts'
import { Dialog } from '../../kit/dialog.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { joined, leave } from '../../state/channels.ts'
import { tellFailure } from '../../state/notices.ts'
import { here } from '../../state/session.ts'
import { t } from '../../text/index.ts'

/** What stands beside the messages. */
export type Pane = 'members' | 'search' | 'pins' | undefined

export const PlaceHead = (
  { place, name, isIn, isOwner, pane }: {
    readonly place: Target
    readonly name: string
    readonly isIn: boolean
    readonly isOwner: boolean
    readonly pane: Signal<Pane>
  },
) => {
  const texts = t.value.chat
  const asks = useSignal<'channel' | undefined>(undefined)
  const isChannel = place.startsWith('#')
  const toggle = (wanted: Pane) => () => pane.value = pane.value === wanted ? undefined : wanted
  return (
    <header class='place-head'>
      <a class='back' href={hrefOf('chat')} aria-label={texts.back}>←</a>
      <h1>
        <bdi>{plain(name)}</bdi>
      </h1>
      <span class='about'>{isChannel ? plain(joined.value.get(channelName(place))?.topic ?? '') : place}</span>
      {isIn && <button type='button' class='quiet' aria-pressed={pane.value === 'search'} onClick={toggle('search')}>{texts.search}
      </button>}
      {isChannel && isIn && (
        <>
          <button type='button' class='quiet' aria-pressed={pane.value === 'members'} onClick={toggle('members')}>
            {texts.memberList}
          </button>
          <button type='button' class='quiet' aria-pressed={pane.value === 'pins'} onClick={toggle('pins')}>{texts.pins}</button>
          <button
            type='button'
            class='quiet'
            aria-haspopup='dialog'
            aria-label={`${texts.more}: ${place}`}
            onClick={() => asks.value = 'channel'}
          >
            ⋯
          </button>
        </>
      )}
      {asks.value !== undefined && <ChannelDialog channel={channelName(place)} isOwner={isOwner} onClose={() => asks.value = undefined} />}
    </header>
  )
}

const ChannelDialog = (
  { channel, isOwner, onClose }: { readonly channel: ChannelName, readonly isOwner: boolean, readonly onClose: () => void },
) => {
  const texts = t.value.chat
  const topic = useSignal(joined.value.get(channel)?.topic ?? '')
  const isSure = useSignal(false)
  const away = async (end: Promise<void>) => {
    try {
      await end
      onClose()
      go(hrefOf('chat'))
    } catch (error) {
      tellFailure(error)
    }
  }
  return (
    <Dialog title={channel} onClose={onClose}>
      <form
        onSubmit={event => {
          event.preventDefault()
          here().setTopic(channel, topic.value).then(onClose, tellFailure)
        }}
      >
        <label for='topic'>{texts.topic}</label>
        <input id='topic' value={topic.value} onInput={event => topic.value = event.currentTarget.value} />
        <div class='actions'>
          <button type='submit'>{texts.setTopic}</button>
        </div>
      </form>
      <div class='actions'>
        <button type='button' onClick={() => void away(leave(channel))}>{texts.leave}</button>
        {isOwner
          && (isSure.value
            ? <button type='button' class='danger' onClick={() => void away(here().channels.delete(channel))}>{texts.deleteSure}</button>
            : <button type='button' onClick={() => isSure.value = true}>{texts.deleteChannel}</button>)}
      </div>
    </Dialog>
  )
}
