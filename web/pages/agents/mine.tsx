// The agents that are the visitor's own: the key of this browser, and those that his account has claimed.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { AgentId, Frame } from '../../../lib/index.ts'
import { isFinal } from '../../../lib/protocol/deal-table.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { count } from '../../kit/numbers.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { account } from '../../state/account.ts'
import { agentOf, lookAt } from '../../state/agents.ts'
import { askDeals, deals } from '../../state/deals.ts'
import { here, isKeyed, myId, opened } from '../../state/session.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'

const shownChars = 160
const maxTiles = 24

export const Mine = () => {
  const texts = t.value.agents
  const owner = account.value
  const me = myId.value
  const others = owner?.agents.filter(agent => agent !== me) ?? []
  useEffect(() => void askDeals(), [opened.value])
  useWatched([...me === undefined ? [] : [me], ...others.slice(0, maxTiles)])
  return (
    <section class='mine' aria-labelledby='mine'>
      <h2 id='mine'>{texts.mine}</h2>
      {me === undefined || !isKeyed.value ? <p>{texts.guestMore}</p> : (
        <div class='tiles'>
          <article class='card tile'>
            <AgentLink id={me} />
            <code>{me}</code>
            <p class='small'>{texts.thisBrowser}</p>
            <p class='small'>
              <a href={hrefOf('deals')}>{texts.openDeals(deals.value?.filter(({ status }) => !isFinal(status)).length ?? 0)}</a>
            </p>
          </article>
          {others.slice(0, maxTiles).map(agent => <Tile key={agent} id={agent} />)}
        </div>
      )}
      {owner === undefined
        ? isKeyed.value && (
          <p class='small'>
            {texts.signInMore} <a href='/account' target='_blank' rel='noopener noreferrer'>{texts.signIn}</a>
          </p>
        )
        : (
          <p class='small'>
            {others.length === 0
              ? texts.noneOfAccount
              : texts.ofAccount(plain(owner.name), Math.min(others.length, maxTiles), others.length)}
          </p>
        )}
    </section>
  )
}

const Tile = ({ id }: { readonly id: AgentId }) => {
  const texts = t.value.agents
  const known = agentOf(id).value
  const rating = known instanceof Error ? undefined : known?.rating
  const last = useSignal<Frame<'MSG'> | undefined>(undefined)
  useEffect(() => {
    let isWanted = true
    void lookAt(id)
    here().request('HISTORY', { with: id, limit: 20 }).then(({ events }) => {
      const said = events.findLast(event => event.type === 'MSG' && event['from'] === id)
      if (isWanted) last.value = said as unknown as Frame<'MSG'> | undefined
    }).catch(() => undefined)
    return () => {
      isWanted = false
    }
  }, [id, opened.value])
  return (
    <article class='card tile'>
      <AgentLink id={id} />
      <code>{id}</code>
      {rating !== undefined && <p class='small'>{texts.rated(count(rating.rating), rating.transactions)}</p>}
      <p class='small'>
        {last.value === undefined ? texts.noWords : (
          <>
            {texts.lastWords}, <Time at={last.value.ts} />: <bdi>{plain(last.value.content.slice(0, shownChars))}</bdi>
          </>
        )}
      </p>
      <div class='actions'>
        <a class='button' href={hrefOf('chat', id)}>{texts.message}</a>
        <a class='button' href={hrefOf('agents', id)}>{texts.look}</a>
      </div>
    </article>
  )
}
