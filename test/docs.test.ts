// The documents say what the code says: generated pages, examples, links, tables.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  decodeFrame,
  decodeRequest,
  encode,
  errors,
  frameDocs,
  frames,
  requestDocs,
  requests,
  type FrameType,
  type RequestType,
} from '../lib/protocol/index.ts'
import { generatedDocs } from '../scripts/generated.ts'
import { limits } from '../lib/protocol/limits.ts'
import { defaultConfig } from '../src/app.ts'
import { allCommands } from '../src/cli/commands/index.ts'
import { exits } from '../src/cli/exit.ts'
import { leftOut, type KindName } from '../src/keeping/archive.ts'
import { maxStrangerFrameBytes } from '../src/relay/intake.ts'

const pages = [
  'README.md',
  'SKILL.md',
  'CONTRIBUTING.md',
  'ROADMAP.md',
  'CHANGELOG.md',
  ...readdirSync('docs').filter(name => name.endsWith('.md')).map(name => `docs/${name}`),
]

describe('generated pages', async () => {
  test.each(Object.entries(await generatedDocs()))('%s is what the tables say (npm run docs)', (name, text) => {
    expect(readFileSync(`docs/${name}`, 'utf8')).toBe(text)
  })
})

describe('the protocol table', () => {
  test.each(Object.keys(requests) as RequestType[])('request %s is documented, and its example is one', type => {
    const { reply, quiet } = requests[type]
    const { doc, example, errors: codes } = requestDocs[type]
    expect(doc).toMatch(/^[A-Z].*[.]$/s)
    expect(decodeRequest(JSON.stringify({ type, ...example }))).toMatchObject({ ok: true, type })
    for (const code of codes) expect(errors).toHaveProperty(code)
    for (const name of reply) expect(frames).toHaveProperty(name)
    if (quiet !== undefined) expect(reply).toContain(quiet)
  })

  test.each(Object.keys(frames) as FrameType[])('frame %s is documented, and its example survives the wire', type => {
    const { doc, example } = frameDocs[type]
    expect(doc).toMatch(/^[A-Z].*[.]$/s)
    const body = { ts: 1_790_000_000_000, ...example }
    expect(decodeFrame(encode(type, body as never))).toEqual({ ok: true, frame: { type, ...body } })
  })
})

describe('pages', () => {
  test.each(pages)('%s links to files that are there', page => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(match => match[1]!).filter(link =>
      !/^[a-z]+:/.test(link)
    )
    expect(links.filter(link => !existsSync(join(dirname(page), link)))).toEqual([])
  })

  /** What a link may end in after #: headings as GitHub names them, and marks. */
  const anchorsOf = (page: string): ReadonlySet<string> => {
    const text = readFileSync(page, 'utf8').replaceAll(/^ *```[^]*?^ *```$/gm, '')
    const found = new Map<string, number>()
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
      const slug = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-')
      const before = found.get(slug) ?? 0
      found.set(slug, before + 1)
      return before === 0 ? slug : `${slug}-${before}`
    })
    return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(match => match[1]!)])
  }

  test('link to headings that are there', () => {
    const links = pages.flatMap(page =>
      [...readFileSync(page, 'utf8').matchAll(/\]\(((?![a-z]+:)[^)#\s]*)#([^)\s]+)\)/g)].map(([, path, anchor]) => ({
        from: page,
        to: path === '' ? page : join(dirname(page), path!),
        anchor: anchor!,
      }))
    ).filter(({ to }) => to.endsWith('.md'))
    expect(links.length).toBeGreaterThan(50)
    const known = new Map([...new Set(links.map(({ to }) => to))].map(to => [to, anchorsOf(to)]))
    expect(links.filter(({ to, anchor }) => !known.get(to)!.has(anchor))).toEqual([])
  })

  test.each(pages)('%s names source files that are there', page => {
    const paths = [...readFileSync(page, 'utf8').matchAll(/\b(?:src|lib|test|bench|bin|scripts)\/[\w./-]+\.(?:ts|mjs|txt)\b/g)].map(match =>
      match[0]
    )
    // The feature that the contributing page makes up is not there.
    const isExample = (path: string) => page === 'CONTRIBUTING.md' && /\bpins\b/.test(path)
    expect(paths.filter(path => !existsSync(path) && !isExample(path))).toEqual([])
  })

  test('for users speak of promises, and not of the tests that hold them', () => {
    // What DELIVERY promises stands beside what holds it; ARCHITECTURE is for whoever changes the code.
    const ofTests = ['CONTRIBUTING.md', 'ROADMAP.md', 'CHANGELOG.md', 'docs/DELIVERY.md', 'docs/ARCHITECTURE.md']
    const speaking = pages.filter(page => !ofTests.includes(page) && /\btest\/\w|\.test\.ts\b/.test(readFileSync(page, 'utf8')))
    expect(speaking).toEqual([])
  })

  test('all of docs/ are in the list of what holds what, but for those that are generated or say so themselves', () => {
    const told = readFileSync('CONTRIBUTING.md', 'utf8').split('## What holds what')[1]!.split('\n## ')[0]!
    const ownWord = ['API', 'CLI', 'CONFIG', 'PROTOCOL', 'ARCHITECTURE', 'DELIVERY']
    const names = pages.flatMap(page => /^docs\/(\w+)\.md$/.exec(page)?.[1] ?? [])
    expect(names.filter(name => !ownWord.includes(name) && !new RegExp(`^\\|[^|]*\\b${name}\\b`, 'm').test(told))).toEqual([])
  })
})

