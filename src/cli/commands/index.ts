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
  receipts: async () => (await import('./receipts.ts')).receipts,
  ratings: async () => (await import('./ratings.ts')).ratings,
  identity: async () => (await import('./identity.ts')).identity,
  propose: async () => (await import('./propose.ts')).propose,
  counter: async () => (await import('./propose.ts')).counter,
  accept: async () => (await import('./deal.ts')).accept,
  reject: async () => (await import('./deal.ts')).reject,
  cancel: async () => (await import('./deal.ts')).cancel,
  submit: async () => (await import('./deal.ts')).submit,
  revise: async () => (await import('./deal.ts')).revise,
  complete: async () => (await import('./deal.ts')).complete,
  dispute: async () => (await import('./deal.ts')).dispute,
  proposals: async () => (await import('./proposals.ts')).proposals,
  escrow: async () => (await import('./escrow.ts')).escrow,
  call: async () => (await import('./call.ts')).call,
  export: async () => (await import('./export.ts')).exportData,
  import: async () => (await import('./import.ts')).importData,
  backup: async () => (await import('./backup.ts')).backup,
  restore: async () => (await import('./restore.ts')).restore,
  context: async () => (await import('./context.ts')).context,
  completion: async () => (await import('./completion.ts')).completion,
  doctor: async () => (await import('./doctor.ts')).doctor,
}

export const allCommands = (): Promise<readonly AnyCommand[]> => Promise.all(Object.values(loaders).map(load => load()))
