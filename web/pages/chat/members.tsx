// Who is connected in a channel; and for who owns it, what can be done about it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { isAgent } from '../../../lib/client/targets.ts'
import type { AgentId, ChannelName, Told } from '../../../lib/index.ts'
import { rove } from '../../kit/roving.ts'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { joined } from '../../state/channels.ts'
import { notify, tellFailure } from '../../state/notices.ts'
import { hear, presenceOf } from '../../state/people.ts'
import { here, myId, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

type Listed = Told<'AGENTS'>['list'][number]

export const Members = ({ channel, isOwner }: { readonly channel: ChannelName, readonly isOwner: boolean }) => {
  const texts = t.value.chat
  const members = useSignal<readonly Listed[]>([])
  const owner = joined.value.get(channel)?.owner
  useEffect(() => {
    // One question at a time: who comes and goes meanwhile is in the next answer.
    let isAsking = false
    let isStale = false
    let isOver = false
    const ask = async (): Promise<void> => {
      isStale = isAsking
      if (isAsking) return
      isAsking = true
      try {
        const list = await here().listAgents(channel)
        for (const { id, name, presence } of list) {
          hear(id, name)
          presenceOf(id).value = presence
        }
        if (!isOver) members.value = list
      } catch (error) {
        if (!isOver) tellFailure(error)
      }
      isAsking = false
      if (isStale && !isOver) await ask()
    }
    void ask()
    const isHere = (told: { readonly channel: string }) => told.channel === channel && void ask()
    const stops = [here().on('AGENT_JOINED', isHere), here().on('AGENT_LEFT', isHere), here().on('CHANNEL_ACTIVITY', isHere)]
    return () => {
      isOver = true
      stops.forEach(stop => stop())
    }
  }, [channel, opened.value])
  return (
    <aside class='members' aria-label={texts.memberList}>
      <h2>{texts.members(members.value.length)}</h2>
      <ul onKeyDown={rove}>
        {members.value.map(({ id, name, verified }) => (
          <li key={id}>
            <a data-item href={hrefOf('chat', id)} title={id}>
              <span class={`dot ${presenceOf(id).value ?? 'unknown'}`} aria-hidden='true' />
              <bdi>{plain(name)}</bdi>
              {verified && <span class='small'>✓</span>}
              {id === owner && <span class='small'>{texts.owner}</span>}
            </a>
            {isOwner && id !== myId.value && <Remove channel={channel} id={id} name={plain(name)} />}
          </li>
        ))}
      </ul>
      <Invite channel={channel} />
    </aside>
  )
}

const Remove = ({ channel, id, name }: { readonly channel: ChannelName, readonly id: AgentId, readonly name: string }) => {
  const texts = t.value.chat
  const isSure = useSignal(false)
  const remove = () => here().channels.remove(channel, id).then(() => notify('good', texts.removed(name)), tellFailure)
  return isSure.value
    ? <button type='button' class='danger' onClick={() => void remove()}>{texts.removeSure(name)}</button>
    : <button type='button' class='quiet' aria-label={texts.removeSure(name)} onClick={() => isSure.value = true}>{texts.remove}</button>
}

const Invite = ({ channel }: { readonly channel: ChannelName }) => {
  const texts = t.value.chat
  const who = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  const invite = async (event: Event) => {
    event.preventDefault()
    const agent = who.value.trim()
    if (!isAgent(agent)) {
      wrong.value = texts.badAgent
      return
    }
    try {
      await here().invite(channel, agent)
      notify('good', texts.invited(agent))
      who.value = ''
      wrong.value = undefined
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  return (
    <form class='invite' onSubmit={event => void invite(event)}>
      <label for='invite'>{texts.inviteWho}</label>
      <input id='invite' value={who.value} onInput={event => who.value = event.currentTarget.value} />
      {wrong.value !== undefined && (
        <p role='alert' class='wrong'>
          <Why reason={wrong.value} />
        </p>
      )}
      <button type='submit'>{texts.invite}</button>
    </form>
  )
}
