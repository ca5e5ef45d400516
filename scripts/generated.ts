// Every page of docs/ that is made from a table, by file name.
import { protocolJsonSchema, protocolMarkdown } from '../lib/protocol/describe.ts'
import { cliMarkdown } from '../src/cli/describe.ts'
import { configMarkdown } from '../src/config/describe.ts'

export const generatedDocs = async (): Promise<Readonly<Record<string, string>>> => ({
  'PROTOCOL.md': protocolMarkdown(),
  'protocol.schema.json': `${JSON.stringify(protocolJsonSchema(), null, 2)}\n`,
  'CONFIG.md': configMarkdown(),
  'CLI.md': await cliMarkdown(),
})
