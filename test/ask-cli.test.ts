// agentchat ask: the answer to this question, and to no other.
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay } from './kit/relay.ts'

let cli: Cli

beforeEach(async () => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  const relay = await startTestRelay()
  onTestFinished(() => relay[Symbol.asyncDispose]())
  cli.env['AGENTCHAT_URL'] = relay.url
})

const identity = async (name: string): Promise<{ readonly file: string, readonly id: string }> => {
  const file = cli.at(`${name}.json`)
  const { json } = await cli.run(['identity', 'generate', '-n', name, '-f', file])
  await cli.run(['channels', '-i', file])
  return { file, id: String(json[0]!['agent_id']) }
}

test('ask prints the message that answers the question; what else was said waits for a listener', async () => {
  const [ann, bob] = [await identity('ann'), await identity('bob')]
  const asking = cli.run(['ask', bob.id, 'what is 2 + 2?', '-i', ann.file, '--timeout', '20'])
  const heard = await cli.run(['listen', '--dm', '-i', bob.file, '-m', '1'])
  expect(heard.json[0]).toMatchObject({ from: ann.id, content: 'what is 2 + 2?' })
  await cli.run(['send', ann.id, 'by the way', '-i', bob.file])
  await cli.run(['send', ann.id, 'four', '--reply-to', String(heard.json[0]!['msg_id']), '-i', bob.file])
  expect(await asking).toMatchObject({
    code: 0,
    json: [{ type: 'MSG', from: bob.id, content: 'four', in_reply_to: heard.json[0]!['msg_id'], signature: 'valid' }],
  })
  expect((await cli.run(['listen', '--dm', '-i', ann.file, '-m', '1', '--content'])).stdout).toBe('by the way\n')
})

test('without an answer it ends with the code for time, and says where an answer would come', async () => {
  const [ann, bob] = [await identity('ann'), await identity('bob')]
  expect(await cli.run(['ask', bob.id, 'hello?', '-i', ann.file, '--timeout', '0.5', '--id', 'q'])).toMatchObject({
    code: exits.timeout.code,
    stdout: '',
    stderr: expect.stringMatching(/did not answer within 0.5 s\n.*listen --dm, or by asking again with --id q/),
  })
  const again = cli.run(['ask', bob.id, '-', '-i', ann.file, '--id', 'q', '--content', '--timeout', '20'], { stdin: 'hello?' })
  const heard = await cli.run(['listen', '--dm', '-i', bob.file, '-m', '1'])
  await cli.run(['send', ann.id, 'here\nI am', '--reply-to', String(heard.json[0]!['msg_id']), '-i', bob.file])
  expect(await again).toMatchObject({ code: 0, stdout: 'here\nI am\n' })
  expect((await cli.run(['history', bob.id, '-i', ann.file])).json).toHaveLength(2)
  expect((await cli.run(['ask', 'bob', 'hello?'])).code).toBe(exits.usage.code)
})
