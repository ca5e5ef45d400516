// Who is not wanted here: agents and addresses.
import { useSignal } from '@preact/signals'
import type { Frame } from '../../../lib/protocol/index.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { operate } from '../../state/operating.ts'
import { t } from '../../text/index.ts'
import { ActDialog, type Act } from './act.tsx'
import { PagedFoot, usePaged } from './paged.tsx'
import { WideTable } from './wide-table.tsx'

type Ban = NonNullable<Frame<'ADMIN_RESULT'>['bans']>[number]

export const Bans = () => {
  const texts = t.value.relay
  const whom = useSignal('')
  const act = useSignal<Act | undefined>(undefined)
  const list = usePaged<Ban>('bans', async last => {
    const { bans = [], more = false } = await operate('ADMIN_BANS', last === undefined ? {} : { after: last.of })
    return { items: bans, more }
  })
  const named = (of: string) => of.startsWith('@') ? { agent_id: of } : { address: of }
  const banning = (of: string): Act => ({
    title: texts.ban,
    means: texts.banMeans(plain(of)),
    hasReason: true,
    done: texts.banned(plain(of)),
    run: async reason => {
      await operate('ADMIN_BAN', { ...named(of), ...(reason !== '' && { reason }) })
      whom.value = ''
    },
  })
  const lifting = (of: string): Act => ({
    title: texts.unban,
    means: texts.unbanMeans(plain(of)),
    done: texts.unbanned(plain(of)),
    run: () => operate('ADMIN_UNBAN', named(of)),
  })
  return (
    <div class='page'>
      <form
        class='one-line'
        onSubmit={event => {
          event.preventDefault()
          act.value = banning(whom.value.trim())
        }}
      >
        <label for='ban-whom'>{texts.banWhom}</label>
        <input id='ban-whom' required autocapitalize='off' value={whom.value} onInput={event => whom.value = event.currentTarget.value} />
        <button type='submit' disabled={whom.value.trim() === ''}>{texts.ban}</button>
      </form>
      {list.items.length > 0 && (
        <WideTable label={texts.parts.bans} heads={[texts.whom, texts.reason, texts.since, texts.acts]}>
          {list.items.map(({ of, reason = '', at }) => (
            <tr key={of}>
              <th scope='row'>
                <code>{plain(of)}</code>
              </th>
              <td>{plain(reason)}</td>
              <td>
                <Time at={at} />
              </td>
              <td class='row-actions'>
                <button type='button' class='small' aria-label={`${texts.unban}: ${plain(of)}`} onClick={() => act.value = lifting(of)}>
                  {texts.unban}
                </button>
              </td>
            </tr>
          ))}
        </WideTable>
      )}
      <PagedFoot list={list} shown={list.items.length} none={texts.noBans} />
      {act.value !== undefined && <ActDialog act={act.value} onClose={() => act.value = undefined} onDone={() => void list.again()} />}
    </div>
  )
}
