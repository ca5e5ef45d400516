// The reference of the library, out of its own sources: what each entry point exports, as it is declared, with its JSDoc.
import { dirname, join, resolve } from 'node:path'
import { SyntaxKind, type Node, type SourceFile } from 'typescript/unstable/ast'
import { API, type Program } from 'typescript/unstable/sync'

/** What a program imports → the file that says what that is. */
const entries: Readonly<Record<string, string>> = {
  'agentchat': 'lib/index.ts',
  'agentchat/node': 'lib/node/index.ts',
  'agentchat/identity': 'lib/identity/index.ts',
  'agentchat/protocol': 'lib/protocol/index.ts',
  'agentchat/server': 'src/app.ts',
}

/** Something that is exported, or a public member of it. */
interface Entry {
  readonly name: string
  /** as it stands in the source, without bodies and what is private */
  readonly code: string
  /** Markdown; '' where there is none */
  readonly doc: string
  readonly members: readonly Entry[]
}

export interface ApiModule {
  readonly name: string
  readonly entries: readonly Entry[]
}

interface Specifier {
  readonly name: { readonly text: string }
  readonly propertyName?: { readonly text: string }
}

/** Nodes of every kind, as far as this file looks at them. */
type Declared = Node & {
  readonly name?: Node & { readonly text?: string }
  readonly jsDoc?: readonly Node[]
  readonly modifiers?: readonly Node[]
  readonly members?: readonly Declared[]
  readonly body?: Node
  readonly initializer?: Declared
  readonly type?: Node
  readonly declarationList?: { readonly declarations: readonly Declared[] }
  readonly exportClause?: { readonly elements?: readonly Specifier[] }
  readonly importClause?: { readonly namedBindings?: { readonly elements?: readonly Specifier[] } }
  readonly moduleSpecifier?: { readonly text: string }
  readonly equalsGreaterThanToken?: Node
}

const has = (node: Declared, kind: SyntaxKind): boolean => node.modifiers?.some(modifier => modifier.kind === kind) === true

/** Lines that moved in together, moved back. */
const outdented = (text: string): string => {
  const lines = text.split('\n')
  const indent = Math.min(...lines.slice(1).filter(line => line.trim() !== '').map(line => /^ */.exec(line)![0].length), 80)
  return lines.map((line, i) => i === 0 ? line : line.slice(indent)).join('\n')
}

/** A JSDoc comment as Markdown: `@throws` in words, `@example` as code. */
const docOf = ({ text }: SourceFile, { jsDoc }: Declared): string => {
  const last = jsDoc?.at(-1)
  if (last === undefined) return ''
  // What stands before it counts as its own.
  const comment = text.slice(text.lastIndexOf('/**', last.end - 1), last.end)
  const lines = comment.trim().replace(/^\/\*\*|\*\/$/g, '').split('\n').map(line => line.replace(/^\s*\* ?/, '').trimEnd())
  const said = lines.join('\n').trim()
  const [body, ...tags] = said.split(/^@(?=throws|example|returns|see)/m)
  return [
    body!.trim(),
    ...tags.map(tag => {
      const [, name, what] = /^(\w+)\s*([\s\S]*)$/.exec(tag)!
      const rest = what!.trim()
      return name === 'example' ? `\`\`\`ts\n${rest}\n\`\`\`` : name === 'throws' ? `Throws ${rest}` : rest
    }),
  ].filter(part => part !== '').join('\n\n')
}

/** The text of a declaration without its comments before it. */
const textOf = (source: SourceFile, node: Declared, end = node.end): string =>
  source.text.slice((node as { getStart(file: SourceFile): number }).getStart(source), end).trim()

/** `name(parameters): Result` of a function, an arrow or a method; undefined: it is none. */
const signatureOf = (source: SourceFile, name: string, node: Declared): string | undefined => {
  if (node.kind === SyntaxKind.ArrowFunction) {
    const head = source.text.slice(node.pos, node.equalsGreaterThanToken!.pos).trim().replace(/^async\s*/, '')
    return `${name}${head}`
  }
  return undefined
}

