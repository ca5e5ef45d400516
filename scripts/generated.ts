// Every page of docs/ that is made from a table, and every file that is made from deploy.yaml, by file name.
import { readFileSync } from 'node:fs'
import { accessMarkdown } from './access.ts'
import { signedFields } from '../lib/identity/index.ts'
import { protocolJsonSchema, protocolMarkdown } from '../lib/protocol/describe.ts'
import { cliMarkdown } from '../src/cli/describe.ts'
import { configMarkdown } from '../src/config/describe.ts'
import { sampleText } from '../src/deploy/sample.ts'
import { deployJsonSchema, parseSpec, targets } from '../src/deploy/spec.ts'
import { planOf } from '../src/deploy/targets/index.ts'
import { changesMarkdown, phasesMarkdown } from '../src/domain/court/describe.ts'
import { httpMarkdown } from '../src/doors/http/describe.ts'
import { deadlinesMarkdown, statesMarkdown, transitionsMarkdown } from '../src/domain/negotiation/describe.ts'

/** A page by hand, with the tables that stand in it between marks. */
const withTables = (page: string, tables: Readonly<Record<string, string>>): string =>
  page.replace(/(<!-- table: (\w+) -->\n).*?(<!-- end -->)/gs, (_, begin: string, name: string, end: string) =>
    `${begin}${tables[name]}\n${end}`)

const signedMarkdown = (): string =>
  [
    '| Action | Fields under the signature |',
    '| --- | --- |',
    ...Object.entries(signedFields).map(([action, fields]) => `| ${action} | ${fields.map(field => `\`${field}\``).join(' ')} |`),
  ].join('\n')

/** A line for each request and frame: what changes of one is seen, and blanks are no third of the file. */
const schemaText = ({ $defs, ...head }: ReturnType<typeof protocolJsonSchema>): string => {
  const lines = (members: object, depth: number): string =>
    Object.entries(members).map(([name, member]) => `${' '.repeat(depth)}${JSON.stringify(name)}: ${JSON.stringify(member)}`).join(',\n')
  const groups = Object.entries($defs).map(([name, messages]) => `    ${JSON.stringify(name)}: {\n${lines(messages, 6)}\n    }`).join(',\n')
  return `{\n${lines(head, 2)},\n  "$defs": {\n${groups}\n  }\n}\n`
}

export const generatedDocs = async (): Promise<Readonly<Record<string, string>>> => ({
  'PROTOCOL.md': protocolMarkdown(),
  'protocol.schema.json': schemaText(protocolJsonSchema()),
  'CONFIG.md': configMarkdown(),
  'CLI.md': await cliMarkdown(),
  'HTTP.md': httpMarkdown(),
  'ACCESS.md': accessMarkdown(),
  'NEGOTIATION.md': withTables(readFileSync('docs/NEGOTIATION.md', 'utf8'), {
    states: statesMarkdown(),
    transitions: transitionsMarkdown(),
    deadlines: deadlinesMarkdown(),
    signed: signedMarkdown(),
  }),
  'DISPUTES.md': withTables(readFileSync('docs/DISPUTES.md', 'utf8'), { phases: phasesMarkdown(), changes: changesMarkdown() }),
  'deploy.schema.json': `${JSON.stringify(deployJsonSchema(), null, 2)}\n`,
})

/** The sample deployment, and what it becomes for those who have no command line: paths from the root. */
export const generatedDeployments = async (): Promise<Readonly<Record<string, string>>> => {
  const sample = sampleText({ build: '.' })
  const spec = await parseSpec(sample)
  const files = targets.flatMap(target =>
    planOf({ ...spec, target, systemd: { ...spec.systemd, directory: 'deploy/systemd' } }, target === 'docker' ? '' : 'deploy')?.files ?? []
  )
  // The examples with a database, and with several relays on one, for each target that runs it beside them.
  for (const folder of ['deploy/postgres', 'deploy/cluster']) {
    const example = await parseSpec(readFileSync(`${folder}/deploy.yaml`, 'utf8'))
    files.push(...(['docker', 'kubernetes'] as const).flatMap(target => planOf({ ...example, target }, folder)?.files ?? []))
  }
  return { 'deploy.yaml': sample, ...Object.fromEntries(files.map(({ path, text }) => [path, text])) }
}
