// The house rules that a machine can hold: who may import whom, no circles, sizes, names, and what must not be written.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const roots = ['bin', 'lib', 'src', 'scripts', 'web']
const files = roots.flatMap(root => readdirSync(root, { recursive: true, encoding: 'utf8' }).map(name => join(root, name)))
  .filter(file => /\.tsx?$/.test(file) && !file.endsWith('.test.ts'))
const source = new Map(files.map(file => [file, readFileSync(file, 'utf8')]))

const staticImport = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|(?:^|\n)import\s+'([^']+)'/g
const anyImport = new RegExp(`${staticImport.source}|import\\('([^']+)'\\)`, 'g')

/** The modules a file names, lazy ones too unless asked otherwise: paths from the root for our own, package names for others. */
const importsOf = (file: string, pattern = anyImport): readonly string[] =>
  [...source.get(file)!.matchAll(pattern)]
    .map(match => match[1] ?? match[2] ?? match[3]!)
    .map(name => name.startsWith('.') ? normalize(join(dirname(file), name)) : name)

/** Folder or file → what it may import, beside its own folder. The first row that fits a file is its row. */
const table: readonly (readonly [string, readonly string[]])[] = [
  ['lib/access', []],
  ['lib/protocol', ['lib/access', 'zod']],
  ['lib/identity', ['lib/protocol', '@noble/ed25519', '@noble/hashes']],
  ['lib/client', ['lib/protocol', 'lib/identity']],
  ['lib/node', ['lib/protocol', 'lib/identity', 'lib/client', 'node:', 'ws', 'zod']],
  ['lib/index.ts', ['lib/client']],
  ['lib/rules', ['@marcbachmann/cel-js']],
  ['src/base', ['node:', 'pino', 'prom-client']],
  ['src/config', ['src/base', 'src/domain/brand.ts', 'src/domain/logo.ts', 'zod', 'yaml', 'node:']],
  ['src/store', [
    'lib/identity/transcripts',
    'lib/node/private-folder.ts',
    'lib/protocol/timer.ts',
    'src/base',
    'node:',
    'kysely',
    'better-sqlite3',
    'pg',
  ]],
  // Data at rest, with no relay in between: files and databases, checked by the rules of the wire.
  ['src/keeping', ['lib/protocol', 'lib/identity', 'lib/node/private-folder.ts', 'src/store', 'node:', 'zod']],
  ['src/bus', ['@nats-io/transport-node']],
  ['src/outbound', ['lib/protocol/timer.ts', 'node:', 'zod', 'openid-client']],
  // What it is for the wing, by the wing's port.
  ['src/bridges', ['lib/protocol', 'lib/identity', 'lib/client', 'lib/node', 'src/features/links/bridge/peer.ts']],
  ['src/domain', ['lib/protocol', 'lib/rules', '@noble/hashes', '@scure/base', '@simplewebauthn/server']],
  ['src/relay', ['lib/access', 'lib/protocol', 'lib/identity', 'src/base', 'src/bus', 'src/store', 'node:', 'ws']],
  ['src/features', [
    'lib/protocol',
    'lib/identity',
    'lib/rules',
    'src/base',
    'src/domain',
    'src/store/store.ts',
    'src/store/blanked.ts',
    'src/store/log.ts',
    'src/store/lives.ts',
    'src/store/agents.ts',
    'src/store/standing.ts',
    'src/store/blocks.ts',
    'src/store/audit.ts',
    'src/store/channels.ts',
    'src/store/cosigned.ts',
    'src/store/endings.ts',
    'src/store/meta.ts',
    'src/store/keeping.ts',
    'src/store/nodes.ts',
    'src/store/seats.ts',
    'src/store/nonces.ts',
    'src/store/people.ts',
    'src/store/servers.ts',
    'src/store/search.ts',
    'src/store/search-index.ts',
    'src/store/words.ts',
    'src/store/reactions.ts',
    'src/store/groups.ts',
    'src/store/shares.ts',
    'src/store/leases.ts',
    'src/store/budgets.ts',
    'src/store/tokens.ts',
    'src/store/transcripts.ts',
    'src/store/hooks.ts',
    'src/store/webhooks.ts',
    'src/store/webhooks.ts',
    'src/store/errands.ts',
    'src/store/answers.ts',
    'src/store/links.ts',
    'src/store/threads.ts',
    'src/store/files.ts',
    'src/relay/feature.ts',
    'node:crypto',
  ]],
  ['src/app.ts', [
    'lib/protocol',
    'lib/identity',
    'lib/node',
    'src/base',
    'src/config',
    'src/domain',
    'src/store',
    'src/relay',
    'src/features',
    'src/keeping',
    'src/files',
    'src/people.ts',
    'src/processes.ts',
    'src/relay-key.ts',
    'src/doors/console',
    'src/doors/files',
    'src/doors/http',
    'src/doors/mcp',
    'src/outbound',
    'src/linking.ts',
    'node:',
  ]],
  // What app.ts wires of links.
  ['src/linking.ts', [
    'lib/identity/transcripts',
    'src/base',
    'src/bridges',
    'src/config',
    'src/features/links',
    'src/outbound',
    'src/store',
    'node:',
  ]],
  // By what the processes of one relay hear each other.
  ['src/processes.ts', ['src/base', 'src/bus', 'src/config', 'src/relay/told.ts', 'src/relay/nodes.ts', 'src/store', 'node:']],
  ['src/relay-key.ts', ['lib/identity', 'lib/node/crypto.ts', 'src/store', 'node:']],
  // What app.ts wires of accounts.
  ['src/people.ts', [
    'lib/protocol',
    'lib/node/crypto.ts',
    'src/base',
    'src/config',
    'src/domain',
    'src/store',
    'src/relay/inside.ts',
    'src/relay/bonds.ts',
    'src/features/account',
    'src/doors/account',
    'src/outbound',
    'node:',
  ]],
  // The bytes of files, and the one way they come and go.
  ['src/files', ['node:', 's3mini']],
  ['src/doors/files', [
    'lib/protocol/timer.ts',
    'src/base',
    'src/domain/file-ticket.ts',
    'src/files',
    'src/relay/inside.ts',
    'src/store/store.ts',
    'src/store/files.ts',
    'src/store/standing.ts',
    'node:',
  ]],
  // Tools for MCP hosts, written once against a port; the SDK is optional and loaded late.
  ['src/doors/http', [
    'lib/access',
    'lib/protocol',
    'lib/identity',
    'src/base',
    'src/relay/inside.ts',
    'src/relay/bucket.ts',
    'src/store/store.ts',
    'src/store/agents.ts',
    'src/store/nonces.ts',
    'src/store/tokens.ts',
    'src/store/hooks.ts',
    'src/store/webhooks.ts',
    'src/store/answers.ts',
    'node:',
    'zod',
  ]],
  // People sign in here, and see to their accounts: the one door where cookies count.
  ['src/doors/account', [
    'lib/access',
    'lib/protocol',
    'src/base',
    'src/domain',
    'src/doors/http/body.ts',
    'src/doors/http/problem.ts',
    'src/relay/inside.ts',
    'src/relay/bucket.ts',
    'node:',
    'zod',
  ]],
  // Files for browsers.
  ['src/doors/console', ['lib/protocol/price.ts', 'src/base', 'src/domain/brand.ts', 'src/relay/inside.ts', 'node:']],
  ['src/doors/mcp', [
    'lib/protocol',
    'lib/identity',
    'lib/client',
    'src/base',
    'src/relay/inside.ts',
    'src/relay/bucket.ts',
    'src/store/store.ts',
    'src/store/by-token.ts',
    'src/store/nodes.ts',
    'node:',
    'zod',
    '@modelcontextprotocol/server',
  ]],
  // Wallet, chain and provider; the packages that speak to the chain are optional and loaded late.
  ['src/deploy/akash', [
    'src/deploy/spec.ts',
    'src/config/schema.ts',
    'src/store/sqlite/driver.ts',
    'lib/node/private-file.ts',
    'lib/node/folder.ts',
    'lib/protocol/timer.ts',
    'node:',
    'ws',
    'zod',
    '@akashnetwork/chain-sdk',
    '@cosmjs',
  ]],
  // A deployment: its description, and what it becomes on each target.
  ['src/deploy', ['lib/node/folder.ts', 'src/config', 'node:', 'zod', 'yaml', 'kubernetes-types']],
  // A relay of several processes and its servers, on one machine.
  ['src/dev-cluster', ['lib/protocol/timer.ts', 'src/config', 'node:']],
  ['src/cli', [
    'lib',
    'src/app.ts',
    'src/base',
    'src/config',
    'src/domain',
    'src/deploy',
    'src/dev-cluster',
    'src/doors/mcp',
    'src/outbound',
    'src/store/sqlite/driver.ts',
    'src/store/postgres/look.ts',
    'src/store/postgres/line.ts',
    'node:',
    'commander',
    'zod',
    'yaml',
  ]],
  ['web/vite.config.ts', ['node:', 'vite']],
  // The console is a client like any other: of ours it sees the library.
  ['web', ['lib', 'preact', '@preact/signals', '@tanstack/virtual-core', 'marked', 'uplot', 'zod']],
  ['bin', ['src/cli', 'node:']],
  ['scripts', [
    'lib/access',
    'lib/protocol',
    'lib/identity',
    'src/config',
    'src/domain',
    'src/cli',
    'src/deploy',
    'src/doors/account',
    'src/doors/http',
    'node:',
    'typescript',
  ]],
]

