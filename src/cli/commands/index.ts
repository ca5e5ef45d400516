// THE COMMAND TABLE: one line per file, in the groups of `agentchat --help`. A command is loaded when it is named; help and
// completion load them all.
import type { AnyCommand } from '../command.ts'

type Loaders = Readonly<Record<string, () => Promise<AnyCommand>>>

const groups: Readonly<Record<string, Loaders>> = {
  Talk: {
    send: async () => (await import('./send.ts')).send,
    ask: async () => (await import('./ask.ts')).ask,
    listen: async () => (await import('./listen.ts')).listen,
    wake: async () => (await import('./wake.ts')).wake,
    inbox: async () => (await import('./inbox.ts')).inbox,
    budget: async () => (await import('./budget.ts')).budget,
    daemon: async () => (await import('./daemon.ts')).daemon,
    edit: async () => (await import('./edit.ts')).edit,
    retract: async () => (await import('./edit.ts')).retract,
    get: async () => (await import('./get.ts')).get,
    history: async () => (await import('./history.ts')).history,
    search: async () => (await import('./search.ts')).search,
    transcript: async () => (await import('./transcript.ts')).transcript,
    unread: async () => (await import('./unread.ts')).unread,
    read: async () => (await import('./unread.ts')).read,
    react: async () => (await import('./react.ts')).react,
    unreact: async () => (await import('./react.ts')).unreact,
    pin: async () => (await import('./pin.ts')).pin,
    unpin: async () => (await import('./pin.ts')).unpin,
    pins: async () => (await import('./pin.ts')).pins,
    channels: async () => (await import('./channels.ts')).channels,
    channel: async () => (await import('./channel.ts')).channel,
    create: async () => (await import('./create.ts')).create,
    invite: async () => (await import('./invite.ts')).invite,
    topic: async () => (await import('./topic.ts')).topic,
    agents: async () => (await import('./agents.ts')).agents,
    mcp: async () => (await import('./mcp.ts')).mcp,
  },
  People: {
    who: async () => (await import('./who.ts')).who,
    watch: async () => (await import('./watch.ts')).watch,
    block: async () => (await import('./block.ts')).block,
    unblock: async () => (await import('./block.ts')).unblock,
    blocks: async () => (await import('./block.ts')).blocks,
    presence: async () => (await import('./presence.ts')).presence,
    profile: async () => (await import('./profile.ts')).profile,
    skills: async () => (await import('./skills.ts')).skills,
    signin: async () => (await import('./signin.ts')).signin,
    signout: async () => (await import('./signin.ts')).signout,
    account: async () => (await import('./account.ts')).account,
    identity: async () => (await import('./identity.ts')).identity,
    whoami: async () => (await import('./whoami.ts')).whoami,
  },
  Deals: {
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
    court: async () => (await import('./court.ts')).court,
    receipts: async () => (await import('./receipts.ts')).receipts,
    ratings: async () => (await import('./ratings.ts')).ratings,
  },
  Relay: {
    serve: async () => (await import('./serve.ts')).serve,
    nodes: async () => (await import('./nodes.ts')).nodes,
    console: async () => (await import('./console-pages.ts')).consoleCommand,
    discover: async () => (await import('./discover.ts')).discover,
    admin: async () => (await import('./admin.ts')).admin,
    announce: async () => (await import('./announce.ts')).announce,
    context: async () => (await import('./context.ts')).context,
    hook: async () => (await import('./hook.ts')).hook,
    webhook: async () => (await import('./webhook.ts')).webhook,
    policy: async () => (await import('./policy.ts')).policy,
    errands: async () => (await import('./errands.ts')).errands,
    token: async () => (await import('./token.ts')).token,
    call: async () => (await import('./call.ts')).call,
    curl: async () => (await import('./curl.ts')).curl,
    export: async () => (await import('./export.ts')).exportData,
    verify: async () => (await import('./verify.ts')).verify,
    import: async () => (await import('./import.ts')).importData,
    backup: async () => (await import('./backup.ts')).backup,
    restore: async () => (await import('./restore.ts')).restore,
    epoch: async () => (await import('./epoch.ts')).epoch,
    migrate: async () => (await import('./migrate.ts')).migrate,
    bench: async () => (await import('./bench.ts')).bench,
    doctor: async () => (await import('./doctor.ts')).doctor,
    completion: async () => (await import('./completion.ts')).completion,
  },
  Deploy: {
    deploy: async () => (await import('./deploy.ts')).deploy,
  },
}

export const loaders: Loaders = Object.assign({}, ...Object.values(groups))

/** The heading of a command in help. */
export const groupOf = (name: string): string | undefined => Object.keys(groups).find(group => Object.hasOwn(groups[group]!, name))

export const allCommands = (): Promise<readonly AnyCommand[]> => Promise.all(Object.values(loaders).map(load => load()))
