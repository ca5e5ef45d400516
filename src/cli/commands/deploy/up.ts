// agentchat deploy up: carries the plan out, after a question.
import { command } from '../../command.ts'
import { CliError } from '../../exit.ts'
import { akashUp, akashUpOptions } from './akash/up.ts'
import { fileOptions, readPlan, readSpec } from './file.ts'
import { outlookOf, outlookText } from './plan.ts'

export const up = command({
  name: 'up',
  summary: 'Do what `plan` shows, after a question',
  arguments: {},
  options: {
    ...fileOptions,
    ...akashUpOptions,
    yes: { short: 'y', doc: 'Do not ask' },
    filesOnly: { doc: 'Write the files and run nothing' },
    force: { doc: 'Replace files that were not written by a deployment' },
  },
  examples: [
    { command: 'agentchat deploy up', doc: 'Shows the plan, asks, and starts the relay' },
    {
      command: 'agentchat deploy up --target kubernetes --files-only --yes',
      doc: 'The manifests as files, to be applied by something else',
    },
    { command: 'sudo agentchat deploy up --target systemd --yes', doc: 'Install and start the unit' },
    { command: 'agentchat deploy up --target akash --dry-run', doc: 'Manifest, hash and transactions, without a network' },
  ],
  async run({ options, io, out }) {
    const spec = await readSpec(options)
    // Not files and commands, but transactions with states in between.
    if (spec.target === 'akash') return akashUp({ io, out }, spec, options)
    const [plan, { missingPrograms, runCommand, shellText, writeFiles }, { confirm }] = await Promise.all([
      readPlan(options),
      import('../../../deploy/apply.ts'),
      import('../../confirm.ts'),
    ])
    const outlook = await outlookOf(plan)
    if (options.dryRun) return out.one(outlook, outlookText)
    const foreign = outlook.files.filter(({ state }) => state === 'foreign').map(({ path }) => path)
    if (foreign.length > 0 && !options.force)
      throw new CliError('refused', `Not written by a deployment: ${foreign.join(', ')}`,
        'Move it away, put deploy.yaml into another directory, or replace it with --force.')
    const commands = options.filesOnly ? [] : plan.commands
    const missing = missingPrograms({ ...plan, commands }, io.env['PATH'])
    const byHand = `\n${plan.commands.map(planned => `  ${shellText(planned)}`).join('\n')}`
    if (missing.length > 0)
      throw new CliError('notFound', `Not installed: ${missing.join(', ')}`,
        `Write only the files with --files-only, and run where it is:${byHand}`)

    if (!out.isJson) out.say(outlookText({ ...outlook, ...(options.filesOnly && { commands: [] }) }, (_, text) => text))
    if (!await confirm('Do this?', { io, yes: options.yes === true })) throw new CliError('refused', 'Nothing was done')

    try {
      writeFiles(plan)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new CliError('error', `Cannot write: ${message}`,
        code === 'EACCES' || code === 'EPERM' ? 'It needs other rights: try with sudo.' : undefined, error)
    }
    for (const planned of commands) {
      out.progress(planned.doc)
      const ending = await runCommand(planned, { env: io.env, signal: io.interrupted, onLine: line => out.say(`  ${line}`) })
      if (ending !== 0)
        throw new CliError('error', `${shellText(planned)} ended with ${ending}`,
          'The files are written. Once the cause is gone, `agentchat deploy up` goes on: it changes only what differs.')
    }
    const { target, url, files } = plan
    out.done({ target, url, files: files.map(({ path }) => path), ran: commands.map(shellText) }, () =>
      options.filesOnly
        ? `The files are written. To go on:${byHand}`
        : `The relay is up. Next: agentchat deploy check ${url}`)
  },
})
