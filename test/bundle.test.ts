// What a program in a browser carries, by two bundlers: the client within 57 kB of gzip (45 before conversations had threads, edits, reactions,
// files and growing messages: a client reads every frame of the table; 48 before it checked transcripts; 53 before it
// asked for witnesses and signed for other relays), a single error within 2 KiB.
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { expect, test } from 'vitest'
import { build as vite } from 'vite'
import { newFolder } from './kit/folder.ts'

const source = (name: string) => `export { ${name} } from './lib/index.ts'`

const byEsbuild = async (name: string): Promise<string> => {
  const { outputFiles } = await esbuild({
    stdin: { contents: source(name), resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  })
  return outputFiles[0]!.text
}

const byVite = async (name: string): Promise<string> => {
  using folder = newFolder()
  const entry = folder.at('entry.ts')
  writeFileSync(entry, source(name).replace('./lib', `${process.cwd()}/lib`))
  const built = await vite({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, modulePreload: false, rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' } },
  })
  const { output } = built as unknown as { readonly output: readonly { readonly code?: string }[] }
  return output.map(({ code = '' }) => code).join('')
}

test.each([['AgentChatClient', 59_500], ['RelayError', 2_048]])('%s is small', async (name, most) => {
  for (const [bundler, text] of [['esbuild', await byEsbuild(name)], ['vite', await byVite(name)]] as const) {
    expect(text, bundler).toContain(name)
    expect(gzipSync(text, { level: 9 }).length, bundler).toBeLessThanOrEqual(most)
    // Nothing of what only pages and the relay need: meanings, examples, requests, words of many languages.
    expect(/Says something in a channel|Invalid input: expected/.test(text), bundler).toBe(false)
  }
}, 120_000)