const memberOf = (source: SourceFile, member: Declared): Entry | undefined => {
  const name = member.name?.text ?? ''
  if (name.startsWith('#') || has(member, SyntaxKind.PrivateKeyword)) return undefined
  if (member.kind === SyntaxKind.Constructor)
    return { name: 'constructor', code: outdented(textOf(source, member, member.body?.pos)), doc: docOf(source, member), members: [] }
  if (name === '' && member.name === undefined) return undefined
  const shown = name === '' ? textOf(source, member.name as Declared) : name
  const end = member.body?.pos
    ?? (member.kind === SyntaxKind.PropertyDeclaration && member.initializer !== undefined
      ? member.type?.end ?? member.name!.end
      : member.end)
  return {
    name: shown,
    code: outdented(textOf(source, member, end).replace(/^async\s+(?=\*?[\w[])/, '')),
    doc: docOf(source, member),
    members: [],
  }
}

/** The fields of an interface stay in its code, where their comments say what they are. */
const entryOf = (source: SourceFile, name: string, statement: Declared): Entry => {
  const doc = docOf(source, statement)
  // What is `@internal` is in no declaration file either.
  const bare = (text: string) => text.replace(/^export (declare )?/, '').replace(/\n *\/\*\* @internal [^\n]*\n[^\n]*/g, '')
  switch (statement.kind) {
    case SyntaxKind.ClassDeclaration: {
      const head = bare(
        source.text.slice((statement as unknown as { getStart(file: SourceFile): number }).getStart(source),
          statement.members![0]?.pos ?? statement.end),
      ).split('{')[0]!.trim()
      return { name, code: head, doc, members: statement.members!.flatMap(member => memberOf(source, member) ?? []) }
    }
    case SyntaxKind.FunctionDeclaration:
      return { name, code: bare(textOf(source, statement, statement.body?.pos)), doc, members: [] }
    case SyntaxKind.VariableStatement: {
      const declaration = statement.declarationList!.declarations.find(each => each.name?.text === name)!
      const signature = declaration.initializer && signatureOf(source, name, declaration.initializer)
      const typed = declaration.type === undefined
        ? `const ${name}`
        : `const ${name}: ${source.text.slice(declaration.type.pos, declaration.type.end).trim()}`
      return { name, code: signature ?? typed, doc, members: [] }
    }
    default:
      return { name, code: bare(textOf(source, statement)), doc, members: [] }
  }
}

const nameOf = (statement: Declared): readonly string[] =>
  statement.declarationList !== undefined
    ? statement.declarationList.declarations.flatMap(({ name }) => name?.text ?? [])
    : statement.name?.text === undefined
    ? []
    : [statement.name.text]

class Reader {
  readonly #program: Program
  constructor(program: Program) {
    this.#program = program
  }

  #source(file: string): SourceFile {
    const source = this.#program.getSourceFile(resolve(file))
    if (source === undefined) throw new Error(`${file} is not among the sources`)
    return source
  }

  /** Where something that a file exports is declared, and as what. */
  #declared(file: string, name: string): Entry {
    const source = this.#source(file)
    const statements = source.statements as unknown as readonly Declared[]
    // A schema and its type may share a name: the one that says what it is.
    const own = statements.filter(statement => statement.kind !== SyntaxKind.ImportDeclaration && nameOf(statement).includes(name))
    const declared = own.find(statement => docOf(source, statement) !== '') ?? own[0]
    if (declared !== undefined) return entryOf(source, name, declared)
    for (const { exportClause, importClause, moduleSpecifier } of statements) {
      const from = (exportClause ?? importClause?.namedBindings)?.elements?.find(element => element.name.text === name)
      if (from !== undefined && moduleSpecifier !== undefined)
        return this.#declared(join(dirname(file), moduleSpecifier.text), from.propertyName?.text ?? name)
    }
    throw new Error(`${file} does not declare ${name}`)
  }

  exports(file: string): readonly Entry[] {
    return (this.#source(file).statements as unknown as readonly Declared[]).flatMap(statement => {
      if (statement.kind === SyntaxKind.ExportDeclaration) {
        const at = statement.moduleSpecifier === undefined ? file : join(dirname(file), statement.moduleSpecifier.text)
        if (statement.exportClause === undefined) return this.exports(at)
        return statement.exportClause.elements!.map(element => ({
          ...this.#declared(at, element.propertyName?.text ?? element.name.text),
          name: element.name.text,
        }))
      }
      return has(statement, SyntaxKind.ExportKeyword) ? nameOf(statement).map(name => this.#declared(file, name)) : []
    })
  }
}

