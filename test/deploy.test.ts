// `agentchat deploy` as its users meet it: a file is written, read back as a plan, carried out, and the relay talked to.
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { generatedDeployments } from '../scripts/generated.ts'
import { sampleText } from '../src/deploy/sample.ts'
import { deployJsonSchema, deploySchema, parseSpec } from '../src/deploy/spec.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay } from './kit/relay.ts'

let cli: Cli
beforeEach(() => {
  cli = new Cli()
})
afterEach(() => cli[Symbol.dispose]())

const deployFile = () => cli.at('deploy.yaml')
const write = (text: string) => writeFileSync(deployFile(), text)
/** A program that stands in for one that needs an engine, a cluster or a running systemd: writes down how it was called. */
const standIn = (name: string, exitCode = 0): string => {
  const folder = cli.at('bin')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name),
    `#!/bin/sh\nprintf '%s\\n' "${name} $*" >> '${cli.at('calls')}'\necho "${name} says \\033[31mhello"\nexit ${exitCode}\n`)
  chmodSync(join(folder, name), 0o755)
  return `${folder}:${process.env['PATH']}`
}
const calls = (): readonly string[] => existsSync(cli.at('calls')) ? readFileSync(cli.at('calls'), 'utf8').trim().split('\n') : []
const noPath = () => ({ PATH: cli.at('empty') })

describe('files that are made from deploy.yaml', async () => {
  test.each(Object.entries(await generatedDeployments()))('%s is what the code says (npm run docs)', (file, text) => {
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('deploy init', () => {
  test('writes a deployment that is the default, and explains every key', async () => {
    expect(await cli.run(['deploy', 'init', '-f', deployFile()])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Next: agentchat deploy plan'),
    })
    const text = readFileSync(deployFile(), 'utf8')
    expect(await parseSpec(text)).toEqual(deploySchema.parse({}))
    const keys = (shape: object): string[] =>
      Object.entries(shape).flatMap(([key, type]) => [key, ...keys(type.def?.innerType?.shape ?? {})])
    for (const key of keys(deploySchema.shape)) expect(text).toMatch(new RegExp(`^[# ]*${key}:`, 'm'))
  })

  test('what it shows as a default or example is accepted when it is uncommented', async () => {
    const text = sampleText({ domain: 'chat.example.org' }).replaceAll(/^( *)# ?( *[A-Za-z_]+:(?! [a-z]+ [a-z]).*)$/gm, '$1$2')
    const spec = await parseSpec(text)
    expect(spec).toMatchObject({
      docker: { build: '.' },
      kubernetes: { ingressClass: 'nginx' },
      akash: { region: 'us-west' },
      volume: { class: 'beta3' },
      environment: { AGENTCHAT_MSG_RATE: '5' },
    })
    const { akash: { maxPriceUact, maxMonthlyAct, maxDepositAct, maxFeeAkt, depositAct }, systemd } = deploySchema.parse({})
    expect(spec).toMatchObject({ akash: { maxPriceUact, maxMonthlyAct, maxDepositAct, maxFeeAkt, depositAct }, systemd })
  })

  test('takes choices, and refuses wrong ones and to replace a file', async () => {
    expect(await cli.run(['deploy', 'init', '-f', deployFile(), '--domain', 'https://x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('domain: a host name'),
    })
    expect(await cli.run(['deploy', 'init', '-f', deployFile(), '--name', 'a\nport: 1'])).toMatchObject({ code: 2 })
    expect(existsSync(deployFile())).toBe(false)
    expect(
      await cli.run([
        'deploy',
        'init',
        '-f',
        deployFile(),
        '--target',
        'kubernetes',
        '--name',
        'chat',
        '--image',
        'ghcr.io/o/agentchat:1',
        '--domain',
        'chat.example.org',
      ]),
    ).toMatchObject({ code: 0 })
    expect(await parseSpec(readFileSync(deployFile(), 'utf8'))).toMatchObject({
      name: 'chat',
      target: 'kubernetes',
      image: 'ghcr.io/o/agentchat:1',
      domain: 'chat.example.org',
    })
    expect(await cli.run(['deploy', 'init', '-f', deployFile()])).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
    expect(await cli.run(['deploy', 'init', '-f', deployFile(), '--force'])).toMatchObject({ code: 0 })
  })

  test('the schema for editors agrees', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(deployJsonSchema())
    expect(validate(parse(sampleText())) || validate.errors).toBe(true)
    expect(validate({ prot: 1 })).toBe(false)
    expect(validate({ size: { memory: '512MB' } })).toBe(false)
  })
})

describe('deploy plan', () => {
  test.each(['docker', 'systemd', 'kubernetes'])('shows files, commands, transactions and cost for %s, and touches nothing',
    async target => {
      write('')
      const before = readdirSync(cli.at('.'))
      const { code, stdout } = await cli.run(['deploy', 'plan', '-f', deployFile(), '-t', target], { isTTY: true, env: noPath() })
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/Files[^]*Commands[^]*Transactions[^]*none[^]*Cost per month[^]*1 core, 512 MiB/),
      })
      const { json: [plan] } = await cli.run(['deploy', 'plan', '-f', deployFile(), '-t', target, '--json'], { env: noPath() })
      expect(plan).toMatchObject({
        target,
        messages: [],
        files: expect.arrayContaining([expect.objectContaining({ state: 'new', text: expect.any(String) })]),
      })
      expect(readdirSync(cli.at('.'))).toEqual(before)
    })

  test('says what differs from what is there', async () => {
    write('target: docker')
    const state = async () =>
      ((await cli.run(['deploy', 'plan', '-f', deployFile(), '--json'])).json[0]!['files'] as { state: string }[])[0]!.state
    expect(await state()).toBe('new')
    await cli.run(['deploy', 'up', '-f', deployFile(), '--files-only', '--yes'])
    expect(await state()).toBe('same')
    write('port: 7000')
    expect(await state()).toBe('changed')
    writeFileSync(cli.at('docker-compose.yml'), 'services: {}')
    expect(await state()).toBe('foreign')
  })

  test('a faulty file is told with its lines, a missing one with what to do', async () => {
    expect(await cli.run(['deploy', 'plan', '-f', deployFile()])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('agentchat deploy init'),
    })
    write('name: ok\nport: high\n\u001b[31mx: 1\n')
    const { code, stderr } = await cli.run(['deploy', 'plan', '-f', deployFile()])
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('deploy.yaml:2: port') })
    expect(stderr).not.toContain('\u001b')
    expect(await cli.run(['deploy', 'plan', '-f', deployFile(), '-t', 'heroku'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('docker, systemd, kubernetes, akash'),
    })
  })
})

