// agentchat deploy: from deploy.yaml to a relay somewhere, with a plan to read first.
import { command } from '../command.ts'
import { doctor } from './deploy/akash/doctor.ts'
import { abort, close, resume, topUp, update } from './deploy/akash/life.ts'
import { events, logs, status } from './deploy/akash/look.ts'
import { wallet } from './deploy/akash/wallet.ts'
import { check } from './deploy/check.ts'
import { init } from './deploy/init.ts'
import { plan } from './deploy/plan.ts'
import { up } from './deploy/up.ts'

export const deploy = command({
  name: 'deploy',
  summary: 'Put a relay somewhere: Docker, systemd, Kubernetes, Akash',
  arguments: {},
  options: {},
  // THE TABLE: one line per group of subcommands.
  commands: [
    init,
    plan,
    up,
    check,
    wallet,
    doctor,
    resume,
    abort,
    status,
    logs,
    events,
    topUp,
    update,
    close,
  ],
  examples: [
    { command: 'agentchat deploy init && agentchat deploy plan', doc: 'Describe a deployment, and see what would happen' },
    { command: 'agentchat deploy up', doc: 'Do it, after a question' },
    { command: 'agentchat deploy check wss://chat.example.org', doc: 'Talk to the new relay' },
  ],
  async run() {
    const { CliError } = await import('../exit.ts')
    throw new CliError('usage', 'deploy wants a command', 'Begin with: agentchat deploy init. All of them: agentchat deploy --help')
  },
})
