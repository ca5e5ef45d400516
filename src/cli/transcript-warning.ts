// What a relay does not keep to is told where it is noticed, and what shows it is kept in a file.
import { join } from 'node:path'
import type { ClientStatus } from '../../lib/client/index.ts'
import type { Io } from './io.ts'
import { agentchatHome, writeJson } from './home.ts'
import { visible } from './terminal.ts'

/** The warning, and where the evidence is. */
export const transcriptWarning = (
  { problem, evidence }: Extract<ClientStatus, { readonly kind: 'transcript' }>,
  { env, now }: Pick<Io, 'env' | 'now'>,
): string => {
  const file = join(agentchatHome(env), `evidence-${now()}.json`)
  writeJson(file, evidence)
  // The witness may be away: it proves nothing.
  if (problem === 'unwitnessed')
    return `warning: fewer witnesses than are asked for have cosigned what was said in ${
      visible(evidence.stream)
    }; the heads are in ${file}. Ask a witness: agentchat transcript head RELAY '${
      visible(evidence.stream)
    }@HOST' --out its.head; agentchat transcript compare its.head`
  const what = evidence.mirror === undefined
    ? `the relay does not keep to one history of ${visible(evidence.stream)}`
    : `${visible(evidence.mirror)} is not shown as its home signed it`
  return `warning: ${what} (${problem}); what shows it is in ${file}: agentchat verify --evidence ${file}`
}