const isUnder = (name: string, place: string): boolean => name === place || name.startsWith(place.endsWith(':') ? place : `${place}/`)

describe('imports', () => {
  test.each(files)('%s imports only what its place may', file => {
    const row = table.find(([place]) => isUnder(file, place))
    expect(row, 'a row of the table').toBeDefined()
    const [place, allowed] = row!
    // A feature is a slice: of the other features it sees nothing.
    const own = place === 'src/features' && file !== 'src/features/index.ts' ? dirname(file) : place
    const wrong = importsOf(file).filter(name => ![own, ...allowed].some(allowance => isUnder(name, allowance)))
    expect(wrong).toEqual([])
  })

  test('there is no circle', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error(`circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
      if (done.has(file)) return
      for (const name of importsOf(file, staticImport)) if (source.has(name)) visit(name, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })

  test('what the table allows is used: a row that nobody needs is a lie', () => {
    for (const [place, allowed] of table) {
      const used = files.filter(file => isUnder(file, place)).flatMap(file => importsOf(file))
      for (const allowance of allowed) {
        if (['lib/protocol', 'src/base', 'src/domain', 'zod'].includes(allowance)) continue
        expect(used.some(name => isUnder(name, allowance)), `${place} ← ${allowance}`).toBe(true)
      }
    }
  })
})

/** What must not be written, and where it may be all the same. */
const forbidden: readonly (readonly [string, RegExp, RegExp])[] = [
  ['process.exit', /process\.exit\(/, /^bin\//],
  ['a default export', /^export default/m, /^web\/vite\.config\.ts$/],
  ['an enum', /^\s*(?:export )?(?:const )?enum /m, /^$/],
  ['mutable state of a module', /^(?:export )?let /m, /^bin\//],
  ['any', /[:<(|&]\s*any\b(?!\w)/, /^$/],
  ['console', /\bconsole\./, /^$/],
  ['a TODO without an issue', /@todo(?! #\d)/i, /^$/],
]

/** The call that begins at `start`, up to the bracket that closes it. */
const callAt = (text: string, start: number): string => {
  let depth = 0
  for (let end = text.indexOf('(', start); end < text.length; end++) {
    if (text[end] === '(') depth++
    if (text[end] === ')' && --depth === 0) return text.slice(start, end + 1)
  }
  return text.slice(start)
}

/** Files that speak one engine's SQL: those of the engine, and those for databases at rest. */
const ofEngine = /^src\/(?:keeping\/|store\/(?:sqlite|postgres)\/|store\/(?:migrate|space)[^/]*$)/

/** What only SQLite says. */
const ofSqlite = /json_(?:each|extract|object|remove|set)|->>|\binstr\(|\browid\b|\bMATCH\b|fts5|pragma|AUTOINCREMENT|INSERT OR|\bAS BLOB\b/

/** What a file says outside of comments, and of the steps that made its tables. */
const statementsOf = (file: string): string =>
  source.get(file)!.replace(/^\s*(?:\*|\/\/|\/\*\*).*$/gm, '')
    .replace(/^export const \w+: Migration = \{[\s\S]*?^\}/gm, '').replace(/^(?:export )?const \w*[sS]chema = `[\s\S]*?`$/gm, '')

describe('statements', () => {
  const outside = files.filter(file => file.startsWith('src/') && !ofEngine.test(file))
  const isStatement = /\.(?:selectFrom|insertInto|updateTable|deleteFrom)\(|\bsql(?:<[^`]*>)?`/

  test('stand with the tables they are about: in the store, or beside the steps that made those', () => {
    const strays = outside.filter(file => !file.startsWith('src/store/') && isStatement.test(source.get(file)!))
      .filter(file => !/^export const \w+: Migration = \{/m.test(source.get(file)!))
    expect(strays).toEqual([])
  })

  test('nobody but the log touches its tables: each engine has its own', () => {
    const tables = 'events|places|placed|indexed|inbox|inbox_cursors|streams|stream_sizes|publish_keys|spoken|erasures|links'
    const touches = new RegExp(
      `\\.(?:selectFrom|insertInto|updateTable|deleteFrom|\\w*Join)\\(\\s*'(?:${tables})\\b|\\b(?:FROM|JOIN|INTO|UPDATE) (?:${tables})\\b`,
    )
    // What lets go of them is the log's too, and the same for both.
    const strangers = outside.filter(file => file !== 'src/store/log-keeper.ts')
    expect(strangers.filter(file => touches.test(statementsOf(file)))).toEqual([])
    expect(files.some(file => ofEngine.test(file) && touches.test(source.get(file)!))).toBe(true)
  })

  test('say nothing that one engine alone understands: that is what the dialect is for', () => {
    expect(outside.filter(file => ofSqlite.test(statementsOf(file)))).toEqual([])
    // Of one value these are an aggregate; of several, the larger one is called otherwise elsewhere.
    const calls = outside.flatMap(file => {
      const text = statementsOf(file)
      return [...text.matchAll(/(?<![.\w])(?:max|min)\(/gi)].map(({ index }) => callAt(text, index)).filter(call => call.includes(','))
        .map(call => `${file}: ${call}`)
    })
    expect(calls).toEqual([])
  })
})

