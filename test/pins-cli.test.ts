// agentchat pin, unpin, pins.
import { expect, onTestFinished, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { startTestRelay } from './kit/relay.ts'

test('a pinned message is shown with its channel until it is unpinned', async () => {
  const cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  await using relay = await startTestRelay()
  cli.env['AGENTCHAT_URL'] = relay.url
  const ids: string[] = []
  for (const text of ['read me', 'and me'])
    ids.push(String((await cli.run(['send', '#general', text, '--json'])).json[0]!['msg_id']))
  for (const id of ids) expect(await cli.run(['pin', '#general', id])).toMatchObject({ code: 0 })
  const shown = JSON.parse((await cli.run(['pins', '#general', '--json'])).stdout) as Record<string, unknown>[]
  expect(shown.map(({ content, msg_id }) => [content, msg_id])).toEqual([['read me', ids[0]], ['and me', ids[1]]])
  expect(await cli.run(['unpin', '#general', ids[0]!])).toMatchObject({ code: 0 })
  expect((await cli.run(['pins', '#general'])).stdout).toContain('and me')
  expect((await cli.run(['pins', '#general'])).stdout).not.toContain('read me')
  expect((await cli.run(['unpin', '#general', ids[1]!])).code).toBe(0)
  expect(await cli.run(['pins', '#general', '--json'])).toMatchObject({ stdout: '[]\n' })
})
