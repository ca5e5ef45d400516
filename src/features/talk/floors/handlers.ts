// Floors: a question in a channel has one who answers it. Whoever has its floor keeps it until it has answered, gives it up, is gone, or its time
// is over; then the next in line has it. What is decided stands in a table, so that it holds whoever connects to what, and over a restart.
import { endFloor, floorAt, heldFloors, openFloors, putFloor, removeFloor, type FloorRow, type Place } from './store.ts'
import { editedMsgId } from '../../../store/links.ts'
import { parseMsgId } from '../../../store/log.ts'
import type { Tx } from '../../../store/store.ts'
import {
  channelToRead,
  Fail,
  mayRead,
  notify,
  reply,
  type Effect,
  type Feature,
  type Outcome,
  type RosterView,
  type Shares,
  type SweepCtx,
  type WriteCtx,
} from '../../../relay/feature.ts'
import type { FrameBody, RequestBody } from '../../../../lib/protocol/index.ts'

export interface FloorOptions {
  readonly shares: Shares
}

/** What is told, and what follows in memory. */
type Told = Required<Pick<Outcome, 'notify' | 'effects' | 'hints'>>

const defaultHoldMs = 60_000
/** However often it is claimed again. */
const maxHeldMs = 15 * 60_000
/** A holder that has no session for longer has gone. */
const graceMs = 5_000
const maxInLine = 50
const maxPerChannel = 1_000
const sweptAtOnce = 500

const nothing: Told = { notify: [], effects: [], hints: [] }

/** A message that is answered, and where it stands. */
interface Question extends Place {
  readonly msg_id: string
}

/** The message of a channel that is meant: of an edit, the one that it says anew, so that a question has one floor. */
const questionOf = async (
  { tx, epoch }: Pick<WriteCtx, 'tx' | 'epoch'>,
  channel: string,
  named: string,
): Promise<Question | undefined> => {
  const found = await tx.links.find(named)
  const of = found && editedMsgId(found.text)
  const said = of === undefined ? found : await tx.links.find(of)
  const msgId = of ?? named
  return said?.stream === channel ? { stream: parseMsgId(msgId, epoch)!.streamId, seq: said.seq, msg_id: msgId } : undefined
}

const frameOf = (
  { channel, msg_id }: Pick<FloorRow, 'channel' | 'msg_id'>,
  state: FrameBody<'FLOOR'>['state'],
  of?: FloorRow,
): Omit<FrameBody<'FLOOR'>, 'ts'> => ({
  channel: channel as `#${string}`,
  msg_id,
  state,
  ...(of !== undefined && { holder: of.agent as `@${string}`, ...(state === 'held' && { until: of.until }) }),
})

const inMemory = ({ channel, msg_id: msgId, agent: holder, since: startedAt, until }: FloorRow): Effect => ({
  kind: 'floor',
  channel,
  msgId,
  claim: { holder, startedAt, until, isStored: true },
})

const idsOf = (rows: readonly FloorRow[]): readonly string[] => rows.map(({ agent }) => agent)

/** Somebody has the floor from now on: those of the line are told, and the channel by a hint. */
const given = (row: FloorRow, roster: RosterView, to: readonly string[]): Told => {
  const { channel, msg_id, agent, since } = row
  const former = roster.channel(channel)?.floor.get(msg_id)
  const holder = agent as `@${string}`
  return {
    notify: [
      ...(to.length === 0 ? [] : [notify({ kind: 'agents', agents: to }, 'FLOOR', frameOf(row, 'held', row))]),
      ...(former === undefined || former.isStored === true || former.holder === agent ? [] : [
        notify({ kind: 'agents', agents: [former.holder] }, 'YIELD', {
          msg_id,
          channel: channel as `#${string}`,
          holder,
          holder_started_at: since,
          reason: 'a claim that is stored',
        }),
      ]),
    ],
    hints: [{
      agent,
      to: { kind: 'channel', channel },
      type: 'FLOOR_CLAIMED',
      body: { msg_id, channel: channel as `#${string}`, holder, holder_name: roster.agent(agent)?.name ?? agent, started_at: since },
    }],
    effects: [inMemory(row)],
  }
}

const isHere = (roster: RosterView, { agent: id, channel: name }: FloorRow): boolean => {
  const [agent, channel] = [roster.agent(id), roster.channel(name)]
  return agent !== undefined && channel !== undefined && mayRead(agent, channel, roster)
}

/** The holder has it no more; the first in line that is here does. */
const passOn = async (
  { tx, roster, now }: Pick<SweepCtx, 'tx' | 'roster' | 'now'>,
  holder: FloorRow,
  rows: readonly FloorRow[],
): Promise<Told> => {
  await removeFloor(tx, holder)
  const line = rows.filter(({ state }) => state === 'waiting')
  for (const [i, next] of line.entries()) {
    if (isHere(roster, next)) {
      const row: FloorRow = { ...next, state: 'held', since: now, until: now + next.hold_ms }
      await putFloor(tx, row)
      return given(row, roster, [...idsOf(line.slice(i)), holder.agent])
    }
    await removeFloor(tx, next)
  }
  const { channel, msg_id: msgId } = holder
  return {
    ...nothing,
    notify: [notify({ kind: 'agents', agents: [holder.agent] }, 'FLOOR', frameOf(holder, 'free'))],
    effects: [{ kind: 'floor', channel, msgId, claim: undefined }],
  }
}

/**
 * The sender of an answer in a channel has the floor of what it answers: it is answered now, and those in line are told. Without it there is
 * nothing to tell, or a refusal where the sender wants to speak with the floor alone.
 * @throws Fail LEASE_OVER
 */
