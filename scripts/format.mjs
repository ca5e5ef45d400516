// Formats the TypeScript sources, or with --check lists those that are not as it would write them.
import { createFromBuffer } from '@dprint/formatter'
import { getPath } from '@dprint/typescript'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const newFormatter = () => {
  const formatter = createFromBuffer(readFileSync(getPath()))
  formatter.setConfig({ lineWidth: 140, indentWidth: 2 }, {
    semiColons: 'asi',
    quoteStyle: 'preferSingle',
    quoteProps: 'preserve',
    trailingCommas: 'onlyMultiLine',
    nextControlFlowPosition: 'sameLine',
    operatorPosition: 'nextLine',
    useBraces: 'maintain',
    bracePosition: 'sameLineUnlessHanging',
    singleBodyPosition: 'maintain',
    'arrowFunction.useParentheses': 'preferNone',
    'arguments.preferHanging': 'always',
    'conditionalExpression.linePerExpression': true,
    'interface.separatorKind': 'comma',
    'typeLiteral.separatorKind.singleLine': 'comma',
    'module.sortImportDeclarations': 'maintain',
    'module.sortExportDeclarations': 'maintain',
    'importDeclaration.sortNamedImports': 'maintain',
    'exportDeclaration.sortNamedExports': 'maintain',
  })
  return formatter
}

const check = process.argv.includes('--check')
// Files of git's index and new ones, so that nothing generated is touched.
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], { encoding: 'utf8' }).trim().split('\n')
// What was found to be right once need not be laid out again: texts by their hash, for this version of the formatter.
const cacheFile = 'node_modules/.cache/format.json'
const setUp = createHash('sha256').update(readFileSync(import.meta.filename)).update(readFileSync(getPath())).digest('hex')
const cached = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, 'utf8')) : {}
const known = new Set(cached.setUp === setUp ? cached.texts : [])
const right = new Set()
const wrong = []
let formatter
for (const filePath of files.filter(file => existsSync(file))) {
  const fileText = readFileSync(filePath, 'utf8')
  const hash = text => createHash('sha256').update(`${filePath}\n${text}`).digest('base64')
  if (!known.has(hash(fileText))) {
    const formatted = (formatter ??= newFormatter()).formatText({ filePath, fileText })
    if (formatted !== fileText) {
      wrong.push(filePath)
      if (!check) writeFileSync(filePath, formatted)
      continue
    }
  }
  right.add(hash(fileText))
}
mkdirSync('node_modules/.cache', { recursive: true })
writeFileSync(cacheFile, JSON.stringify({ setUp, texts: [...right] }))
for (const file of wrong) console.log(check ? `not formatted: ${file}` : file)
if (check && wrong.length > 0) {
  console.error('npm run format writes them as they should be')
  process.exitCode = 1
}
