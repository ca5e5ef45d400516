// What can be done with a message: answered by anybody, changed by its author, taken back by him and by whoever owns the channel.
import { useSignal } from '@preact/signals'
import { conversation, type Target } from '../../../lib/index.ts'
import { hrefOf } from '../../shell/router.ts'
import { notify, tellFailure } from '../../state/notices.ts'
import { here, visitor } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { focusComposer, type Intent } from './intent.ts'

/** Edits and retractions, signed by the visitor's key. */
export const changes = () => {
  const identity = visitor.peek()?.identity
  return conversation(here(), identity === undefined ? {} : { identity })
}

const copy = (text: string): void => {
  navigator.clipboard.writeText(text).then(() => notify('good', t.value.chat.copied), tellFailure)
}

export const MessageActions = (
  { place, seq, of, isMine, mayRetract, isReachable, onIntent }: {
    readonly place: Target
    readonly seq: number
    readonly of: Omit<Intent, 'kind'>
    readonly isMine: boolean
    readonly mayRetract: boolean
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
          {isMine && <button type='button' onClick={() => intend('edit')}>{texts.edit}</button>}
          {mayRetract
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