export const answerFloor = async (
  ctx: WriteCtx,
  { to, id, in_reply_to: named = '', floor }: RequestBody<'MSG'>,
): Promise<Partial<Told>> => {
  const { me, tx, now } = ctx
  await tx.lock('leases')
  // A repeat of what is stored has ended it already.
  if (id !== undefined && await tx.log.isPublished({ agent: me.id, id })) return {}
  const question = await questionOf(ctx, to, named)
  const rows = question === undefined ? [] : await floorAt(tx, question)
  const own = rows.find(({ agent, state }) => agent === me.id && state === 'held')
  if (question === undefined || own === undefined) {
    if (floor !== true) return {}
    const other = rows.find(({ state }) => state !== 'waiting')
    throw new Fail('LEASE_OVER', other === undefined
      ? 'You do not have the floor of that message: CLAIM_FLOOR first'
      : other.state === 'held'
      ? `${other.agent} has the floor of that message`
      : `${other.agent} has answered that message`)
  }
  await endFloor(tx, question)
  await putFloor(tx, { ...own, state: 'answered', since: now, until: now, gone_at: null, address: '' })
  const told = rows.filter(({ agent, state }) => state === 'waiting' || agent === me.id)
  return {
    notify: [notify({ kind: 'agents', agents: idsOf(told) }, 'FLOOR', frameOf(own, 'answered', own))],
    effects: [{ kind: 'floor', channel: to, msgId: question.msg_id, claim: undefined }],
  }
}

export const floors = ({ shares }: FloorOptions): Feature<'CLAIM_FLOOR' | 'LEAVE_FLOOR'> => {
  /** @throws Fail LIMIT_REACHED */
  const checkRoom = async (tx: Tx, row: FloorRow, inLine: number): Promise<void> => {
    const { held, here } = await openFloors(tx, row)
    shares.check('floors', held)
    if (inLine >= maxInLine) throw new Fail('LIMIT_REACHED', `At most ${maxInLine} agents stand in line for one message`)
    if (here >= maxPerChannel)
      throw new Fail('LIMIT_REACHED', `${row.channel} has ${maxPerChannel} floors that are held or waited for, as many as a channel may`)
  }

  return {
    scope: 'leases',
    handlers: {
      CLAIM_FLOOR: {
        async write(ctx, { channel: name, msg_id: named, hold_ms = defaultHoldMs, wait = false }) {
          const { me, asker, tx, now, roster } = ctx
          const channel = channelToRead(me, name, roster).info.name
          const question = await questionOf(ctx, channel, named)
          if (question === undefined) throw new Fail('MESSAGE_NOT_FOUND', `No such message is in ${channel}`)
          const rows = await floorAt(tx, question)
          const own = rows.find(({ agent }) => agent === me.id)
          const first = rows.find(({ state }) => state !== 'waiting')
          const claim: FloorRow = {
            ...question,
            agent: me.id,
            channel,
            state: first === undefined ? 'held' : 'waiting',
            since: now,
            until: first === undefined ? now + hold_ms : 0,
            hold_ms,
            gone_at: null,
            address: asker.address,
          }
          if (first === undefined) {
            if (own === undefined) await checkRoom(tx, claim, rows.length)
            await putFloor(tx, claim)
            return { reply: reply('FLOOR', frameOf(claim, 'held', claim)), ...given(claim, roster, []) }
          }
          if (first.state === 'answered') return { reply: reply('FLOOR', frameOf(first, 'answered', first)) }
          if (first.agent === me.id) {
            const held: FloorRow = {
              ...first,
              until: Math.max(first.until, Math.min(now + hold_ms, first.since + maxHeldMs)),
              gone_at: null,
            }
            await putFloor(tx, held)
            return { reply: reply('FLOOR', frameOf(held, 'held', held)), effects: [inMemory(held)] }
          }
          if (wait && own === undefined) {
            await checkRoom(tx, claim, rows.length)
            await putFloor(tx, claim)
          }
          return {
            reply: reply('FLOOR', { ...frameOf(first, 'held', first), ...((wait || own !== undefined) && { waiting: true as const }) }),
          }
        },
      },
      LEAVE_FLOOR: {
        async write(ctx, { channel: name, msg_id }) {
          const { me, tx, roster } = ctx
          const channel = channelToRead(me, name, roster).info.name
          const question = await questionOf(ctx, channel, msg_id)
          const rows = question === undefined ? [] : await floorAt(tx, question)
          const own = rows.find(({ agent, state }) => agent === me.id && state !== 'answered')
          if (own?.state === 'held') return { reply: reply('OK', {}), ...await passOn(ctx, own, rows) }
          if (own !== undefined) await removeFloor(tx, own)
          return { reply: reply('OK', {}) }
        },
      },
    },
    async sweep(ctx) {
      const { tx, now, roster } = ctx
      const all: Told[] = []
      for (const row of await heldFloors(tx, sweptAtOnce)) {
        const isGone = !isHere(roster, row)
        if (row.until <= now || (isGone && row.gone_at !== null && now - row.gone_at >= graceMs))
          all.push(await passOn(ctx, row, await floorAt(tx, row)))
        else if (isGone !== (row.gone_at !== null)) await putFloor(tx, { ...row, gone_at: isGone ? now : null })
      }
      return all.length === 0 ? undefined : {
        notify: all.flatMap(told => told.notify),
        effects: all.flatMap(told => told.effects),
        hints: all.flatMap(told => told.hints),
      }
    },
  }
}
