// The history of a deal, step by step: who took it, what they said and delivered, and what their signature is worth.
import { isAgent } from '../../../lib/client/targets.ts'
import type { TradeSignature } from '../../../lib/identity/index.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { download } from '../../kit/download.ts'
import { Markdown } from '../../kit/markdown.tsx'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import type { Step } from '../../state/deal.ts'
import { sha256Of } from '../../state/files.ts'
import { notify, tellFailure } from '../../state/notices.ts'
import { t } from '../../text/index.ts'

/** What nobody signs as it stands there: the relay writes these down; a COUNTER is signed as the offer that it makes. */
const unsigned: Readonly<Record<string, 'relay' | 'counter'>> = {
  COUNTER: 'counter',
  FUND_REFUSED: 'relay',
  RULING: 'relay',
  LAPSED: 'relay',
  RECEIPT: 'relay',
}

export const Signature = ({ state, of }: { readonly state: TradeSignature, readonly of?: string }) => {
  const texts = t.value.deals
  const kind = state === 'none' && of !== undefined && Object.hasOwn(unsigned, of) ? unsigned[of]! : state
  const look = kind === 'valid' || kind === 'weak' ? 'good' : kind === 'relay' || kind === 'counter' ? '' : 'bad'
  return (
    <span class={`chip ${look}`} title={texts.signatureMeans[kind]}>
      {look === 'good' ? '✓ ' : look === 'bad' ? '! ' : ''}
      {texts.signature[kind]}
    </span>
  )
}

export const Steps = ({ steps }: { readonly steps: readonly Step[] }) => {
  const texts = t.value.deals
  return (
    <section class='card history' aria-labelledby='history'>
      <h2 id='history'>{texts.history}</h2>
      <p class='small'>{texts.historyChecked}</p>
      <ol>{steps.map((step, i) => <One key={i} step={step} />)}</ol>
    </section>
  )
}

const textIn = (step: Step, name: string): string | undefined => {
  const found = step[name]
  return typeof found === 'string' && found !== '' ? found : undefined
}

const One = ({ step }: { readonly step: Step }) => {
  const texts = t.value.deals
  const by = step['by'] ?? step['from']
  const said = [['reason', texts.reason], ['proof', texts.proof], ['text', texts.delivered]] as const
  return (
    <li>
      <p class='step-head'>
        {typeof by === 'string' && isAgent(by) && <AgentLink id={by} />}
        <span>{texts.steps[step.type] ?? plain(step.type)}</span>
        <Time at={step.ts} />
        <Signature state={step.signature} of={step.type} />
      </p>
      {said.map(([name, label]) => {
        const text = textIn(step, name)
        return text !== undefined && (
          <div key={name} class='step-said'>
            <span class='small'>{label}</span>
            <Markdown text={text} />
          </div>
        )
      })}
      <Files step={step} />
    </li>
  )
}

interface File {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly content?: string
}

const isFile = (each: unknown): each is File => {
  const { name, bytes, sha256 } = (each ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof bytes === 'number' && typeof sha256 === 'string'
}

/** What was delivered, saved when it is what its provider signed. */
const save = async ({ name, sha256, content = '' }: File): Promise<void> => {
  const bytes = Uint8Array.from(atob(content), sign => sign.charCodeAt(0))
  if (await sha256Of(bytes) !== sha256) notify('bad', t.peek().deals.fileBroken(name))
  else download(name, bytes)
}

const Files = ({ step }: { readonly step: Step }) => {
  const texts = t.value.deals
  const files: readonly unknown[] = Array.isArray(step['files']) ? step['files'] : []
  if (files.length === 0) return null
  // A hash that nobody signed says nothing about the file.
  const isSigned = step.signature === 'valid' || step.signature === 'weak'
  return (
    <ul class='files'>
      {files.filter(isFile).map((file, i) => (
        <li key={i}>
          <bdi>{plain(file.name)}</bdi> <span class='small'>{texts.file(file.bytes)}</span>{' '}
          <code class='long small'>{plain(file.sha256)}</code>
          {file.content === undefined
            ? <span class='small'>{texts.notSent}</span>
            : !isSigned
            ? <span class='wrong'>{texts.fileUnsigned}</span>
            : <button type='button' class='quiet' onClick={() => void save(file).catch(tellFailure)}>{texts.save(plain(file.name))}
            </button>}
        </li>
      ))}
    </ul>
  )
}
