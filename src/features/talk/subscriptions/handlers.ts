// What of a channel comes to a session at once: a condition, and how long the rest waits to be told of. The relay holds it with the session.
import { limits } from '../../../../lib/protocol/index.ts'
import { Conditions, type Condition } from '../../../../lib/rules/index.ts'
import { EventFacts, eventWords } from '../../../domain/event-words.ts'
import { channelToRead, Fail, reply, type Feature, type Test } from '../../../relay/feature.ts'

/** Most messages are short, and what a condition may take of one is counted for such a one and for a long one. */
const shortChars = 1_024
const shortWords = { ...eventWords, content: { ...eventWords.content, maxChars: shortChars } }
/** What it may take of each, in steps of about a nanosecond. */
const maxShortSteps = 50_000
const maxSteps = 500_000

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
        needs: 'session',
        async study({ me, roster }, { channel, when, digest_ms: digestMs }) {
          channelToRead(me, channel, roster)
          const test = when === undefined ? undefined : await testOf(when)
          const isAny = test !== undefined || digestMs !== undefined
          return ctx => {
            channelToRead(ctx.me, channel, ctx.roster)
            const { filters } = ctx.asker
            if (isAny && filters !== undefined && !filters.has(channel) && filters.size >= limits.maxSubscriptions)
              throw new Fail('LIMIT_REACHED',
                `A session has subscribed in ${limits.maxSubscriptions} channels at most; SUBSCRIBE without \`when\` ends one`)
            return {
              reply: reply('SUBSCRIBED', {
                channel,
                ...(when !== undefined && { when }),
                ...(digestMs !== undefined && { digest_ms: digestMs }),
              }),
              effects: [{ kind: 'filter', channel, wanted: isAny ? { when: test, digestMs } : undefined }],
            }
          }
        },
      },
    },
  }
}
