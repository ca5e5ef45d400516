// Keys that are approved: their agents are verified, and where the relay is strict only they are let in.
import { useSignal } from '@preact/signals'
import type { Frame } from '../../../lib/protocol/index.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { operate } from '../../state/operating.ts'
import { t } from '../../text/index.ts'
import { ActDialog, type Act } from './act.tsx'
import { PagedFoot, usePaged } from './paged.tsx'
import { WideTable } from './wide-table.tsx'
import { reasonOf } from '../../text/reason.ts'

type Approved = NonNullable<Frame<'ADMIN_RESULT'>['entries']>[number]

export const Allowlist = () => {
  const texts = t.value.relay
  const pubkey = useSignal('')
  const note = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  const rule = useSignal<'open' | 'verified' | 'strict'>('open')
  const act = useSignal<Act | undefined>(undefined)
  const list = usePaged<Approved>('allowlist', async last => {
    const { entries = [], more = false, enabled, strict } = await operate('ADMIN_LIST', last === undefined ? {} : { after: last.agentId })
    rule.value = strict === true ? 'strict' : enabled === true ? 'verified' : 'open'
    return { items: entries, more }
  })
  const approve = async (event: Event): Promise<void> => {
    event.preventDefault()
    wrong.value = undefined
    try {
      await operate('ADMIN_APPROVE', { pubkey: pubkey.value.trim(), ...(note.value.trim() !== '' && { note: note.value.trim() }) })
      pubkey.value = note.value = ''
      await list.again()
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  const revoking = (agentId: string): Act => ({
    title: texts.revoke,
    means: texts.revokeMeans(agentId),
    done: texts.done,
    run: () => operate('ADMIN_REVOKE', { agent_id: agentId }),
  })
  return (
    <div class='page'>
      <p>{texts.rules[rule.value]}</p>
      <details class='card'>
        <summary>{texts.approve}</summary>
        <form onSubmit={event => void approve(event)}>
          <label for='approve-key'>{texts.pubkey}</label>
          <textarea
            id='approve-key'
            class='code'
            rows={4}
            required
            spellcheck={false}
            placeholder='-----BEGIN PUBLIC KEY-----'
            value={pubkey.value}
            onInput={event => pubkey.value = event.currentTarget.value}
          />
          <label for='approve-note'>{texts.whose}</label>
          <input id='approve-note' maxLength={200} value={note.value} onInput={event => note.value = event.currentTarget.value} />
          <p class='wrong' role='alert'>
            <Why reason={wrong.value} />
          </p>
          <div class='actions'>
            <button type='submit' class='primary' disabled={pubkey.value.trim() === ''}>{texts.approve}</button>
          </div>
        </form>
      </details>
      {list.items.length > 0 && (
        <WideTable label={texts.parts.allowlist} heads={[texts.agent, texts.whose, texts.since, texts.acts]}>
          {list.items.map(({ agentId, note: of = '', approvedAt }) => (
            <tr key={agentId}>
              <th scope='row'>
                <code>@{plain(agentId)}</code>
              </th>
              <td>{plain(of)}</td>
              <td>
                <Time at={approvedAt} />
              </td>
              <td class='row-actions'>
                <button
                  type='button'
                  class='small'
                  aria-label={`${texts.revoke}: @${plain(agentId)}`}
                  onClick={() => act.value = revoking(agentId)}
                >
                  {texts.revoke}
                </button>
              </td>
            </tr>
          ))}
        </WideTable>
      )}
      <PagedFoot list={list} shown={list.items.length} none={texts.noKeys} />
      {act.value !== undefined && <ActDialog act={act.value} onClose={() => act.value = undefined} onDone={() => void list.again()} />}
    </div>
  )
}
