// What others make and we run is named so that it cannot become something else: actions by commit, images by digest, tools by version.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const workflows = readdirSync('.github/workflows').map(name => join('.github/workflows', name))
const linesOf = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n')
const linesWith = (pattern: RegExp): readonly string[] =>
  workflows.flatMap(file => linesOf(file).filter(line => pattern.test(line)).map(line => line.trim()))

test('actions are named by commit, with their version beside it', () => {
  const uses = linesWith(/^\s*(?:- )?uses:/).filter(line => !/uses: \.\//.test(line))
  expect(uses.length).toBeGreaterThan(5)
  expect(uses.filter(line => !/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
})

test('what a workflow installs or runs from a registry has its version', () => {
  const installs = linesWith(/npm (?:install|i|exec|x)\b|\bnpx\b|\bpip install\b/)
  expect(installs.filter(line => !/npm install --global [\w@/-]+@\d+\.\d+\.\d+$/.test(line))).toEqual([])
  expect(installs).toHaveLength(1)
})

test('the image is built from images by digest', () => {
  const text = readFileSync('Dockerfile', 'utf8')
  const args = new Map([...text.matchAll(/^ARG (\w+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]))
  const stages = new Set([...text.matchAll(/^FROM \S+ AS (\w[\w-]*)$/gm)].map(([, name]) => name!))
  const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, from]) =>
    from!.replace(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? '')
  )
  expect(bases.filter(base => !stages.has(base) && !/@sha256:[0-9a-f]{64}$/.test(base))).toEqual([])
  expect(bases.some(base => base.includes('@sha256:'))).toBe(true)
  expect([...text.matchAll(/^COPY --from=(\S+)/gm)].map(([, from]) => from!).filter(from => !stages.has(from))).toEqual([])
})

test('compose runs images by digest, and the one that is built here', () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8')) as {
    readonly services: Readonly<Record<string, { readonly image: string, readonly build?: unknown }>>
  }
  const foreign = Object.values(services).filter(({ build }) => build === undefined).map(({ image }) => image)
  expect(foreign.length).toBeGreaterThan(0)
  expect(foreign.filter(image => !/^[\w./-]+:\d[\w.-]*@sha256:[0-9a-f]{64}$/.test(image))).toEqual([])
})
