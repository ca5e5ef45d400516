// What the deploy commands share: the option that names deploy.yaml, reading it, and its plan.
import type { DeploySpec, TargetName } from '../../../deploy/spec.ts'
import type { Plan } from '../../../deploy/plan.ts'
import type { OptionSpec } from '../../command.ts'
import { CliError } from '../../exit.ts'

export const targetNames = ['docker', 'systemd', 'kubernetes', 'akash'] as const satisfies readonly TargetName[]

const targetName = (text: string): TargetName => {
  const target = targetNames.find(name => name === text)
  if (target === undefined) throw new CliError('usage', `${JSON.stringify(text)} is not a target`, `Targets: ${targetNames.join(', ')}`)
  return target
}

export const targetOption = {
  short: 't',
  value: 'TARGET',
  doc: 'docker, systemd, kubernetes or akash (default: what the file says)',
  parse: targetName,
} as const satisfies OptionSpec

export const fileOptions = {
  file: { short: 'f', value: 'FILE', doc: 'The description of the deployment (default: deploy.yaml)' },
  target: targetOption,
} as const satisfies Readonly<Record<string, OptionSpec>>

interface FileChoice {
  readonly file?: string | undefined
  readonly target?: TargetName | undefined
}

/** @throws CliError, with every fault of the file and its line */
export const readSpec = async ({ file = 'deploy.yaml', target }: FileChoice): Promise<DeploySpec> => {
  const [{ SpecError, parseSpec }, { readFileSync }] = await Promise.all([import('../../../deploy/spec.ts'), import('node:fs')])
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CliError(isMissing ? 'notFound' : 'error',
      isMissing ? `There is no ${file}` : `Cannot read ${file}: ${(error as Error).message}`,
      isMissing ? 'Make one: agentchat deploy init. Or name it: -f FILE' : undefined, error)
  }
  try {
    return await parseSpec(text, file, target)
  } catch (error) {
    throw error instanceof SpecError ? new CliError('usage', error.message, 'Every key is in docs/DEPLOY.md.', error) : error
  }
}

export const readPlan = async (choice: FileChoice): Promise<Plan> => {
  const [spec, { planOf }, { dirname }] = await Promise.all([
    readSpec(choice),
    import('../../../deploy/targets/index.ts'),
    import('node:path'),
  ])
  const plan = planOf(spec, dirname(choice.file ?? 'deploy.yaml'))
  if (plan === undefined) throw new CliError('usage', `This version does not deploy to ${spec.target}`, 'Take another with --target.')
  return plan
}
