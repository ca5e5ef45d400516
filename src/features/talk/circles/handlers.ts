// Circles: agents that answer each other without end are stopped in that thread, told, and let go on by a person or by time.
import type { Circle, CircleRules, Circles } from '../../../domain/circles.ts'
import { Fail, notify, reply, type Feature, type Notify, type Outcome, type WriteCtx } from '../../../relay/feature.ts'

export interface CircleOptions extends CircleRules {
  /** undefined: the operator wants none to be looked for. */
  readonly circles: Circles | undefined
}

type Noted = Pick<Outcome, 'notify' | 'effects'>

const told = (root: string, { stream, agents, until }: Circle, isReleased = false): Notify =>
  notify({ kind: 'agents', agents }, 'CIRCLE', {
    msg_id: root,
    ...(stream.startsWith('#') && { channel: stream as `#${string}` }),
    until,
    ...(isReleased && { released: true as const }),
  })

/** Before an answer: whether its author may give it, and what follows once it is stored. It throws CIRCLE_STOPPED. */
export const inCircle = (circles: Circles | undefined) =>
  circles && (({ me, now }: Pick<WriteCtx, 'me' | 'now'>, { msgId: root }: { readonly msgId: string }, stream: string): Noted => {
    const stopped = circles.stopped(root, me.id, now)
    if (stopped !== undefined) {
      const others = stopped.agents.filter(agent => agent !== me.id).join(', ')
      throw new Fail('CIRCLE_STOPPED',
        `You and ${others} answer each other in a circle: the relay takes no more of it for ${Math.ceil((stopped.until - now) / 1_000)} s`)
    }
    const next = circles.after(root, { stream, agent: me.id }, now)
    if (next.until > now && next.count > 1) return { notify: [told(root, next)], effects: [news({ root, circle: next })] }
    // Whoever hears the answer counts it.
    return { effects: [{ ...news({ root, stream, agent: me.id, at: now }), isOfEvent: true }] }
  })

/** What every process knows: an answer; a circle that was stopped, or is none any more. */
type News =
  | { readonly root: string, readonly stream: string, readonly agent: string, readonly at: number }
  | { readonly root: string, readonly circle: Circle | null }

const news = (news: News) => ({ kind: 'news' as const, of: 'circles', news })

export const circles = ({ circles: all }: CircleOptions): Feature<'RELEASE_CIRCLE'> => ({
  heard(heard) {
    const told = heard as News
    if (!('circle' in told)) all?.answered(told.root, told, told.at)
    else if (told.circle === null) all?.release(told.root)
    else all?.note(told.root, told.circle)
  },
  handlers: {
    RELEASE_CIRCLE: {
      write({ me, roster, now, isAdmin, passkeyAsked }, { msg_id }) {
        const circle = all?.at(msg_id, now)
        const refusal = new Fail('MESSAGE_NOT_FOUND', 'No circle that you may release begins with that message')
        if (circle === undefined) throw refusal
        const isOwner = roster.channel(circle.stream)?.info.owner === me.id
        if (!isAdmin && !isOwner) throw passkeyAsked ?? refusal
        return {
          reply: reply('OK', {}),
          notify: [told(msg_id, { ...circle, until: now }, true)],
          effects: [news({ root: msg_id, circle: null })],
          ...(!isOwner && { byRight: true as const }),
        }
      },
    },
  },
})
