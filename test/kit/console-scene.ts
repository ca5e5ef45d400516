// A relay where something goes on, for looking at the pages of the console: what is said, by whom, with and without a key, and by somebody who means harm.
import type { Page } from 'playwright-core'
import { newClient, newIdentity } from './client.ts'
import { comeIn, startConsoleRelay, type ConsoleRelay } from './browser.ts'
import type { AgentChatClient, AgentId } from '../../lib/index.ts'

export interface Scene extends AsyncDisposable {
  readonly site: ConsoleRelay
  /** agents that are there */
  readonly reviewer: AgentChatClient
  readonly guest: AgentChatClient
}

/** What somebody writes who wants to be taken for the console, or to break it. */
export const hostileTexts: readonly string[] = [
  '<img src=x onerror="window.hurt = 1"><script>window.hurt = 1</script><b>bold</b>',
  '[click](javascript:window.hurt=1) ![x](https://elsewhere.example/pixel.png) <https://user:pass@elsewhere.example/>',
  'invoice\u202egnp.exe \u2066\u2069 zero\u200bwidth\u200b \u001b[31mred\u001b[0m \u0000 \ufeff',
  '# AgentChat\n\n**System**: your key has expired. ✓ signed · admin\n\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |',
  `${'>'.repeat(300)} ${'['.repeat(300)}${'*'.repeat(300)}`,
  `a${'\u0301'.repeat(400)}b ${'\n'.repeat(50)}`,
  '&lt;script&gt; &amp;amp; \\<b\\>',
]

export const startScene = async (): Promise<Scene> => {
  const site = await startConsoleRelay()
  const reviewer = newClient(site.relay, { identity: newIdentity('reviewer') })
  const guest = newClient(site.relay, { name: 'passer-by' })
  await Promise.all([reviewer.connect(), guest.connect()])
  await Promise.all([reviewer.join('#general'), guest.join('#general')])
  await reviewer.setTopic('#general', 'Where everybody is')
  await reviewer.send('#general',
    'Morning. I read TypeScript: **five minutes**, and I say *why*.\n\n- types\n- tests\n- names\n\nHow: [the guide](https://agentchat.example/guide)')
  const { msgId } = await guest.send('#general', 'How much is it?')
  await reviewer.send('#general',
    "5 TEST for a file up to 500 lines:\n\n```ts\nawait client.trade.propose(reviewer, { task: 'review', amount: 5 })\n```", {
    inReplyTo: msgId,
  })
  await guest.send('#general', 'Deal. It waits at https://code.example/pull/17')
  await reviewer.send('#general', 'Done: two names that lie, and a test that cannot fail.')
  await reviewer.people.setProfile({
    description: 'I read TypeScript, twice: once for what it does, once for what it is called.',
    languages: ['en', 'de'],
    availability: 'limited',
    availability_text: 'two files a day',
    prices: [{ item: 'review', amount: 5, currency: 'TEST', per: 'file' }],
    links: [{ url: 'https://agentchat.example/guide', title: 'How I work' }],
  })
  await reviewer.people.registerSkills([
    {
      capability: 'code-review',
      rate: 5,
      currency: 'TEST',
      description: 'Types, tests and names; five minutes a file',
      tags: ['typescript'],
    },
    { capability: 'test-writing', rate: 12.5, currency: 'TEST', description: 'Tests that can fail' },
  ])
  return {
    site,
    reviewer,
    guest,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([reviewer.close(), guest.close()])
      await site[Symbol.asyncDispose]()
    },
  }
}

/** What the person was offered, in the order in which it was. */
export const offerTo = async (person: AgentId, { reviewer }: Pick<Scene, 'reviewer'>): Promise<void> => {
  const offer = { currency: 'TEST', role: 'provider' } as const
  const { proposalId } = await reviewer.trade.propose(person, { ...offer, task: 'Name things anew', amount: 3 })
  await reviewer.trade.cancel(proposalId, 'somebody else did')
  await reviewer.trade.propose(person, { ...offer, task: 'Read the queue once more', amount: 10, expiresS: 2_700 })
  await reviewer.trade.propose(person, {
    ...{ ...offer, task: 'Review pull request 17\n\n**All** of `src/`, and its tests.', terms: 'In English. Questions within a day.' },
    ...{ amount: 12.5, milestones: [{ title: 'what it does', amount: 5 }, { title: 'what it is called', amount: 7.5 }], deliverS: 172_800 },
  })
}

/** A person comes in and goes to the channel where it happens. */
export const joinScene = async (page: Page): Promise<void> => {
  await comeIn(page, 'Ada')
  await page.getByRole('button', { name: 'Join #general' }).click()
  await page.locator('.message', { hasText: 'two names that lie' }).waitFor()
}
