// SKILL.md, run as it is written: every line of its commands and recipes, by a newcomer in a fresh home. A peer does what the page says
// that others do: it says something, answers, works, pays.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentChatClient } from '../../lib/client/index.ts'
import { createVerify, identityOf, loadIdentityFile, wsTransport } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'

const page = readFileSync('SKILL.md', 'utf8')
const adminKey = 'only the operator has this one'

/** What stands on the page for the relay, and for somebody else. */
const [pageRelay, pageAgent] = ['ws://localhost:6667', '@8addfe276526c9f6'] as const

/** The fenced commands of the page, by heading; those of recipes whole, the others line by line. */
const blocks = [...page.matchAll(/^## ([^\n]+)\n(.*?)(?=^## |(?![^]))/gms)].flatMap(([, heading, text]) =>
  [...text!.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, commands]) =>
    (heading === 'Recipes' ? [commands!.trimEnd()] : commands!.trimEnd().split('\n')).map(script => ({ heading: heading!, script }))
  )
)

let home: Folder
let relay: ServeProgram
let url: string
let bob: AgentChatClient
let bobFile: string

beforeAll(async () => {
  home = newFolder()
  const bin = home.at('agentchat')
  // The page's words go through the shell as they are; only the relay and the peer are those of this run.
  writeFileSync(
    bin,
    `#!/bin/bash
echo $$ > "$HOME/running.pid"
args=("$@")
for i in "\${!args[@]}"; do
  args[$i]="\${args[$i]//${pageRelay.replaceAll('/', '\\/')}/$TEST_RELAY}"
  args[$i]="\${args[$i]//${pageAgent}/$TEST_PEER}"
done
exec "${process.execPath}" "${builtBin()}" "\${args[@]}"
`,
  )
  chmodSync(bin, 0o755)
  relay = new ServeProgram(builtBin(), ['--port', '0', '--data', ':memory:', '--msg-rate', '0'], {
    env: { HOME: home.path, AGENTCHAT_ADMIN_KEY: adminKey },
  })
  url = await relay.url
  bobFile = home.at('bob.json')
  execFileSync(process.execPath, [builtBin(), 'identity', 'generate', '-n', 'bob', '-f', bobFile], {
    env: { HOME: home.path },
    stdio: 'ignore',
  })
  bob = new AgentChatClient({
    server: url,
    identity: identityOf(loadIdentityFile(bobFile)),
    session: 'library',
    transport: wsTransport,
    verify: createVerify(),
  })
  await bob.connect()
  for (const channel of ['#builds', '#notes', '#handover'] as const) await bob.createChannel(channel)
  for (const channel of ['#general', '#help'] as const) await bob.join(channel)
  await bob.people.registerSkills([{ capability: 'review', rate: 5, currency: 'USD' }])
  await bob.people.setProfile({ description: 'Reviews patches' })
  await bob.send('#notes', 'a note')
  bob.on('message', message => {
    if (!message.mine && message.content.endsWith('?')) return message.reply('release/2.4')
    return undefined
  })
  // Where the page's commands are run: in a repository with a change, and files of those names.
  execFileSync('bash', [
    '-c',
    'git init -q . && git config user.email a@b && git config user.name a && echo one > file && git add file && git commit -qm one && echo two > file\n'
    + 'echo "Looks good." > patch-review.md; printf "first\\nsecond\\n" > notes.txt',
  ], { cwd: home.path, env: { HOME: home.path, PATH: process.env['PATH'] } })
}, 60_000)

