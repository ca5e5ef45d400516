// How the console is built: into dist/web, every file but the first under a name that changes with what is in it.
import { join } from 'node:path'
import { defineConfig } from 'vite'

const here = import.meta.dirname

export default defineConfig({
  root: here,
  base: '/console/',
  publicDir: join(here, 'public'),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(here, '../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // A browser that knows modules knows their preloading.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      output: {
        // Every page is called `page.tsx`: its folder says which.
        chunkFileNames: ({ facadeModuleId }) => `assets/${/pages\/([\w-]+)\//.exec(facadeModuleId ?? '')?.[1] ?? '[name]'}-[hash].js`,
        // What several pages share is loaded once, with the first of them.
        codeSplitting: { groups: [{ name: 'markdown', test: /node_modules\/marked\// }] },
      },
    },
  },
  logLevel: 'warn',
})
