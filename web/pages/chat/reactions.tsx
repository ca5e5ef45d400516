// What others think of a message: a click gives the same, or takes one's own back.
import { plain } from '../../kit/visible-text.tsx'
import type { PlaceLog, Reacted } from '../../state/log.ts'
import { tellFailure } from '../../state/notices.ts'
import { setReaction } from '../../state/reactions.ts'
import { t } from '../../text/index.ts'

interface ReactionsProps {
  readonly log: PlaceLog
  /** the message */
  readonly of: string
  readonly reacted: Reacted | undefined
  /** by the Tab key: those of one message at a time */
  readonly isReachable: boolean
}

export const Reactions = ({ log, of, reacted, isReachable }: ReactionsProps) => {
  const texts = t.value.chat
  const { sums, mine = [] } = reacted ?? { sums: [] }
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
