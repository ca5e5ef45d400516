// The relay's log as it comes, from a level on, with the words that somebody looks for.
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { logLevels } from '../../../lib/protocol/inspection.ts'
import { VirtualList } from '../../kit/virtual-list.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { followLog, lines, logProblem, missed, type LogLevel, type LogLine } from '../../state/relay-log.ts'
import { language, t } from '../../text/index.ts'

/** What stands beside the text, in a row: others chose it. */
const factsOf = ({ facts }: LogLine): string =>
  Object.entries(facts).filter(([, value]) => value !== null).map(([name, value]) =>
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  ).join('  ')

export const Log = () => {
  const texts = t.value.relay
  const level = useSignal<LogLevel>('trace')
  const words = useSignal('')
  const isPaused = useSignal(false)
  useEffect(() => followLog(level.value, () => isPaused.peek()), [level.value])
  const wanted = words.value.toLowerCase()
  const all = lines.value
  const shown = useMemo(
    () => wanted === '' ? all : all.filter(line => `${line.text} ${factsOf(line)}`.toLowerCase().includes(wanted)),
    [all, wanted],
  )
  const time = useMemo(
    () =>
      new Intl.DateTimeFormat(language.value, {
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        fractionalSecondDigits: 3,
        hourCycle: 'h23',
      }),
    [language.value],
  )
  return (
    <div class='relay-log'>
      <div class='filters'>
        <div>
          <label for='log-level'>{texts.level}</label>
          <select id='log-level' value={level.value} onChange={event => level.value = event.currentTarget.value as LogLevel}>
            {logLevels.map(each => <option key={each} value={each}>{each}</option>)}
          </select>
        </div>
        <div class='grows'>
          <label for='log-words'>{texts.words}</label>
          <input id='log-words' type='search' value={words.value} onInput={event => words.value = event.currentTarget.value} />
        </div>
        <button type='button' aria-pressed={isPaused.value} onClick={() => isPaused.value = !isPaused.value}>
          {isPaused.value ? texts.resume : texts.pause}
        </button>
        <span class='small' role='status'>{texts.shown(shown.length, all.length, false)}</span>
      </div>
      {logProblem.value !== undefined && (
        <p class='wrong' role='alert'>
          <Why reason={logProblem.value} />
        </p>
      )}
      {missed.value && <p class='small'>{texts.missed}</p>}
      <div class='lines'>
        {shown.length === 0 ? <div class='middle empty'>{texts.noLines}</div> : (
          <VirtualList
            count={shown.length}
            label={texts.parts.log}
            of={`${level.value} ${wanted}`}
            rowHeight={28}
            keyOf={i => shown[i]!.n}
            row={i => {
              const line = shown[i]!
              return (
                <div class={`line ${line.level}`}>
                  <time dateTime={new Date(line.at).toISOString()}>{time.format(line.at)}</time>
                  <span class='level'>{line.level}</span>
                  <span class='text'>
                    {plain(line.text)} <code>{plain(factsOf(line))}</code>
                  </span>
                </div>
              )
            }}
          />
        )}
      </div>
      <p class='small note'>{texts.logMeans}</p>
    </div>
  )
}
