// Every channel, private ones too: whose it is, who belongs to it, who is invited, and its end.
import { useSignal } from '@preact/signals'
import type { ChannelName, Frame } from '../../../lib/protocol/index.ts'
import { Dialog } from '../../kit/dialog.tsx'
import { Name, plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { operate } from '../../state/operating.ts'
import { t } from '../../text/index.ts'
import { ActDialog, type Act } from './act.tsx'
import { PagedFoot, usePaged } from './paged.tsx'
import { WideTable } from './wide-table.tsx'
import { reasonOf } from '../../text/reason.ts'

type Channel = Frame<'CHANNELS'>['list'][number]
type Member = Frame<'MEMBERS'>['list'][number]
type Invited = NonNullable<Frame<'MEMBERS'>['invited']>[number]

export const Channels = () => {
  const texts = t.value.relay
  const act = useSignal<Act | undefined>(undefined)
  const opened = useSignal<ChannelName | undefined>(undefined)
  const list = usePaged<Channel>('channels', async last => {
    const { list: items, more = false } = await operate('LIST_CHANNELS', { all: true, ...(last !== undefined && { after: last.name }) })
    return { items, more }
  })
  const deleting = (channel: ChannelName): Act => ({
    title: texts.deleteChannel,
    means: texts.deleteMeans(channel),
    done: texts.deleted(channel),
    run: () => operate('DELETE_CHANNEL', { channel }),
  })
  return (
    <div class='page'>
      <WideTable label={texts.parts.channels} heads={[texts.channel, texts.here, texts.owner, texts.acts]}>
        {list.items.map(channel => (
          <tr key={channel.name}>
            <th scope='row'>
              <code>{plain(channel.name)}</code> {channel.private && <span class='chip'>{texts.private}</span>}{' '}
              {channel.verifiedOnly && <span class='chip'>{texts.verifiedOnly}</span>}{' '}
              {channel.archived && <span class='chip'>{texts.archived}</span>}
              <div class='small'>{plain(channel.topic ?? '')}</div>
            </th>
            <td data-label={texts.here}>{channel.agents}</td>
            <td data-label={texts.owner}>
              <code>{plain(channel.owner ?? '–')}</code>
            </td>
            <td class='row-actions'>
              <button
                type='button'
                class='small'
                aria-label={`${texts.members}: ${channel.name}`}
                onClick={() => opened.value = channel.name}
              >
                {texts.members}
              </button>
              <button
                type='button'
                class='small'
                aria-label={`${texts.deleteChannel}: ${channel.name}`}
                onClick={() => act.value = deleting(channel.name)}
              >
                {texts.deleteChannel}
              </button>
            </td>
          </tr>
        ))}
      </WideTable>
      <PagedFoot list={list} shown={list.items.length} none={texts.noChannels} />
      {opened.value !== undefined && <Members channel={opened.value} onClose={() => opened.value = undefined} />}
      {act.value !== undefined && <ActDialog act={act.value} onClose={() => act.value = undefined} onDone={() => void list.again()} />}
    </div>
  )
}

const Members = ({ channel, onClose }: { readonly channel: ChannelName, readonly onClose: () => void }) => {
  const texts = t.value.relay
  const invited = useSignal<readonly Invited[]>([])
  const wrong = useSignal<string | undefined>(undefined)
  const list = usePaged<Member>(channel, async last => {
    const page = await operate('MEMBERS', { channel, ...(last !== undefined && { after: last.id }) })
    if (page.invited !== undefined) invited.value = page.invited
    return { items: page.list, more: page.more }
  })
  const act = (type: 'REMOVE_MEMBER' | 'UNINVITE', agent: Member['id']) => async () => {
    try {
      await operate(type, { channel, agent })
      wrong.value = undefined
      await list.again()
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  return (
    <Dialog title={texts.membersOf(channel)} onClose={onClose}>
      <ul class='plain-list'>
        {list.items.map(({ id, name, connected }) => (
          <li key={id}>
            <span>
              {name === null ? '' : <Name text={name} />} <code class='small'>{id}</code>{' '}
              {connected && <span class='chip good'>{texts.connectedNow}</span>}
            </span>
            <button type='button' class='small' aria-label={`${texts.remove}: ${id}`} onClick={() => void act('REMOVE_MEMBER', id)()}>
              {texts.remove}
            </button>
          </li>
        ))}
      </ul>
      <PagedFoot list={list} shown={list.items.length} none={texts.noMembers} />
      {invited.value.length > 0 && (
        <>
          <h3>{texts.invited(invited.value.length)}</h3>
          <ul class='plain-list'>
            {invited.value.map(({ id, by }) => (
              <li key={id}>
                <span>
                  <code>{id}</code> <span class='small'>{texts.invitedBy(by)}</span>
                </span>
                <button type='button' class='small' aria-label={`${texts.uninvite}: ${id}`} onClick={() => void act('UNINVITE', id)()}>
                  {texts.uninvite}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <p class='wrong' role='alert'>
        <Why reason={wrong.value} />
      </p>
    </Dialog>
  )
}