describe('deploy up', () => {
  test('docker: writes the compose file, then checks it and starts it', async () => {
    write('domain: chat.example.org')
    const { code, stderr, json } = await cli.run(['deploy', 'up', '-f', deployFile(), '--yes', '--json'], {
      env: { PATH: standIn('docker') },
    })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const file = cli.at('docker-compose.yml')
    expect(readFileSync(file, 'utf8')).toContain('chat.example.org')
    expect(calls()).toEqual([
      `docker compose --file ${file} --profile tls config --quiet`,
      `docker compose --file ${file} --profile tls up --detach --wait`,
    ])
    expect(json).toMatchObject([{ target: 'docker', url: 'wss://chat.example.org', files: [file] }])
    // What a program says is shown, and drives no terminal.
    expect(stderr).toContain('docker says \\u001b[31mhello')
  })

  test('systemd: writes the unit where it belongs and starts it', async () => {
    write(`target: systemd\nname: chat\nsystemd: { directory: ${cli.at('units')} }`)
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes'], { env: { PATH: standIn('systemctl') } })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('agentchat deploy check ws://127.0.0.1:6667'),
    })
    expect(readFileSync(cli.at('units/chat.service'), 'utf8')).toContain('DynamicUser=yes')
    expect(calls()).toEqual(['systemctl daemon-reload', 'systemctl enable chat.service', 'systemctl restart chat.service'])
  })

  test('kubernetes: writes the manifests and applies them', async () => {
    write('target: kubernetes')
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes'], { env: { PATH: standIn('kubectl') } })).toMatchObject({ code: 0 })
    expect(readdirSync(cli.at('kubernetes'))).toContain('kustomization.yaml')
    expect(calls()).toEqual([
      `kubectl apply --kustomize ${cli.at('kubernetes')}`,
      'kubectl rollout status statefulset/agentchat --namespace agentchat --timeout 180s',
    ])
  })

  test('asks first: yes does it, anything else does nothing', async () => {
    write('')
    const env = { PATH: standIn('docker') }
    const typed = (text: string) => Object.assign(Readable.from([Buffer.from(text)]), { isTTY: true as const })
    for (const answer of ['n\n', '\n', 'yess\n', '']) {
      expect(await cli.run(['deploy', 'up', '-f', deployFile()], { env, stdin: typed(answer) })).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('Nothing was done'),
      })
    }
    expect(await cli.run(['deploy', 'up', '-f', deployFile()], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    })
    expect({ calls: calls(), isWritten: existsSync(cli.at('docker-compose.yml')) }).toEqual({ calls: [], isWritten: false })
    const { code, stderr } = await cli.run(['deploy', 'up', '-f', deployFile()], { env, stdin: typed('y\n') })
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/docker compose .* up[^]*Do this\? \[y\/N\]/) })
    expect(calls()).toHaveLength(2)
  })

  test('a file that somebody else wrote is not replaced unasked', async () => {
    write('')
    writeFileSync(cli.at('docker-compose.yml'), 'services: {}')
    const env = { PATH: standIn('docker') }
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes'], { env })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('--force'),
    })
    expect({ calls: calls(), text: readFileSync(cli.at('docker-compose.yml'), 'utf8') }).toEqual({ calls: [], text: 'services: {}' })
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes', '--force'], { env })).toMatchObject({ code: 0 })
  })

  test('without the program nothing is begun, and the way by hand is told', async () => {
    write('target: kubernetes')
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes'], { env: noPath() })).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/Not installed: kubectl[^]*--files-only[^]*kubectl apply/),
    })
    expect(existsSync(cli.at('kubernetes'))).toBe(false)
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes', '--files-only'], { env: noPath() })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('kubectl apply'),
    })
    expect(existsSync(cli.at('kubernetes/kustomization.yaml'))).toBe(true)
  })

  test('a program that fails ends it there', async () => {
    write('')
    expect(await cli.run(['deploy', 'up', '-f', deployFile(), '--yes'], { env: { PATH: standIn('docker', 3) } })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/config --quiet ended with 3/),
    })
    expect(calls()).toHaveLength(1)
  })
})

