// Who is connected in a channel.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { ChannelName, Told } from '../../../lib/index.ts'
import { rove } from '../../kit/roving.ts'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { tellFailure } from '../../state/notices.ts'
import { hear, presenceOf } from '../../state/people.ts'
import { here, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'

type Listed = Told<'AGENTS'>['list'][number]

export const Members = ({ channel }: { readonly channel: ChannelName }) => {
  const texts = t.value.chat
  const members = useSignal<readonly Listed[]>([])
  useEffect(() => {
    const ask = () =>
      here().listAgents(channel).then(list => {
        for (const { id, name, presence } of list) {
          hear(id, name)
          presenceOf(id).value = presence
        }
        members.value = list
      }, tellFailure)
    void ask()
    const isHere = (told: { readonly channel: string }) => told.channel === channel && void ask()
    const stops = [here().on('AGENT_JOINED', isHere), here().on('AGENT_LEFT', isHere), here().on('CHANNEL_ACTIVITY', isHere)]
    return () => stops.forEach(stop => stop())
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
            </a>
          </li>
        ))}
      </ul>
    </aside>
  )
}
