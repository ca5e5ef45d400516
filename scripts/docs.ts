// Writes the generated pages of docs/. `npm run docs`; a test fails when they are not what the tables say.
import { writeFileSync } from 'node:fs'
import { generatedDocs } from './generated.ts'

for (const [name, text] of Object.entries(await generatedDocs())) {
  writeFileSync(`docs/${name}`, text)
  process.stdout.write(`docs/${name}\n`)
}
