// agentchat deploy plan: what would happen, without anything happening.
import type { FileState } from '../../../deploy/apply.ts'
import type { Plan, PlannedFile } from '../../../deploy/plan.ts'
import { command } from '../../command.ts'
import type { Paint } from '../../output.ts'
import { visible, visibleLines } from '../../terminal.ts'
import { fileOptions, readPlan } from './file.ts'

/** A plan beside what is there now: what `plan` shows and `up` asks about. */
export interface Outlook extends Omit<Plan, 'files' | 'commands'> {
  readonly files: readonly (PlannedFile & { readonly state: FileState })[]
  readonly commands: readonly { readonly command: string, readonly doc: string }[]
}

export const outlookOf = async (plan: Plan): Promise<Outlook> => {
  const { shellText, stateOf } = await import('../../../deploy/apply.ts')
  return {
    ...plan,
    files: plan.files.map(file => ({ ...file, state: stateOf(file) })),
    commands: plan.commands.map(planned => ({ command: shellText(planned), doc: planned.doc })),
  }
}

const states: Readonly<Record<FileState, string>> = { new: 'new', same: 'as it is', changed: 'changed', foreign: 'NOT OURS' }

export const outlookText = ({ target, url, files, commands, messages, cost, notes }: Outlook, paint: Paint, full = false): string => {
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint('bold', title), ...lines.map(line => `  ${line}`)]
  return [
    `${paint('bold', target)}: the relay will be ${visible(url)}`,
    ...part('Files', files.flatMap((
      { path, text, state, doc },
    ) => [`${visible(path)}  (${states[state]}, ${visible(doc)})`, ...(full ? [`  ${visibleLines(text, '    ')}`] : [])])),
    ...part('Commands', commands.flatMap(({ command, doc }) => [`${visible(command)}  ${paint('dim', `# ${visible(doc)}`)}`])),
    ...part('Transactions', messages.length === 0 ? ['none'] : messages.map(visible)),
    ...part('Cost per month', [visible(cost)]),
    ...part('Notes', notes.map(visible)),
  ].join('\n')
}

export const plan = command({
  name: 'plan',
  summary: 'Show what `up` would do: files, commands, transactions, cost; nothing is touched',
  arguments: {},
  options: { ...fileOptions, full: { doc: 'With the text of every file' } },
  examples: [
    { command: 'agentchat deploy plan', doc: 'What deploy.yaml in this directory would become' },
    { command: 'agentchat deploy plan --target kubernetes --full', doc: 'The manifests, without writing them' },
    { command: "agentchat deploy plan --target systemd --json | jq -r '.files[0].text'", doc: 'The unit alone' },
  ],
  async run({ options, out }) {
    out.one(await outlookOf(await readPlan(options)), (outlook, paint) => outlookText(outlook, paint, options.full))
  },
})
