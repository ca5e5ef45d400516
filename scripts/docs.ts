// Writes the generated pages of docs/ and the generated deployments. `npm run docs`; a test fails when they are not what the tables say.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { apiMarkdown, apiModules } from './api.ts'
import { generatedDeployments, generatedDocs } from './generated.ts'

const docs = Object.entries({ ...await generatedDocs(), 'API.md': apiMarkdown(apiModules()) }).map(([name, text]) =>
  [`docs/${name}`, text] as const
)
for (const [file, text] of [...docs, ...Object.entries(await generatedDeployments())]) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  process.stdout.write(`${file}\n`)
}