describe('deploy check', () => {
  test('exchanges a message with the relay', async () => {
    await using relay = await startTestRelay()
    expect(await cli.run(['deploy', 'check', relay.url, '--json'])).toMatchObject({
      code: 0,
      json: [{ url: relay.url, server_id: relay.serverId, round_trip_ms: expect.any(Number) }],
    })
  })

  test('with a key, where only known keys are let in; otherwise says so', async () => {
    await cli.run(['identity', 'generate', '-f', cli.at('id.json')])
    await using relay = await startTestRelay()
    expect(await cli.run(['deploy', 'check', relay.url, '-i', cli.at('id.json')])).toMatchObject({ code: 0 })
    await using closed = await startTestRelay({ allowlistStrict: true })
    expect(await cli.run(['deploy', 'check', closed.url])).toMatchObject({ code: 3 })
  })

  test('nobody there, something else there, and a relay that hands nothing on', async () => {
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`
    expect(await cli.run(['deploy', 'check', url])).toMatchObject({ code: 4 })
    await new Promise(resolve => server.close(resolve))
    expect(await cli.run(['deploy', 'check', url])).toMatchObject({ code: 10 })

    await using relay = await startTestRelay()
    relay.store.hold()
    expect(await cli.run(['deploy', 'check', relay.url, '--timeout', '0.3'])).toMatchObject({ code: 7 })
  })
})
