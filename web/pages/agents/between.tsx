// What the visitor and an agent have dealt: their deals, and receipts that both can show.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { AgentId, Proposal } from '../../../lib/index.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { tellFailure } from '../../state/notices.ts'
import { here, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'

const maxShown = 10
const maxReceipts = 50

export const Between = ({ id }: { readonly id: AgentId }) => {
  const texts = t.value.agents
  const deals = useSignal<readonly Proposal[] | undefined>(undefined)
  const receipts = useSignal<{ readonly looked: number, readonly found: number } | undefined>(undefined)
  useEffect(() => {
    here().trade.list({ with: id, limit: maxShown + 1 }).then(list => deals.value = list, tellFailure)
    here().reputation.receipts({ limit: maxReceipts }).then(({ receipts: list }) => {
      receipts.value = {
        looked: list.length,
        found: list.filter(({ receipt: { client, provider } }) => client.agent === id || provider.agent === id).length,
      }
    }, tellFailure)
  }, [id, opened.value])
  const list = deals.value ?? []
  return (
    <section class='card'>
      <h2>{texts.withYou}</h2>
      {list.length === 0 ? <p>{texts.noDeals}</p> : (
        <ul class='between'>
          {list.slice(0, maxShown).map(({ proposalId, task, status, updatedAt }) => (
            <li key={proposalId}>
              <a href={hrefOf('deals', proposalId)}>
                <bdi>{plain(task.slice(0, 120).split('\n', 1)[0]!)}</bdi>
              </a>
              <span class='small'>
                {t.value.deals.states[status]} · <Time at={updatedAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {list.length > maxShown && <p class='small'>{texts.newest(maxShown)}</p>}
      <h3>{texts.receipts}</h3>
      <p>{(receipts.value?.found ?? 0) === 0 ? texts.noReceipts : texts.receiptsShown(receipts.value!.found, receipts.value!.looked)}</p>
    </section>
  )
}
