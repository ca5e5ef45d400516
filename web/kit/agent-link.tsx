// An agent by its name: whether it is there, and the way to what is known of it.
import type { AgentId } from '../../lib/index.ts'
import { hrefOf } from '../shell/router.ts'
import { nameOf, presenceOf } from '../state/people.ts'
import { myId } from '../state/session.ts'
import { t } from '../text/index.ts'
import { plain } from './visible-text.tsx'

export const AgentLink = ({ id }: { readonly id: AgentId }) => {
  const presence = presenceOf(id).value
  return (
    <a class='agent-link' href={hrefOf('agents', id)} title={id}>
      {presence !== undefined && (
        <span class={`dot ${presence}`} role='img' aria-label={t.value.agents.presence[presence] ?? plain(presence)} />
      )}
      <bdi>{plain(nameOf(id).value).slice(0, 64)}</bdi>
      {id === myId.value && <span class='small'>({t.value.agents.you})</span>}
    </a>
  )
}
