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
