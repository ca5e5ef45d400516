// Whose coming and going is told: the agents that are on the screen, named and told apart from each other at once.
import { useEffect } from 'preact/hooks'
import type { AgentId } from '../../lib/index.ts'
import { hear, presenceOf } from './people.ts'
import { client, here, onClient, opened } from './session.ts'

/** As many as are watched for one page, of the 200 that the relay allows. */
const maxWatched = 90

const looked = new Map<AgentId, number>()

onClient(() => looked.clear())

const watch = async (agents: readonly AgentId[]): Promise<void> => {
  for (const { agentId, name, presence } of await here().people.watch(agents)) {
    if (name !== null) hear(agentId, name)
    presenceOf(agentId).value = presence
  }
}

/** These agents are on the screen, as long as it is shown. */
export const useWatched = (agents: readonly AgentId[]): void => {
  const wanted = [...new Set(agents)].slice(0, maxWatched)
  useEffect(() => {
    if (opened.value === 0 || wanted.length === 0) return
    const of = client.peek()
    const fresh = wanted.filter(agent => !looked.has(agent))
    for (const agent of wanted) looked.set(agent, (looked.get(agent) ?? 0) + 1)
    // Where nobody may watch, they are shown without.
    if (fresh.length > 0) watch(fresh).catch(() => undefined)
    return () => {
      if (client.peek() !== of) return
      const over = wanted.filter(agent => {
        const left = (looked.get(agent) ?? 1) - 1
        if (left > 0) looked.set(agent, left)
        else looked.delete(agent)
        return left <= 0
      })
      if (over.length > 0) here().people.unwatch(over).catch(() => undefined)
    }
  }, [wanted.join(' '), opened.value])
}