afterAll(async () => {
  await bob?.close()
  await relay?.[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

const vars: Record<string, string> = {}

/** Runs one piece of the page in a shell of its own; what it leaves in variables is there for the next one. */
const run = async (
  script: string,
  { env = {}, during, isEndless = false }: {
    readonly env?: Readonly<Record<string, string>>
    /** What others do meanwhile, once it is connected. */
    readonly during?: ((shell: Program) => Promise<unknown>) | undefined
    /** It ends by Ctrl-C. */
    readonly isEndless?: boolean
  },
) => {
  const kept = ['deal', 'seq', 'msg_id', 'AGENTCHAT_IDENTITY']
  const before = Object.entries(vars).map(([name, value]) => `${name === 'AGENTCHAT_IDENTITY' ? 'export ' : ''}${name}='${value}'`).join(
    '\n',
  )
  const after = kept.map(name => `printf '${name}=%s\\n' "\${${name}-}"`).join('\n')
  const whole = `${before}\n${script}\ncode=$?\n{ ${after.replaceAll('\n', '; ')}; } > "$HOME/vars"\nexit $code`
  await using shell = new Program('bash', ['-c', whole], {
    cwd: home.path,
    env: {
      HOME: home.path,
      PATH: [home.path, process.env['PATH']].join(delimiter),
      TEST_RELAY: url,
      TEST_PEER: bob.agentId!,
      ...env,
    },
  })
  if (during !== undefined || isEndless) {
    await shell.until('Connected', () => shell.stderr.includes('Connected as') || shell.lineCount > 0)
    await during?.(shell)
    if (isEndless) process.kill(Number(readFileSync(home.at('running.pid'), 'utf8')), 'SIGINT')
  }
  const { code } = await shell.ended
  for (const line of readFileSync(join(home.path, 'vars'), 'utf8').split('\n')) {
    const [name = '', value = ''] = line.split(/=(.*)/s)
    if (value !== '') vars[name] = value
  }
  return { code, stdout: shell.stdout, stderr: shell.stderr }
}

interface Scene {
  /** Exit code; default 0. */
  readonly code?: number
  readonly as?: 'bob'
  readonly before?: () => Promise<unknown>
  readonly during?: (shell: Program) => Promise<unknown>
  readonly isEndless?: true
  readonly prints?: RegExp
}

const me = () => identityOf(loadIdentityFile(home.at('.agentchat/identity.json'))).agentId
const admin = (...args: string[]) =>
  execFileSync(process.execPath, [builtBin(), ...args], {
    env: { HOME: home.path, AGENTCHAT_URL: url, AGENTCHAT_ADMIN_KEY: adminKey },
    stdio: 'pipe',
  })
/** It is listened to once its session is there: a while after it said so, the join is through. */
const heard = async (say: () => Promise<unknown>, shell: Program) => {
  await expect.poll(async () => {
    await say()
    return shell.lineCount
  }, { timeout: 20_000, interval: 300 }).toBeGreaterThan(0)
}

/** What the world around a piece of the page has to be like, by a part of it; where nothing stands, it runs by itself. */
const scenes: readonly (readonly [part: string, scene: Scene])[] = [
  ["listen '#general' -m 1", { during: shell => heard(() => bob.send('#general', 'new'), shell), prints: /"content":"new"/ }],
  ["listen '#general' --follow-dm --digest 5m", { isEndless: true, code: 130 }],
  ["listen '#general' --since 41", { isEndless: true, code: 130 }],
  ['listen --follow-dm', { during: shell => heard(() => bob.send(me(), 'for you'), shell), prints: /for you/ }],
  ['listen --dm', { before: () => bob.send(me(), 'waited'), prints: /waited|for you/ }],
  ['wake --exec', { before: () => bob.send(me(), 'to be done') }],
  ['wake --floor', { before: () => bob.send('#general', `${me()} who can help?`) }],
  ['wake --render', { before: () => bob.send(me(), 'to be read') }],
  ["listen '#notes'", { isEndless: true, code: 130, during: shell => shell.prints(/a note/), prints: /^a note$/m }],
  ['presence busy', { before: () => listener() }],
  ['watch @', { during: () => bob.people.setPresence('away', 'lunch'), prints: /lunch/ }],
  ['proposals watch', { before: () => bob.trade.propose(me(), { task: 'write it', amount: 1, currency: 'USD' }), prints: /PROPOSAL/ }],
  ['deal=$(agentchat propose', { before: async () => void admin('escrow', 'credit', me(), '50', 'USD', 'for the test') }],
  ['accept "$deal"', { as: 'bob' }],
  ['submit "$deal"', { as: 'bob' }],
  ['complete "$deal"', { before: () => bob.trade.submit(vars['deal']!, { text: 'with page 2' }) }],
  ['dispute "$deal"', {
    before: async () => {
      vars['deal'] = admin('propose', bob.agentId!, 'more', '-a', '1', '-c', 'USD', '--field', 'proposal_id', '-i',
        home.at('.agentchat/identity.json')).toString().trim()
      await bob.trade.accept(vars['deal'])
      admin('escrow', 'fund', vars['deal'], '--yes', '-i', home.at('.agentchat/identity.json'))
    },
  }],
  ['receipts list', { prints: /rcpt_/ }],
  ['agentchat ask', { before: async () => void admin('unblock', bob.agentId!), prints: /^release\/2\.4$/m }],
  ['seq=$(agentchat send', { prints: /release\/2\.4/ }],
  ['--reply-to "$msg_id"', {
    before: async () => {
      vars['msg_id'] = (await bob.send('#help', 'And which one')).msgId
    },
  }],
  ['jq --unbuffered', {
    isEndless: true,
    during: shell => heard(() => bob.send('#builds', 'build 7 FAILED'), shell),
    prints: /^build 7 FAILED$/m,
  }],
  ["listen '#handover'", { prints: /^$/ }],
]

let listening: Program | undefined
const listener = async () => {
  listening = new Program('bash', ['-c', `exec "${process.execPath}" "${builtBin()}" listen ${url} --session other`], {
    env: { HOME: home.path },
  })
  await listening.prints(/Connected as/)
}
afterAll(async () => {
  await listening?.[Symbol.asyncDispose]()
})

test('there is something to run under every heading that shows commands', () => {
  expect(new Set(blocks.map(({ heading }) => heading))).toEqual(
    new Set(['Set up once', 'Say something', 'Listen', 'Look around', 'Who does what', 'Deals', 'Channels', 'Recipes']),
  )
  // A scene that no line needs any more is one for a line that was changed.
  for (const [part] of scenes) expect(blocks.filter(({ script }) => script.includes(part))).not.toEqual([])
})

test.each(blocks)('$heading: $script', { timeout: 120_000 }, async ({ script }) => {
  const { code = 0, as, before, during, isEndless = false, prints } = scenes.find(([part]) => script.includes(part))?.[1] ?? {}
  await before?.()
  const env = as === 'bob' ? { AGENTCHAT_IDENTITY: bobFile } : {}
  const own = vars['AGENTCHAT_IDENTITY']
  if (as === 'bob') delete vars['AGENTCHAT_IDENTITY']
  const ran = await run(script, { env, during, isEndless })
  if (own !== undefined) vars['AGENTCHAT_IDENTITY'] = own
  expect(ran.code, `${ran.stdout}\n${ran.stderr}`).toBe(code)
  expect(ran.stderr).not.toContain('error:')
  if (prints !== undefined) expect(ran.stdout).toMatch(prints)
})
