// agentchat deploy init: writes a deploy.yaml with every key explained.
import { command } from '../../command.ts'
import { targetOption } from './file.ts'

export const init = command({
  name: 'init',
  summary: 'Write a deploy.yaml with every key explained',
  arguments: {},
  options: {
    file: { short: 'f', value: 'FILE', doc: 'Where to write it (default: deploy.yaml)' },
    target: { ...targetOption, doc: 'docker, systemd, kubernetes or akash (default: docker)' },
    name: { short: 'n', value: 'NAME', doc: 'Name of the deployment (default: agentchat)' },
    image: { value: 'IMAGE', doc: 'Container image (default: agentchat:latest)' },
    domain: { value: 'HOST', doc: 'Public host name' },
    build: { value: 'DIR', doc: 'Directory of a Dockerfile to build the image from' },
    force: { doc: 'Replace a file that is there' },
  },
  examples: [
    { command: 'agentchat deploy init', doc: 'For Docker on this machine' },
    {
      command: 'agentchat deploy init --target kubernetes --image ghcr.io/owner/agentchat:0.1.0 --domain chat.example.org',
      doc: 'For a cluster, with TLS',
    },
  ],
  async run({ options: { file = 'deploy.yaml', force, ...choices }, out }) {
    const [{ sampleText }, { SpecError, parseSpec }, { CliError }, { writeFileSync }] = await Promise.all([
      import('../../../deploy/sample.ts'),
      import('../../../deploy/spec.ts'),
      import('../../exit.ts'),
      import('node:fs'),
    ])
    const text = sampleText(choices)
    await parseSpec(text, file).catch((error: unknown) => {
      throw error instanceof SpecError ? new CliError('usage', error.problems.map(({ message }) => message).join('\n')) : error
    })
    try {
      writeFileSync(file, text, { flag: force ? 'w' : 'wx' })
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
      throw new CliError('error', isThere ? `${file} is there already` : `Cannot write ${file}: ${(error as Error).message}`,
        isThere ? 'Replace it with --force, or write another: -f FILE' : undefined, error)
    }
    out.done({ file }, () => `${file} is written. Next: agentchat deploy plan${file === 'deploy.yaml' ? '' : ` -f ${file}`}`)
  },
})