/** What programs may import, read from the sources below the working directory. */
export const apiModules = (): readonly ApiModule[] => {
  const api = new API({ cwd: process.cwd() })
  try {
    const project = api.updateSnapshot({ openProjects: [resolve('scripts/api.tsconfig.json')] }).getProjects()[0]
    if (project === undefined) throw new Error('scripts/api.tsconfig.json is not there')
    const reader = new Reader(project.program)
    return Object.entries(entries).map(([name, file]) => ({
      name,
      entries: reader.exports(file).filter(({ doc }) => !doc.startsWith('@internal')),
    }))
  } finally {
    api.close()
  }
}

/** Whether a class takes a member over from one that says what it is, or from an interface. */
const isInherited = (modules: readonly ApiModule[], { code }: Entry, name: string): boolean => {
  const parents = /(?:extends|implements)\s+(.*)$/s.exec(code)?.[1]?.split(/[\s,]+|implements/) ?? []
  return parents.includes('Error') && name === 'name'
    || modules.some(module =>
      module.entries.some(entry =>
        parents.includes(entry.name)
        && (entry.members.some(member => member.name === name && member.doc !== '') || isInherited(modules, entry, name)
          || (entry.code.startsWith('interface') && new RegExp(`^ +(?:readonly )?${name}\\b`, 'm').test(entry.code)))
      )
    )
}

/** Names of what has no JSDoc: exports, and public members of classes. */
export const undocumented = (modules: readonly ApiModule[]): readonly string[] =>
  modules.flatMap(module =>
    module.entries.flatMap(entry => [
      ...(entry.doc === '' ? [`${module.name}: ${entry.name}`] : []),
      ...entry.members.filter(({ doc, name }) => doc === '' && name !== 'constructor' && !isInherited(modules, entry, name))
        .map(({ name }) => `${module.name}: ${entry.name}.${name}`),
    ])
  )

const block = ({ code, doc }: Entry): string => `\`\`\`ts\n${code}\n\`\`\`${doc === '' ? '' : `\n\n${doc}`}`

/** docs/API.md */
export const apiMarkdown = (modules: readonly ApiModule[]): string =>
  `# API reference

Everything that a program can import, out of the sources and their comments (\`npm run docs\`). How it goes together is in [LIBRARY.md](LIBRARY.md); every request and frame in [PROTOCOL.md](PROTOCOL.md).

${
    modules.map(({ name, entries: all }) =>
      `- [\`${name}\`](#${name.replace('/', '')}): ${all.map(entry => `\`${entry.name}\``).join(' ')}`
    ).join('\n')
  }

${
    modules.map(({ name, entries: all }) =>
      `## ${name}\n\n${
        all.map(entry =>
          `### ${entry.name}\n\n${block(entry)}${
            entry.members.map(member => `\n\n#### ${entry.name}.${member.name}\n\n${block(member)}`).join('')
          }`
        ).join('\n\n')
      }`
    ).join('\n\n')
  }
`
