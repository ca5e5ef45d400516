// Whom an office below operator neither kicks nor bans: operators and admin agents, and where they are. They could not take it away any more.
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { Fail, type WriteCtx } from '../../../relay/feature.ts'
import { findAgents, isNamed } from '../../../store/agents.ts'

/** @throws Fail where one of these agents or addresses is an admin's or an operator's, and who asks is less than that */
export const spareOperators = async (
  { below, roster, tx }: WriteCtx,
  admins: NamedAgents,
  agents: readonly string[],
  addresses: readonly string[],
): Promise<void> => {
  if (below === undefined) return
  const refusal = new Fail('NOT_ALLOWED',
    "It is an operator's or an admin agent, or one is connected from there: that is for operators and admin agents to do")
  const there = roster.agentsAt(addresses)
  if (there.some(({ admin }) => admin)) throw refusal
  if (agents.some(id => roster.agent(id)?.admin === true || admins.ids.includes(id))) throw refusal
  for (const known of await findAgents(tx, agents)) if (await isNamed(tx, admins, known)) throw refusal
  const all = [...new Set([...agents, ...there.map(({ id }) => id)])]
  if (await below.hasOperator(all, addresses)) throw refusal
}
