// Skills, profiles and presence by the command line, against a relay.
import { writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let cli: Cli
let relay: TestRelay

beforeEach(async () => {
  relay = await startTestRelay()
  cli = new Cli()
  cli.env['AGENTCHAT_URL'] = relay.url
  onTestFinished(async () => {
    cli[Symbol.dispose]()
    await relay.drain()
  })
})

const identity = async (name: string): Promise<{ readonly id: string, readonly file: string }> => {
  const file = cli.at(`${name}.json`)
  const { json } = await cli.run(['identity', 'generate', '-n', name, '-f', file, '--json'])
  return { id: String(json[0]!['agent_id']), file }
}

describe('skills', () => {
  test('announce by flags, search, show, withdraw', async () => {
    const { id, file } = await identity('alice')
    const announced = await cli.run([
      'skills',
      'announce',
      relay.url,
      '-i',
      file,
      '-c',
      'code-review',
      '-r',
      '5',
      '--description',
      'Reads \u001b[31m TypeScript',
      '--json',
    ])
    expect([announced.code, announced.json[0]]).toEqual([0, { agent_id: id, skills_count: 1, registered_at: expect.any(Number) as number }])
    const query = ['skills', 'search', 'typescript', '--max-rate', '5', '--currency', 'TEST', '--json']
    const found = await cli.run(query)
    expect(found.json).toMatchObject([[{ agent_id: id, capability: 'code-review', rate: 5, currency: 'TEST', online: false }]])
    expect(found.stderr).toBe('1 of 1 skill(s)\n')
    const counted = await cli.run([...query, '--facets'])
    expect(counted.json[0]).toContainEqual({ facet: 'currency', value: 'TEST', count: 1 })
    expect(counted.stderr).toBe('1 skill(s)\n')
    const seen = await cli.run(['skills', 'search', '-c', 'REVIEW'], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(seen.stdout).toMatch(
      /^SKILL {8}RATE {4}AGENT +NAME +RATING {2}PRESENCE\ncode-review {2}5 TEST {2}@\w+ +alice +1200 {2}offline since /,
    )
    expect(seen.stdout).toContain('\n  Reads \\u001b[31m TypeScript\n')
    expect(seen.stdout).not.toContain('\u001b')
    expect(await cli.run(['skills', 'search', '--online', '--json'])).toMatchObject({ stdout: '[]\n', stderr: '0 of 0 skill(s)\n' })
    const facets = await cli.run(['skills', 'search', '--facets'], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(facets.stdout).toMatch(/^FACET +VALUE +SKILLS\n(?:.*\n)*currency +TEST +1\n/)
    const shown = await cli.run(['skills', 'show', id, '--json'])
    expect(shown.json[0]).toMatchObject({
      agent_id: id,
      signatures: { skills: 'valid', profile: 'none' },
      skills: [{ capability: 'code-review' }],
    })
    expect((await cli.run(['skills', 'withdraw', '-i', file])).code).toBe(0)
    expect((await cli.run(['skills', 'search', '--json'])).json).toEqual([[]])
  })

  test('from a file in both shapes, and through an agent card and back', async () => {
    const [alice, bob] = [await identity('alice'), await identity('bob')]
    const skills = 'skills:\n  - capability: translation\n    description: de to en\n    rate: 0.02\n    currency: USD\n    per: '
      + 'word\n  - capability: baking\n'
    expect((await cli.run(['skills', 'announce', '-i', alice.file, '-f', '-'], { stdin: skills })).code).toBe(0)
    const card = await cli.run(['skills', 'show', alice.id, '--card'])
    expect(JSON.parse(card.stdout)).toMatchObject({
      skills: [{ id: 'translation', name: 'translation', description: 'de to en', tags: [] }, { id: 'baking' }],
    })
    expect((await cli.run(['skills', 'announce', '-i', bob.file, '--card', '-'], { stdin: card.stdout })).code).toBe(0)
    const [ofAlice, ofBob] = await Promise.all(
      [alice.id, bob.id].map(async id => (await cli.run(['skills', 'show', id, '--json'])).json[0]!['skills']),
    )
    expect(ofBob).toEqual(ofAlice)
    expect(ofBob).toContainEqual({ capability: 'translation', description: 'de to en', rate: 0.02, currency: 'USD', per: 'word' })
    writeFileSync(cli.at('list.json'), '[{"capability":"go"}]')
    expect((await cli.run(['skills', 'announce', '-i', bob.file, '-f', cli.at('list.json')])).code).toBe(0)
  })

  test('what is wrong is said, with what to do next', async () => {
    const { file } = await identity('alice')
    const cases: readonly (readonly [readonly string[], keyof typeof exits, string, string?])[] = [
      [['skills'], 'usage', 'One of: announce, search, show, withdraw'],
      [['skills', 'announce', '-i', file], 'usage', 'Give one of --capability, --file and --card'],
      [['skills', 'announce', '-i', file, '-c', 'x', '-r', 'free'], 'usage', '"free" is not an amount'],
      [['skills', 'announce', '-i', file, '-f', '/nowhere.yaml'], 'notFound', 'Cannot read /nowhere.yaml'],
      [['skills', 'announce', '-i', file, '-f', '-'], 'usage', 'neither JSON nor YAML', '{"a": ['],
      [['skills', 'announce', '-i', file, '--card', '-'], 'usage', 'skills', '{"name": "no skills"}'],
      [['skills', 'announce', '-c', 'x'], 'refused', 'identity'],
      [['skills', 'search', '--sort', 'size'], 'usage', '--sort'],
      [['skills', 'search', '--language', '%'], 'usage', '--language'],
      [['skills', 'show', '@nobody'], 'notFound', 'AGENT_NOT_FOUND'],
    ]
    for (const [args, exit, words, stdin = ''] of cases) {
      const { code, stderr } = await cli.run(args, { stdin })
      expect([args, code, stderr]).toEqual([args, exits[exit].code, expect.stringContaining(words) as string])
    }
  })
})

describe('profile', () => {
  test('set by fields and by file, show, clear', async () => {
    const { id, file } = await identity('alice')
    expect(
      (await cli.run([
        'profile',
        'set',
        '-i',
        file,
        '--description',
        'Reviews',
        '--languages',
        'en, de-CH',
        '--link',
        'https://example.org/',
      ])).code,
    ).toBe(0)
    await cli.run(['profile', 'set', '-i', file, '--availability', 'limited'])
    expect((await cli.run(['profile', 'show', id, '--json'])).json[0]).toMatchObject({
      profile: { description: 'Reviews', languages: ['en', 'de-CH'], links: [{ url: 'https://example.org/' }], availability: 'limited' },
      signatures: { profile: 'valid' },
    })
    const seen = await cli.run(['profile', 'show', '-i', file], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(seen.stdout).toMatch(
      /^alice @[0-9a-f]{16} {2}online\nProfile: signed by the agent\n {2}description {2}Reviews\n {2}availability limited\n {2}languages {4}en, de-CH\n/,
    )
    await cli.run(['profile', 'set', '-i', file, '-f', '-'], {
      stdin: 'description: anew\nprices:\n  - { item: review, amount: 5, currency: TEST, per: file }\n',
    })
    expect((await cli.run(['profile', 'show', id, '--json'])).json[0]).toMatchObject({
      profile: { description: 'anew', prices: [{ item: 'review', amount: 5, currency: 'TEST', per: 'file' }] },
    })
    await cli.run(['profile', 'set', '-i', file, '--clear'])
    expect((await cli.run(['profile', 'show', id, '--json'])).json[0]).toMatchObject({ profile: null, signatures: { profile: 'none' } })
    expect(await cli.run(['profile', 'set', '-i', file, '--availability', 'maybe'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('availability') as string,
    })
    expect(await cli.run(['profile', 'set', '-i', file])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('Nothing to change') as string,
    })
  })
})

describe('presence and watch', () => {
  test('a watcher sees who comes, what it says, and that it goes', async () => {
    const { id, file } = await identity('alice')
    const watching = cli.run(['watch', id, '-m', '3', '--timeout', '30'])
    await watching.prints('"presence":"offline"')
    const staying = cli.run(['presence', 'busy', 'reviewing', '-i', file, '--stay'])
    await watching.prints('"status_text":"reviewing"')
    // Another session of the same agent speaks for it.
    expect((await cli.run(['presence', 'away', 'lunch', '-i', file, '--json'])).code).toBe(exits.ok.code)
    // Of what comes within a second the newest is told: it goes once the word was heard.
    await watching.prints('"status_text":"lunch"')
    staying.interrupt()
    const { code, json } = await watching
    expect([code, json.map(({ presence, status_text }) => [presence, status_text])]).toEqual([0, [['offline', null], ['online', null], [
      'busy',
      'reviewing',
    ], ['away', 'lunch']]])
    await staying
  })

  test('a presence that nobody would see is not reported as set', async () => {
    const { file } = await identity('alice')
    expect(await cli.run(['presence', 'away', '-i', file])).toMatchObject({
      code: exits.refused.code,
      stderr: expect.stringContaining('--stay') as string,
    })
    expect(await cli.run(['presence', 'asleep', '-i', file])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('One of: online, away, busy, listening, offline') as string,
    })
    expect(await cli.run(['watch', 'alice'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('is not an agent id') as string,
    })
  })
})
