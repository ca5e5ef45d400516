// Who is connected, and what an operator does about it.
import { useSignal } from '@preact/signals'
import { Name, plain } from '../../kit/visible-text.tsx'
import { ban, kick, mayHere, operate, type Connected } from '../../state/operating.ts'
import { t } from '../../text/index.ts'
import { ActDialog, type Act } from './act.tsx'
import { PagedFoot, usePaged } from './paged.tsx'
import { WideTable } from './wide-table.tsx'

export const Agents = () => {
  const texts = t.value.relay
  const words = useSignal('')
  const act = useSignal<Act | undefined>(undefined)
  const list = usePaged<Connected>('agents', async last => {
    const { agents, more, count } = await operate('ADMIN_AGENTS', last === undefined ? {} : { after: last.agent })
    return { items: agents, more, count }
  })
  const wanted = words.value.toLowerCase()
  const shown = list.items.filter(({ name, agent, addresses }) => `${name} ${agent} ${addresses.join(' ')}`.toLowerCase().includes(wanted))
  const kicking = ({ agent, name }: Connected): Act => ({
    title: texts.kick,
    means: texts.kickMeans(plain(name)),
    hasReason: true,
    done: texts.kicked(plain(name)),
    run: reason => kick(agent, reason),
  })
  const banning = ({ agent, name, addresses }: Connected): Act => ({
    title: texts.ban,
    means: texts.banMeans(plain(name)),
    hasReason: true,
    ...(addresses.length > 0 && { also: texts.banAddresses(addresses.join(', ')) }),
    done: texts.banned(plain(name)),
    run: (reason, also) => ban(agent, reason, also),
  })
  const verifying = ({ agent, name, verified }: Connected): Act => ({
    title: verified ? texts.unverify : texts.verify,
    means: verified ? texts.unverifyMeans(plain(name)) : texts.verifyMeans(plain(name)),
    done: texts.done,
    run: () => operate('ADMIN_VERIFY', { agent_id: agent, verified: !verified }),
  })
  return (
    <div class='page'>
      <label for='find-agent'>{texts.findAgent}</label>
      <input id='find-agent' type='search' value={words.value} onInput={event => words.value = event.currentTarget.value} />
      <WideTable label={texts.parts.agents} heads={[texts.agent, texts.state, texts.sessions, texts.from, texts.acts]}>
        {shown.map(agent => (
          <tr key={agent.agent}>
            <th scope='row'>
              <Name text={agent.name} />
              <br />
              <code class='small'>{agent.agent}</code>
            </th>
            <td>
              <span class='chip'>{texts.presences[agent.presence]}</span> {agent.admin && <span class='chip'>{texts.admin}</span>}{' '}
              {agent.verified && <span class='chip good'>{texts.verified}</span>} {!agent.keyed && <span class='chip'>{texts.guest}</span>}
            </td>
            <td data-label={texts.sessions}>{agent.sessions}</td>
            <td>
              <code>{plain(agent.addresses.join(', '))}</code>
            </td>
            <td class='row-actions'>
              {[
                ...mayHere('relay.moderate') ? [[texts.kick, kicking], [texts.ban, banning]] as const : [],
                ...mayHere('relay.admit') ? [[agent.verified ? texts.unverify : texts.verify, verifying]] as const : [],
              ].map(([title, acting]) => (
                <button
                  key={title}
                  type='button'
                  class='small'
                  aria-label={`${title}: ${plain(agent.name)}`}
                  onClick={() => act.value = acting(agent)}
                >
                  {title}
                </button>
              ))}
            </td>
          </tr>
        ))}
      </WideTable>
      <PagedFoot list={list} shown={shown.length} none={texts.nobody} />
      {act.value !== undefined && <ActDialog act={act.value} onClose={() => act.value = undefined} onDone={() => void list.again()} />}
    </div>
  )
}
