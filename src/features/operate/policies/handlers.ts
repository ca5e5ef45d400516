// Policies as the operator sees them: what is in force, and what it, or another, would have said of the newest messages.
import { boundedPrice, checkPolicySource, PolicyError, policyOfEvents, settingOf, type PolicySettings } from '../../../domain/policies.ts'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import type { SaidFields } from '../../../domain/event-words.ts'
import type { SearchReader } from '../../../store/search-index.ts'
import { Fail, reply, type Feature } from '../../../relay/feature.ts'

/** Messages that a dry run looks at, and those of them that it names. */
const triedMessages = 1_000
const maxNamed = 20
const page = { limit: 200, maxBytes: 1024 * 1024 }

type Tried = Pick<FrameBody<'POLICY'>, 'messages' | 'refused' | 'cost' | 'items'>

/** The newest messages of all streams, the newest first; of what was erased nothing is there. */
async function* newest(search: SearchReader): AsyncGenerator<SaidFields & { readonly msg_id?: string, readonly ts: number }> {
  let left = triedMessages
  for (let before = Number.MAX_SAFE_INTEGER; left > 0;) {
    const rows = await search.unindexed(0, { ...page, before })
    for (const { id, text, isGone } of rows) {
      // There was no room for its text: the next page begins with it.
      if (text === undefined && !isGone) break
      before = id
      const said = text === undefined ? undefined : JSON.parse(text) as SaidFields & { readonly ts: number, readonly erased?: unknown }
      if (said?.type !== 'MSG' || said.erased === true || said.retract !== undefined) continue
      yield said
      if (--left === 0) return
    }
    if (rows.length < page.limit && before <= (rows.at(-1)?.id ?? before)) return
  }
}

const tryOn = async (name: 'write' | 'price', source: string, search: SearchReader): Promise<Tried> => {
  const says = await policyOfEvents(name, source)
  const items: Tried['items'] = []
  let [messages, refused, cost] = [0, 0, 0]
  for await (const said of newest(search)) {
    const answer = says(said)
    const price = typeof answer === 'number' ? boundedPrice(answer) : 1
    messages++
    cost += price
    if (answer === false) refused++
    if ((answer === false || price !== 1) && items.length < maxNamed) {
      const { msg_id, from, to, ts } = said as FrameBody<'MSG'>
      items.push({ ...(msg_id !== undefined && { msg_id }), from, to, ts, ...(name === 'price' && { cost: price }) })
    }
  }
  return { messages, refused, cost, items }
}

export const policies = (settings: PolicySettings): Feature<'ADMIN_POLICY'> => ({
  handlers: {
    ADMIN_POLICY: {
      async read({ aside }, { policy, when }) {
        const source = when ?? settings[settingOf(policy)]
        const named = { policy, ...(source !== undefined && { when: source }) }
        if (source === undefined) return reply('POLICY', named)
        try {
          await checkPolicySource(policy, source)
          if (policy !== 'write' && policy !== 'price') return reply('POLICY', named)
          if (aside.search === undefined)
            throw new Fail('INVALID_MSG', 'This relay does not look through messages (its setting search is off)')
          return reply('POLICY', { ...named, ...await tryOn(policy, source, aside.search) })
        } catch (error) {
          if (error instanceof PolicyError) throw new Fail('INVALID_MSG', `when: ${error.message}`)
          throw error
        }
      },
    },
  },
})
