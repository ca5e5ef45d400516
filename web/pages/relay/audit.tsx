// What admins did: who, what, of whom, from where, when.
import { useSignal } from '@preact/signals'
import type { Frame } from '../../../lib/protocol/index.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { operate } from '../../state/operating.ts'
import { t } from '../../text/index.ts'
import { PagedFoot, usePaged } from './paged.tsx'
import { WideTable } from './wide-table.tsx'

type Entry = Frame<'AUDIT'>['entries'][number]

export const AuditLog = () => {
  const texts = t.value.relay
  const typed = useSignal('')
  const of = useSignal('')
  const list = usePaged<Entry>(of.value, async last => {
    const { entries, more } = await operate('AUDIT', {
      ...(of.peek() !== '' && { of: of.peek() }),
      ...(last !== undefined && { before: last.n }),
    })
    return { items: entries, more }
  })
  return (
    <div class='page'>
      <form
        class='one-line'
        onSubmit={event => {
          event.preventDefault()
          of.value = typed.value.trim()
        }}
      >
        <label for='audit-of'>{texts.auditOf}</label>
        <input id='audit-of' type='search' maxLength={100} value={typed.value} onInput={event => typed.value = event.currentTarget.value} />
        <button type='submit'>{texts.show}</button>
      </form>
      {list.items.length > 0 && (
        <WideTable label={texts.parts.audit} heads={[texts.when, texts.what, texts.whom, texts.who, texts.detail]}>
          {list.items.map(({ n, at, action, of: whom = '', by, account, address, detail }) => (
            <tr key={n}>
              <td>
                <Time at={at} />
              </td>
              <th scope='row'>
                <code>{plain(action)}</code>
              </th>
              <td>
                <code>{plain(whom)}</code>
              </td>
              <td>
                <code>{plain(account ?? by ?? texts.byKey)}</code>
                <div class='small'>{account !== undefined && by !== undefined && <code>{plain(by)}</code>} {plain(address)}</div>
              </td>
              <td>
                <code class='detail'>{plain(JSON.stringify(detail))}</code>
              </td>
            </tr>
          ))}
        </WideTable>
      )}
      <PagedFoot list={list} shown={list.items.length} none={texts.noAudit} />
    </div>
  )
}
