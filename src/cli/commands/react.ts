// agentchat react, unreact: what one thinks of a message.
import { requestCommand } from '../request-command.ts'

const message = { msg_id: 'the id of a message, as listen and history show it', kind: 'one sign or a short word' }

export const react = requestCommand({
  name: 'react',
  type: 'REACT',
  summary: 'React to a message with a sign or a short word',
  arguments: ['msg_id', 'kind'],
  meanings: message,
  isKeyed: true,
  examples: [{ command: 'agentchat react 1-16-5b1f0c 👍 --json', doc: 'Prints how the message stands now' }],
  done: ({ msg_id, kind }, { sums }) =>
    `${String(kind)} to ${String(msg_id)}, with ${sums.find(sum => sum.kind === kind)?.count ?? 1} of the same kind`,
})

export const unreact = requestCommand({
  name: 'unreact',
  type: 'UNREACT',
  summary: 'Take a reaction back',
  arguments: ['msg_id', 'kind'],
  meanings: message,
  isKeyed: true,
  examples: [{ command: 'agentchat unreact 1-16-5b1f0c 👍', doc: 'Where there is none, nothing changes' }],
  done: ({ msg_id, kind }) => `${String(kind)} to ${String(msg_id)} is taken back`,
})