describe('what pages say of the program', () => {
  const generated = ['docs/API.md', 'docs/CLI.md', 'docs/CONFIG.md', 'docs/PROTOCOL.md']
  const byHand = pages.filter(page => !generated.includes(page) && !['CONTRIBUTING.md', 'CHANGELOG.md', 'ROADMAP.md'].includes(page))
  const wordsOf = (text: string): ReadonlySet<string> => new Set(text.match(/[A-Za-z_]\w*/g))
  const sources = [
    ...['src', 'lib', 'deploy', 'bench'].flatMap(folder =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /(?<!\.test)\.(?:ts|mjs|ya?ml|service)$/.test(name))
        .map(name => join(folder, name))
    ),
    ...generated,
  ]
  const known = wordsOf(sources.map(file => readFileSync(file, 'utf8')).join('\n'))
  const flags = new Set(readFileSync('docs/CLI.md', 'utf8').match(/--[a-z][a-z-]*/g))
  /** Of npm, docker, git, kubectl, systemctl, curl, jq, hosts of MCP, the siege and the chaos run. */
  const foreign = [
    '--header',
    '--transport',
    '--global',
    '--profile',
    '--unbuffered',
    '--follow-tags',
    '--format',
    '--from-literal',
    '--fail',
    '--now',
    '--silent',
    '--addresses',
    '--again',
    '--break',
    '--nodes',
    '--only',
    '--rows',
    '--save',
    '--version',
    '--arg',
    '--user',
    '--sandbox',
  ]

  test.each(byHand)('%s: variables, settings and flags are there', page => {
    const text = readFileSync(page, 'utf8')
    const names = [...text.match(/\bAGENTCHAT_\w+/g) ?? [], ...[...text.matchAll(/`([a-z]+[A-Z]\w*)`/g)].map(match => match[1]!)]
    expect(names.filter(name => !known.has(name))).toEqual([])
    expect((text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []).filter(flag => !flags.has(flag) && !foreign.includes(flag))).toEqual([])
  })

  const config = defaultConfig() as unknown as Readonly<Record<string, unknown>>
  const units = { '': 1, s: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000, KiB: 1_024, MiB: 1_024 ** 2 } as const

  test('defaults beside the names of settings are the defaults', () => {
    const told = byHand.flatMap(page =>
      [...readFileSync(page, 'utf8').matchAll(/`(\w+)`,? \(?(\d[\d,.]*) ?(s|minutes|hours|days|KiB|MiB|)\b/g)].map((
        [said, key, number, unit],
      ) => ({
        page,
        said,
        key: key!,
        value: Number(number!.replaceAll(',', '')) * units[unit as keyof typeof units],
      }))
    ).filter(({ key }) => Object.hasOwn(config, key))
    expect(told.length).toBeGreaterThan(7)
    for (const { page, said, key, value } of told) expect([page, said, value]).toEqual([page, said, config[key]])
  })

  test("the README's table of limits is that of the defaults", () => {
    const of = (key: string) => Number(config[key])
    const grouped = (value: number) => value.toLocaleString('en-US')
    const rows: Readonly<Record<string, readonly string[]>> = {
      '● messages per agent': [`${of('msgRate')} per second`, `${of('msgBurst')} at once`],
      '● frame; before a session; content of a message': [
        `${of('maxFrameBytes') / units.MiB} MiB; ${maxStrangerFrameBytes / units.KiB} KiB; ${of('maxContentBytes') / units.KiB} KiB`,
      ],
      '● unsent bytes of a slow reader': [`${of('maxPendingBytes') / units.MiB} MiB`],
      '● events in one page': [String(limits.maxPage)],
      'connections': [grouped(of('maxConnections')), `${of('maxConnectionsPerIp')} from one address`, `/${of('ipv6PrefixBits')}`],
      'sessions of one agent': [String(of('maxSessionsPerAgent'))],
      'channels; agents in one': [`${grouped(of('maxChannels'))}; ${grouped(of('maxMembersPerChannel'))}`],
      'messages replayed by a plain `JOIN`': [String(of('joinReplay'))],
      'names; channel names; topics': [`${limits.maxNameChars}; ${limits.maxChannelChars}; ${limits.maxTopicChars} characters`],
    }
    const table = readFileSync('README.md', 'utf8').split('## Limits')[1]!
    for (const [what, values] of Object.entries(rows)) {
      const row = table.split('\n').find(line => line.startsWith(`| ${what} |`))
      for (const value of values) expect(row).toContain(value)
    }
  })

  test('what pages call of a client is there', () => {
    const reference = readFileSync('docs/API.md', 'utf8')
    const called = byHand.flatMap(page =>
      [...readFileSync(page, 'utf8').matchAll(/(?<![\w/])client((?:\.[a-z]\w*)+)/g)].map(match => match[1]!.slice(1))
    )
    expect(called.length).toBeGreaterThan(20)
    const wrong = called.filter(path => {
      const [first, second] = path.split('.')
      const owner = `${first![0]!.toUpperCase()}${first!.slice(1)}`
      return !reference.includes(`#### AgentChatClient.${first}\n`)
        || (second !== undefined && !reference.includes(`#### ${owner}.${second}\n`))
    })
    // The name of a source file.
    expect(wrong.filter(path => path !== 'ts')).toEqual([])
  })

  test('OPERATIONS tells all that an export holds, and all that it leaves out', () => {
    const held: Readonly<Record<KindName, string>> = {
      channel: 'channels',
      retention: 'limits',
      agent: 'agents',
      membership: 'memberships',
      invitation: 'invitations',
      group: 'groups',
      approval: 'allowlist',
      block: 'blocks',
      ban: 'bans of agents',
      event: 'messages',
      reaction: 'reactions',
      reacted: 'reactions',
      pin: 'pins',
      inbox: 'inboxes',
      cursor: 'inboxes',
      receipt: 'receipts',
      receipt_part: 'receipts',
      rating: 'ratings',
      rated_pair: 'ratings',
      witnessed: 'heads that it cosigned',
    }
    const left: Readonly<Record<keyof typeof leftOut, string>> = {
      deals: 'deals',
      cases: 'cases',
      accounts: 'money',
      skill_lists: 'skill lists',
      profiles: 'profiles',
      proofs: 'proofs',
      servers: 'the directory',
      announcements: 'announcements',
      address_bans: 'bans of addresses',
      muted_threads: 'muted threads',
      files: 'files',
      audit: 'the audit',
      tokens: 'tokens',
      hooks: 'hooks',
      leases: 'leases',
      floors: 'floors',
      budgets: 'budgets',
      links: 'links and what is mirrored',
      webhooks: 'webhooks',
      errands: 'errands',
      people: 'accounts of people',
    }
    const [, holds, without] = /^\| Holds \| [^|]* \| ([^|]*) \|\n\| Without \| [^|]* \| ([^|]*) \|$/m.exec(
      readFileSync('docs/OPERATIONS.md', 'utf8'),
    )!
    expect(new Set(holds!.split(/, | and their /))).toEqual(new Set(Object.values(held)))
    expect(without!.split('; ')[1]!.split(', ').sort()).toEqual(Object.values(left).sort())
  })

  test("the README's table of commands has all that there are", async () => {
    const rows = readFileSync('README.md', 'utf8').split('| Command | Does |\n')[1]!.split('\n\n')[0]!.split('\n')
    const named = rows.flatMap(row => [...row.split('|')[1]!.matchAll(/`([\w-]+)`/g)].map(match => match[1]!))
    expect(named.sort()).toEqual((await allCommands()).map(({ name }) => name).sort())
  })

  test('SKILL.md has every exit code, and says to try again what may be tried again', () => {
    const rows = readFileSync('SKILL.md', 'utf8').matchAll(/^\| (\d+) \|[^|]*\|([^|]*)\|$/gm)
    const told = Object.fromEntries([...rows].map(([, code, then]) => [code, /try again/.test(then!)]))
    expect(told).toEqual(Object.fromEntries(Object.values(exits).map(({ code, retry }) => [code, retry])))
  })

  test('ARCHITECTURE lists the slices that are there', () => {
    const text = readFileSync('docs/ARCHITECTURE.md', 'utf8')
    for (const group of ['talk', 'operate', 'trade', 'account'])
      expect(new RegExp(`^    ${group}/ +(.*)$`, 'm').exec(text)?.[1]!.split(' ').sort()).toEqual(
        readdirSync(`src/features/${group}`).sort(),
      )
  })
})
