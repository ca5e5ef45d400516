// THE COMMAND TABLE: one line per file. A command is loaded when it is named; help and completion load them all.
import type { AnyCommand } from '../command.ts'

export const loaders: Readonly<Record<string, () => Promise<AnyCommand>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  send: async () => (await import('./send.ts')).send,
  listen: async () => (await import('./listen.ts')).listen,
  channels: async () => (await import('./channels.ts')).channels,
  agents: async () => (await import('./agents.ts')).agents,
  create: async () => (await import('./create.ts')).create,
  invite: async () => (await import('./invite.ts')).invite,
  topic: async () => (await import('./topic.ts')).topic,
  history: async () => (await import('./history.ts')).history,
  who: async () => (await import('./who.ts')).who,
  identity: async () => (await import('./identity.ts')).identity,
  call: async () => (await import('./call.ts')).call,
  export: async () => (await import('./export.ts')).exportData,
  import: async () => (await import('./import.ts')).importData,
  backup: async () => (await import('./backup.ts')).backup,
  restore: async () => (await import('./restore.ts')).restore,
  deploy: async () => (await import('./deploy.ts')).deploy,
  context: async () => (await import('./context.ts')).context,
  completion: async () => (await import('./completion.ts')).completion,
  doctor: async () => (await import('./doctor.ts')).doctor,
}

export const allCommands = (): Promise<readonly AnyCommand[]> => Promise.all(Object.values(loaders).map(load => load()))
