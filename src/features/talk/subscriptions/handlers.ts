// What of a channel comes to a session at once: a condition, and how long the rest waits to be told of. The relay holds it with the session.
import { limits } from '../../../../lib/protocol/index.ts'
import { Conditions, type Condition } from '../../../../lib/rules/index.ts'
import { EventFacts, eventWords } from '../../../domain/event-words.ts'
import { channelToRead, Fail, reply, saidBy, type Feature, type Known, type ReadCtx, type Test } from '../../../relay/feature.ts'
import { predecessors } from '../../../store/agents.ts'
import { storedMsgId } from '../../../store/links.ts'

/** Most messages are short, and what a condition may take of one is counted for such a one and for a long one. */
const shortChars = 1_024
const shortWords = { ...eventWords, content: { ...eventWords.content, maxChars: shortChars } }
/** What it may take of each, in steps of about a nanosecond. */
const maxShortSteps = 50_000
const maxSteps = 500_000

/** What is looked at of before the session: of the channel, and of the inbox. */
const recent = { limit: 500, maxBytes: 256 * 1024 } as const

/** What the log knows of the agent in the channel. A guest has no former key and no inbox. */
const knownOf = async ({ me, aside: { log }, db, now }: ReadCtx, channel: string): Promise<Known> => {
  const isKeyed = me.pubkey !== null
  const former = isKeyed ? await predecessors(db, me.id) : []
  const { seq } = await log.head(channel)
  const newest = await log.page(channel, { before: seq + 1, ...recent })
  const waiting = isKeyed ? await log.inbox(me.id, { after: (await log.inboxHead(me.id)).cursor, now, ...recent }) : []
  return {
    former,
    own: saidBy(newest, [me.id, ...former]),
    waiting: waiting.filter(({ stream }) => stream === channel).flatMap(({ text }) => storedMsgId(text) ?? []),
  }
}

export const subscriptions = (): Feature<'SUBSCRIBE'> => {
  const conditions = new Conditions(eventWords)
  const shortConditions = new Conditions(shortWords)

  const checked = async <C extends Conditions<typeof eventWords> | Conditions<typeof shortWords>>(of: C, when: string, most: number) => {
    const { problem, condition } = await of.compile(when) as {
      readonly problem?: string
      readonly condition?: Condition<typeof eventWords>
    }
    if (condition === undefined) throw new Fail('INVALID_MSG', `when: ${problem}`)
    if (condition.steps <= most) return condition
    throw new Fail('INVALID_MSG',
      `when: it is too much work for each message of a channel: ${condition.steps} steps, and ${most} are allowed`)
  }

  /** @throws Fail INVALID_MSG */
  const testOf = async (when: string): Promise<Test> => {
    const { steps: shortSteps } = await checked(shortConditions, when, maxShortSteps)
    const condition = await checked(conditions, when, maxSteps)
    return {
      source: when,
      steps: chars => chars <= shortChars ? shortSteps : condition.steps,
      of: said => condition.of(new EventFacts(said)),
    }
  }

  return {
    handlers: {
      SUBSCRIBE: {
        async study(studied, { channel, when, digest_ms: digestMs }) {
          channelToRead(studied.me, channel, studied.roster)
          const test = when === undefined ? undefined : await testOf(when)
          const isAny = test !== undefined || digestMs !== undefined
          const known = isAny ? await knownOf(studied, channel) : undefined
          return ctx => {
            channelToRead(ctx.me, channel, ctx.roster)
            const { filters } = ctx.asker
            const has = filters === undefined ? 0 : [...filters.values()].filter(({ isWanted }) => isWanted).length
            if (isAny && has >= limits.maxSubscriptions && filters?.get(channel)?.isWanted !== true)
              throw new Fail('LIMIT_REACHED',
                `A session has subscribed in ${limits.maxSubscriptions} channels at most; SUBSCRIBE without \`when\` ends one`)
            return {
              reply: reply('SUBSCRIBED', {
                channel,
                ...(when !== undefined && { when }),
                ...(digestMs !== undefined && { digest_ms: digestMs }),
              }),
              effects: [{ kind: 'filter', channel, wanted: known && { when: test, digestMs, known } }],
            }
          }
        },
      },
    },
  }
}
