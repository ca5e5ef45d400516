// The command line as few files: a process that says one sentence spends its time finding modules. Library and server stay as they are.
import { build } from 'rolldown'

/** Packages of many small files that nearly every command needs. */
const bundled = /^(zod|@noble\/[^/]+)(\/|$)/

await build({
  input: 'dist/bin/agentchat.js',
  platform: 'node',
  external: id => !/^[./]/.test(id) && !bundled.test(id),
  output: { dir: 'dist/bin', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
})
