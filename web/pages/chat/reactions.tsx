// What others think of a message: a click gives the same, or takes one's own back.
import { plain } from '../../kit/visible-text.tsx'
import type { PlaceLog } from '../../state/log.ts'
import { tellFailure } from '../../state/notices.ts'
import { setReaction } from '../../state/reactions.ts'
import { t } from '../../text/index.ts'

interface ReactionsProps {
  readonly log: PlaceLog
  /** the message */
  readonly of: string
  /** by the Tab key: those of one message at a time */
  readonly isReachable: boolean
}

export const Reactions = ({ log, of, isReachable }: ReactionsProps) => {
  const texts = t.value.chat
  // Its props stay the same: what the log has is subscribed to.
  void log.version.value
  const { sums, mine = [] } = log.reactionsTo(of) ?? { sums: [] }
  if (sums.length === 0) return null
  return (
    <p class='reactions' role='group' aria-label={texts.reactions}>
      {sums.map(({ kind, count }) => {
        const isMine = mine.includes(kind)
        return (
          <button
            key={kind}
            type='button'
            class='act'
            tabIndex={isReachable ? 0 : -1}
            aria-pressed={isMine}
            aria-label={texts.reaction(plain(kind), count)}
            onClick={() => void setReaction(log, of, kind, !isMine).catch(tellFailure)}
          >
            <bdi>{plain(kind)}</bdi> {count}
          </button>
        )
      })}
    </p>
  )
}
