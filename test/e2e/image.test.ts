// The container image without an engine: the Dockerfile is linted, its steps are carried out, and the result runs as its user would.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { canRunImages, modulesPath, runImages, stagesOf } from '../kit/image.ts'

const dockerfile = readFileSync('Dockerfile', 'utf8')
const expected = { healthy: 0, uid: 1_000, pid: 1, check: 0, packages: 0, stopped: 0 }

/** What a relay loads when a setting wants it, and is neither always there nor in the bundle: deploying is done from elsewhere. */
const packages = (() => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly peerDependencies: object }
  const bundled = new RegExp(/^const bundled = \/(.*)\/$/m.exec(readFileSync('scripts/bundle.mjs', 'utf8'))![1]!)
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(file =>
    /(?<!\.test)\.ts$/.test(file) && !file.startsWith('deploy/')
  )
  const loaded = new Set(
    files.flatMap(file =>
      [...readFileSync(join('src', file), 'utf8').matchAll(/import\('((?:@[^/']+\/)?[^/']+)/g)].map(([, name]) => name!)
    ),
  )
  return Object.keys(peerDependencies).filter(name => loaded.has(name) && !bundled.test(name)).sort()
})()

/** Two steps need the network and a minute each: the compiler is not installed, and the modules are those of this checkout. */
const light = (run: string): string => run.includes('apt-get') ? 'true' : run === 'npm ci' ? `cp -a ${modulesPath} node_modules` : run

describe('Dockerfile', () => {
  test('the linter finds no fault', () => {
    expect(validate(dockerfile).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([])
    expect(validate('FROM a\nRUNN b')).not.toEqual([])
  })

  test('is pinned, ends as a user without rights, watches itself, and carries no build tools', () => {
    const stages = stagesOf(dockerfile)
    expect(dockerfile).toMatch(/^ARG NODE=\d+\.\d+\.\d+-\w+-slim@sha256:[0-9a-f]{64}$/m)
    expect(stages.map(({ name, from }) => [name, from])).toEqual([['build', 'node:${NODE}'], ['relay', 'node:${NODE}'], [
      'volume-owner',
      'relay',
    ], ['stage-3', 'relay']])
    const relay = stages[1]!.steps
    expect(relay.find(({ keyword }) => keyword === 'USER')?.text).toBe('node')
    for (const keyword of ['HEALTHCHECK', 'VOLUME', 'EXPOSE', 'ENTRYPOINT', 'CMD'])
      expect(relay.map(step => step.keyword)).toContain(keyword)
    expect(relay.filter(({ keyword }) => keyword === 'RUN').map(({ text }) => text).join()).not.toMatch(/apt|npm/)
  })
})

test('what a relay loads by a setting is found', () =>
  expect(packages).toEqual(['@modelcontextprotocol/server', '@nats-io/transport-node', 'pg', 's3mini']))

describe.skipIf(!canRunImages())('the image', () => {
  test('runs as node on a root that cannot be written, is healthy, talks, and drains on SIGTERM as process 1', { timeout: 180_000 },
    async () => {
      const [plain, refused, owner] = await runImages([
        { target: 'relay', volumeOf: 'node', packages },
        { target: 'relay', volumeOf: 'root', packages },
        { target: 'volume-owner', volumeOf: 'root', packages },
      ], light)
      expect(plain!.shown, plain!.output).toEqual(expected)
      // This is why there are two: the second one takes the volume over, and is no longer root.
      expect(refused!.shown, refused!.output).toEqual({ healthy: 1, stopped: 1 })
      expect(owner!.shown, owner!.output).toEqual(expected)
    })

  test.skipIf(process.env['AGENTCHAT_SLOW'] !== '1')('every step as it is written, with the network (AGENTCHAT_SLOW=1)', {
    timeout: 900_000,
  }, async () => {
    const [run] = await runImages([{ target: stagesOf(dockerfile).at(-1)!.name, volumeOf: 'node', packages }])
    expect(run!.shown, run!.output).toEqual(expected)
  })
})
