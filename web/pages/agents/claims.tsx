// Claims: agents whose keys say that they belong to the visitor's account, and his word on each.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { AgentId } from '../../../lib/index.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { account, answerClaim, lookWhoIsIn } from '../../state/account.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'

export const Claims = () => {
  const texts = t.value.agents.claims
  const owner = account.value
  const asked = useSignal<{ readonly agent: AgentId, readonly isMine: boolean } | undefined>(undefined)
  // No session is told that a claim came: it is asked whenever somebody comes to look.
  useEffect(() => {
    const look = () => void lookWhoIsIn()
    look()
    addEventListener('focus', look)
    return () => removeEventListener('focus', look)
  }, [])
  const waiting = owner?.waiting ?? []
  useWatched(waiting.map(({ agent }) => agent))
  if (owner === undefined) return null
  const command = `agentchat account link ${owner.id}`
  return (
    <section class='claims' aria-labelledby='claims'>
      <h2 id='claims'>{texts.title}</h2>
      {waiting.length > 0 && (
        <ul class='tiles'>
          {waiting.map(({ agent, expiresAt }) => (
            <li key={agent} class='card tile'>
              <AgentLink id={agent} />
              <code>{agent}</code>
              <p class='small'>
                {texts.says} <Time at={expiresAt} />.
              </p>
              <div class='actions'>
                <button type='button' class='primary' onClick={() => asked.value = { agent, isMine: true }}>{texts.mine}</button>
                <button type='button' onClick={() => asked.value = { agent, isMine: false }}>{texts.notMine}</button>
              </div>
            </li>
          ))}
        </ul>
      )}
      <p class='small'>
        {waiting.length === 0 && texts.none} {texts.how} <code>{plain(command)}</code>
      </p>
      <div class='actions'>
        <Copy text={() => command} label={texts.copy} onCopied={t.value.anything.copied} />
        <button type='button' class='quiet' onClick={() => void lookWhoIsIn()}>{texts.again}</button>
      </div>
      {asked.value !== undefined && (
        <Confirm
          title={asked.value.isMine ? texts.mine : texts.notMine}
          means={asked.value.isMine ? texts.mineMeans : texts.notMineMeans}
          signs={undefined}
          run={() => answerClaim(asked.value!.agent, asked.value!.isMine)}
          onClose={() => asked.value = undefined}
        >
          <p>
            <AgentLink id={asked.value.agent} /> <code>{asked.value.agent}</code>
          </p>
        </Confirm>
      )}
    </section>
  )
}
