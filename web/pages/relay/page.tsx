// Relay: how it does, what it says, who is there and who is not wanted, for whoever operates it.
import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Right } from '../../../lib/access/table.ts'
import { rove } from '../../kit/roving.ts'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import type { PageProps } from '../../shell/routes.ts'
import { account } from '../../state/account.ts'
import { adminKey } from '../../state/admin-key.ts'
import { tellFailure } from '../../state/notices.ts'
import { enter, enterWithKey, leave, mayHere, refusal, right } from '../../state/operating.ts'
import { again, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Agents } from './agents.tsx'
import { Allowlist } from './allowlist.tsx'
import { AuditLog } from './audit.tsx'
import { Bans } from './bans.tsx'
import { Channels } from './channels.tsx'
import { Log } from './log.tsx'
import { Overview } from './overview.tsx'
import { SettingsList } from './settings.tsx'
import { reasonOf } from '../../text/reason.ts'
import './relay.css'

const parts = {
  overview: Overview,
  log: Log,
  agents: Agents,
  bans: Bans,
  allowlist: Allowlist,
  channels: Channels,
  audit: AuditLog,
  settings: SettingsList,
} as const satisfies Readonly<Record<string, ComponentType>>
type Part = keyof typeof parts
const names = Object.keys(parts) as readonly Part[]

/** By what right each is seen; the overview is everybody's. */
const needs: Readonly<Partial<Record<Part, Right>>> = {
  log: 'relay.inspect',
  agents: 'relay.attend',
  bans: 'relay.moderate',
  allowlist: 'relay.admit',
  channels: 'channel.rule',
  audit: 'audit.read',
  settings: 'relay.inspect',
}
const isOpen = (part: Part): boolean => needs[part] === undefined || mayHere(needs[part])

export const Page = ({ rest: [wanted] }: PageProps) => {
  const texts = t.value.relay
  useEffect(() => {
    // After a reconnect too: what an agent may is told to nobody, so it is tried.
    if (opened.value > 0 && right.peek() !== 'yes') enter().catch(tellFailure)
  }, [opened.value])
  const part = names.find(name => name === wanted && isOpen(name)) ?? 'overview'
  const Shown = parts[part]
  if (opened.value === 0 || right.value === 'unknown') return <div class='middle' aria-busy='true'>{t.value.shell.loading}</div>
  if (right.value === 'no') return <KeyForm />
  return (
    <div class='relay'>
      <header class='relay-head'>
        <h1>{texts.title}</h1>
        <nav class='tabs' aria-label={texts.title} onKeyDown={rove}>
          {names.filter(isOpen).map(name => (
            <a key={name} data-item href={hrefOf('relay', name)} aria-current={name === part ? 'page' : undefined}>{texts.parts[name]}</a>
          ))}
        </nav>
        {adminKey.value !== undefined && <button type='button' class='quiet' onClick={leave}>{texts.forgetKey}</button>}
      </header>
      <Shown />
    </div>
  )
}

const KeyForm = () => {
  const texts = t.value.relay
  const key = useSignal('')
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    isBusy.value = true
    wrong.value = undefined
    try {
      await enterWithKey(key.value)
    } catch (error) {
      wrong.value = reasonOf(error)
    } finally {
      key.value = ''
      isBusy.value = false
    }
  }
  return (
    <div class='middle'>
      <form class='card welcome' onSubmit={event => void submit(event)}>
        <h1>{texts.keyTitle}</h1>
        {account.value?.office !== undefined && (
          <p>
            {texts.signedInLater} <button type='button' onClick={() => void again()}>{t.value.shell.reload}</button>
          </p>
        )}
        <p>{texts.keyMore}</p>
        <label for='admin-key'>{texts.key}</label>
        <input
          id='admin-key'
          type='password'
          autocomplete='off'
          required
          value={key.value}
          onInput={event => key.value = event.currentTarget.value}
        />
        <div class='actions'>
          <button type='submit' class='primary' disabled={isBusy.value || key.value === ''}>{texts.keyEnter}</button>
        </div>
        <p class='wrong' role='alert'>
          <Why reason={wrong.value ?? (refusal.value.endsWith('missing') ? undefined : refusal.value)} />
        </p>
        <p class='small'>{texts.keyMeans}</p>
      </form>
    </div>
  )
}
