// What is pinned in a channel: a click leads to where it stands.
import type { ChannelName, Frame } from '../../../lib/index.ts'
import { rove } from '../../kit/roving.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { joined } from '../../state/channels.ts'
import { tellFailure } from '../../state/notices.ts'
import { nameOf } from '../../state/people.ts'
import { pinsOf, setPinned } from '../../state/pins.ts'
import { t } from '../../text/index.ts'

const maxShown = 300

export const PinsPane = ({ channel, isOwner }: { readonly channel: ChannelName, readonly isOwner: boolean }) => {
  const texts = t.value.chat
  const { list, events } = pinsOf(channel) ?? { list: [], events: [] }
  const info = joined.value.get(channel)
  const mayPin = info?.archived !== true && (isOwner || info?.pinBy !== 'owner')
  const messages = new Map(events.map(event => {
    const message = event as unknown as Frame<'MSG'>
    return [message.msg_id, message]
  }))
  return (
    <aside class='members pins' aria-label={texts.pins}>
      <h2>{texts.pins}</h2>
      <div role='status'>{list.length === 0 && texts.noPins}</div>
      {list.length > 0 && (
        <ul onKeyDown={rove}>
          {list.map(({ msgId, seq, by, at }) => {
            const message = messages.get(msgId)
            return (
              <li key={msgId}>
                <a data-item class='result' href={hrefOf('chat', channel, String(seq))}>
                  <span class='small'>
                    {message !== undefined && <bdi>{plain(message.from_name).slice(0, 64)}</bdi>} <Time at={message?.ts ?? at} />
                  </span>
                  <bdi>{plain(message?.content.slice(0, maxShown) ?? `#${seq}`)}</bdi>
                  <span class='small'>{texts.pinnedBy(plain(nameOf(by).value))}</span>
                </a>
                {mayPin && (
                  <button type='button' class='quiet act' onClick={() => void setPinned(channel, msgId, false).catch(tellFailure)}>
                    {texts.unpin}
                  </button>
                )}
              </li>
            )
          })}
        </ul>
      )}
    </aside>
  )
}