describe('words', () => {
  test.each(forbidden)('no file holds %s', (_name, pattern, except) => {
    const code = (file: string) => source.get(file)!.replace(/^\s*(?:\*|\/\/|\/\*\*).*$/gm, '')
    expect(files.filter(file => !except.test(file) && pattern.test(code(file)))).toEqual([])
  })

  test('every timer is set through timerMs: what others chose to wait never overflows it', () => {
    const timers = /\b(?:setTimeout|setInterval|sleep|AbortSignal\.timeout)\(/g
    const unclamped = [...source].flatMap(([file, text]) =>
      [...text.matchAll(timers)].map(({ index }) => callAt(text, index)).filter(call => !call.includes('timerMs(')).map(call =>
        `${file}: ${call}`
      )
    )
    expect(unclamped).toEqual([])
  })

  test('files are named for what they own, in kebab-case, and say it in their first line', () => {
    expect(files.filter(file => /(?:^|\/)(?:utils|helpers|types|common|misc)(?:\/|\.ts$)/.test(file))).toEqual([])
    expect(files.filter(file => !/^[a-z0-9/.-]+$/.test(file))).toEqual([])
    expect(files.filter(file => !/^(?:#!.*\n)?\/\/ \S/.test(source.get(file)!))).toEqual([])
  })

  test('sources are as `npm run format` writes them', () => {
    expect(execFileSync('node', ['scripts/format.mjs', '--check'], { encoding: 'utf8' })).toBe('')
  }, 120_000)

  const budgets = [...readFileSync('docs/ARCHITECTURE.md', 'utf8').matchAll(/^\| ((?:src|lib)[^|]*) \| ([\d,]+) \|$/gm)]
    .map(([, places, most]) => ({ places: places!.split(', '), most: Number(most!.replace(',', '')) }))

  test.each(budgets)('$places keep to their budget of lines', ({ places, most }) => {
    const lines = files.filter(file => places.some(place => file === place || file.startsWith(`${place}/`)))
      .reduce((sum, file) => sum + source.get(file)!.split('\n').length - 1, 0)
    expect(lines).toBeLessThanOrEqual(most)
    // A budget far above what there is holds nobody.
    expect(lines).toBeGreaterThan(most / 3)
  })

  test('the core, what one message meets from socket to sockets, stays under 8,000 lines', () => {
    const text = readFileSync('docs/ARCHITECTURE.md', 'utf8')
    const journey = text.slice(text.indexOf("## One frame's journey"), text.indexOf('## The inner door'))
    const steps = [...journey.matchAll(/^\| \d+ \|.*$/gm)].map(([step]) => step)
    const named = steps.map(step =>
      [...step.matchAll(/`([a-z0-9/-]+\.ts)`/g)].map(([, file]) => file!.startsWith('lib/') ? file! : `src/${file}`)
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(each => each.length === 0), 'a step without a file').toEqual([])
    const core = [...new Set(named.flat())]
    expect(core.filter(file => !source.has(file)), 'named, and not there').toEqual([])
    expect(core.reduce((sum, file) => sum + source.get(file)!.split('\n').length - 1, 0)).toBeLessThan(8_000)
  })

  test('every place has a budget', () => {
    const without = files.filter(file =>
      /^(?:src|lib)\//.test(file) && file !== 'src/features/index.ts'
      && !budgets.some(({ places }) => places.some(place => file === place || file.startsWith(`${place}/`)))
    )
    expect(without).toEqual([])
  })

  test('a file holds one concept: no more than 500 lines', () => {
    expect(files.filter(file => source.get(file)!.split('\n').length > 500)).toEqual([])
  })
})
