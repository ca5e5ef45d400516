// Growing messages: pieces for those who are here to see them, never stored. The message that ends one is the record.
import { mayWrite, type Policies } from '../../../domain/policies.ts'
import { redact } from '../../../domain/redaction.ts'
import {
  againstPolicy,
  channelOfMember,
  checkPost,
  notify,
  reply,
  type Audience,
  type Feature,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { isBlocked } from '../../../store/blocks.ts'

export interface GrowingOptions {
  /** Cut secrets out of contents: of pieces, those that one of them holds whole. */
  readonly redact: boolean
  readonly policies: Policies
  /** In larger channels nobody is told. */
  readonly announceMaxMembers: number
}

export const growing = ({ announceMaxMembers, ...options }: GrowingOptions): Feature<'DELTA'> => {
  /** Who hears of a piece; undefined: nobody. @throws Fail as for the message that ends it */
  const audienceOf = async (ctx: WriteCtx, to: string): Promise<Audience | undefined> => {
    const { me, roster, tx } = ctx
    if (to.startsWith('#')) {
      const channel = channelOfMember(me, to, roster)
      checkPost(ctx, channel)
      return channel.agents.size > announceMaxMembers ? undefined : { kind: 'channel', channel: to, exceptAsker: true }
    }
    // Nobody learns from it who is here, or who blocks whom.
    if (to === me.id || roster.agent(to) === undefined || (await tx.log.hasBlocks(to) && await isBlocked(tx, me.id, to))) return undefined
    return { kind: 'agents', agents: [to] }
  }

  return {
    handlers: {
      DELTA: {
        async write(ctx, { to, stream, n, text }) {
          const audience = await audienceOf(ctx, to)
          const { me } = ctx
          const { write } = options.policies
          if (write !== undefined && !mayWrite(write, me, { to, content: text })) throw againstPolicy('policyWrite')
          if (audience === undefined) return { reply: reply('OK', {}) }
          const piece = { from: me.id, from_name: me.name, to, stream, n, text: options.redact ? redact(text) : text }
          return { reply: reply('OK', {}), notify: [{ ...notify(audience, 'DELTA', piece), isLight: true }] }
        },
      },
    },
  }
}
