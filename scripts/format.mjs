// Formats the TypeScript sources, or with --check lists those that are not as it would write them.
import { createFromBuffer } from '@dprint/formatter'
import { getPath } from '@dprint/typescript'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

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

const check = process.argv.includes('--check')
// Files of git's index and new ones, so that nothing generated is touched.
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], { encoding: 'utf8' }).trim().split('\n')
const wrong = []
for (const filePath of files) {
  let fileText
  try {
    fileText = readFileSync(filePath, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') continue
    throw error
  }
  const formatted = formatter.formatText({ filePath, fileText })
  if (formatted === fileText) continue
  wrong.push(filePath)
  if (!check) writeFileSync(filePath, formatted)
}
for (const file of wrong) console.log(check ? `not formatted: ${file}` : file)
if (check && wrong.length > 0) {
  console.error('npm run format writes them as they should be')
  process.exitCode = 1
}
