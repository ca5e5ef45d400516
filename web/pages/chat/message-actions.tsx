// What can be done with a message: answered by anybody, changed by its author, taken back by him and by whoever owns the channel.
import { useSignal } from '@preact/signals'
import { isChannel } from '../../../lib/client/targets.ts'
import { conversation } from '../../../lib/index.ts'
import { hrefOf } from '../../shell/router.ts'
import { joined } from '../../state/channels.ts'
import type { PlaceLog, Reacted } from '../../state/log.ts'
import { notify, tellFailure } from '../../state/notices.ts'
import { setPinned } from '../../state/pins.ts'
import { setReaction } from '../../state/reactions.ts'
import { here, visitor } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { focusComposer, type Intent } from './intent.ts'

/** What is given most; whatever others gave can be given too. */
const usual = ['👍', '✅', '❤', '👀', '🎉', '❓']

/** Edits and retractions, signed by the visitor's key. */
export const changes = () => {
  const identity = visitor.peek()?.identity
  return conversation(here(), identity === undefined ? {} : { identity })
}

const copy = (text: string): void => {
  navigator.clipboard.writeText(text).then(() => notify('good', t.value.chat.copied), tellFailure)
}

export const MessageActions = (
  { log, seq, of, reacted, isMine, isOwner, isPinned, isReachable, onIntent }: {
    readonly log: PlaceLog
    readonly seq: number
    readonly of: Omit<Intent, 'kind'>
    readonly reacted: Reacted | undefined
    readonly isMine: boolean
    /** of the channel */
    readonly isOwner: boolean
    readonly isPinned: boolean
    /** by the Tab key: those of one message at a time */
    readonly isReachable: boolean
    readonly onIntent: (intent: Intent) => void
  },
) => {
  const texts = t.value.chat
  const isOpen = useSignal(false)
  const isSure = useSignal(false)
  const tabIndex = isReachable ? 0 : -1
  const intend = (kind: Intent['kind']) => {
    isOpen.value = false
    onIntent({ kind, ...of })
    focusComposer()
  }
  const { place } = log
  const channel = isChannel(place) ? joined.value.get(place) : undefined
  const mayPin = channel !== undefined && channel.archived !== true && (isOwner || channel.pinBy !== 'owner')
  const mine = reacted?.mine ?? []
  const pin = () => {
    isOpen.value = false
    if (isChannel(place)) setPinned(place, of.id, !isPinned).catch(tellFailure)
  }
  const takeBack = () => {
    isOpen.value = false
    changes().retract(of.id).catch(tellFailure)
  }
  return (
    <>
      <span class='acts'>
        <button type='button' class='quiet act' tabIndex={tabIndex} onClick={() => intend('reply')}>{texts.reply}</button>
        <button
          type='button'
          class='quiet act'
          tabIndex={tabIndex}
          aria-expanded={isOpen.value}
          aria-label={texts.more}
          onClick={() => {
            isSure.value = false
            isOpen.value = !isOpen.value
          }}
        >
          ⋯
        </button>
      </span>
      {isOpen.value && (
        <span class='more-acts'>
          <span role='group' aria-label={texts.react}>
            {usual.filter(kind => !mine.includes(kind)).map(kind => (
              <button
                key={kind}
                type='button'
                aria-label={texts.reactWith(kind)}
                onClick={() => {
                  isOpen.value = false
                  setReaction(log, of.id, kind, true).catch(tellFailure)
                }}
              >
                {kind}
              </button>
            ))}
          </span>
          {mayPin && <button type='button' onClick={pin}>{isPinned ? texts.unpin : texts.pin}</button>}
          {isMine && <button type='button' onClick={() => intend('edit')}>{texts.edit}</button>}
          {(isMine || isOwner)
            && (isSure.value
              ? <button type='button' class='danger' onClick={takeBack}>{texts.takeBackSure}</button>
              : <button type='button' onClick={() => isSure.value = true}>{texts.takeBack}</button>)}
          <button type='button' onClick={() => copy(of.content)}>{texts.copyText}</button>
          <button type='button' onClick={() => copy(location.origin + hrefOf('chat', place, String(seq)))}>{texts.copyLink}</button>
        </span>
      )}
    </>
  )
}
