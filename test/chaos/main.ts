// The command line of a run. Prints one line; the exit code is 1 when any of its first eight numbers is not 0, or gave_up, or money_wrong,
// or when a client was without the relay for too long behind the death of one of its processes; and 2 when the run itself failed.
import { parseArgs } from 'node:util'
import { linksRun } from './links-run.ts'
import { hearingOf, promises, type Promised } from './promises.ts'
import { engines, run, type RunResult } from './run.ts'
import { workRun } from './work-run.ts'

/** So long at most a client is without a relay of which one process of several died. */
const maxAfterKillMs = 12_000

const usage = `npm run chaos -- [options]
  --messages N   sent in all (20000)
  --clients C    at least 3 (12)
  --minutes M    how long faults happen (0.5)
  --all          faults go on until all messages are sent, however long that takes; without it a slow machine sends less
  --deeds N      of N rounds of 24 messages one has edits, retractions, growing messages and files in it (1)
  --peaceful     nothing happens to anybody: how many messages a second it is
  --calm S       seconds more between two faults of one kind, on average: a long run has enough of them (0)
  --seed S       the same seed, the same plan of faults (random)
  --store E      ${engines.join(', ')}: where the relay keeps its data (sqlite)
  --nodes N      processes that serve the relay, on PostgreSQL and over NATS, which are attacked too (1)
  --links        three relays that are linked are killed, stand still and are parted, and the ways between them torn: what is handed on and
                 mirrored is reckoned
  --work         workers of an agent, a receiver of webhooks and the relay are killed, and not the network: who had what when is counted
  --break P      the relay breaks a promise, and the run has to notice:
${Object.entries(promises).map(([name, { what }]) => `                   ${name.padEnd(10)} ${what}`).join('\n')}
                 the last four are of several processes (--store postgres --nodes 3); nothing else happens then than that they hear badly
  --json         the result as JSON, with what clients were refused
  --verbose      what happens, on stderr`

const lineOf = (seed: number, r: RunResult): string =>
  [
    `lost=${r.lost} duplicated=${r.duplicated} reordered=${r.reordered} holes=${r.holes} unanswered=${r.unanswered} not_gone=${r.notGone}`,
    `trespasses=${r.trespasses} stale=${r.stale} seed=${seed} messages=${r.messages} per_second=${r.perSecond} refused=${r.refused} gave_up=${r.gaveUp}`,
    `edits=${r.deeds.edit} retractions=${r.deeds.retract} grown=${r.deeds.grow} files=${r.deeds.file}`,
    `bans=${r.bans} looks=${r.looks} money_wrong=${r.money.wrong.length} transfers=${r.money.transfers} deals=${r.money.deals}`,
    `kills=${r.kills} fallen=${r.fallen} cuts=${r.cuts} stalls=${r.stalls} freezes=${r.freezes} clock_jumps=${r.clockJumps} ${
      Object.entries(r.ground).map(([what, count]) => `${what}=${count}`).join(' ')
    } longest_recovery_ms=${r.longestRecoveryMs}${r.afterKillMs.length === 0 ? '' : ` after_kill_ms=${Math.max(...r.afterKillMs)}`}`,
  ].join(' ')

const options = {
  messages: { type: 'string', default: '20000' },
  clients: { type: 'string', default: '12' },
  minutes: { type: 'string', default: '0.5' },
  all: { type: 'boolean', default: false },
  deeds: { type: 'string', default: '1' },
  peaceful: { type: 'boolean', default: false },
  calm: { type: 'string', default: '0' },
  seed: { type: 'string' },
  store: { type: 'string', default: 'sqlite' },
  nodes: { type: 'string', default: '1' },
  break: { type: 'string' },
  links: { type: 'boolean', default: false },
  work: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const [messages, clients, minutes, seed] = [
    values.messages,
    values.clients,
    values.minutes,
    values.seed ?? String(Date.now() % 1_000_000),
  ].map(Number) as [number, number, number, number]
  const nodes = Number(values.nodes)
  const deedsEvery = Number(values.deeds)
  const calmMs = Number(values.calm) * 1_000
  const broken = Object.keys(promises).find((name): name is Promised => name === values.break)
  const engine = engines.find(name => name === values.store)
  if (
    engine === undefined || !(messages >= 1 && clients >= 3 && minutes > 0 && calmMs >= 0 && deedsEvery >= 1) || !Number.isInteger(seed)
    || (values.break !== undefined && broken === undefined) || (hearingOf(broken) !== undefined && nodes === 1)
    || !(nodes === 1 || (nodes > 1 && engine === 'postgres'))
  ) {
    process.stderr.write(`${usage}\n`)
    return 2
  }

  const onProgress = (line: string) => {
    if (values.verbose) process.stderr.write(`${line}\n`)
  }
  if (values.work) {
    const result = await workRun({ seed, messages, durationMs: minutes * 60_000, onProgress })
    process.stdout.write(`${JSON.stringify({ seed, ...result })}\n`)
    const { unsettled, handledTwice, reordered, lost } = result
    return unsettled + handledTwice + reordered + lost === 0 ? 0 : 1
  }
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(`ended by ${name}`)))
  if (values.links) {
    const result = await linksRun({ seed, messages, durationMs: minutes * 60_000, onProgress, signal: stop.signal })
    process.stdout.write(`${JSON.stringify({ seed, ...result })}\n`)
    const { lost, doubled, reordered, misplaced, refused, unsettled, unlike, unfit, fallen } = result
    return lost + doubled + reordered + misplaced + refused + unsettled + unlike + unfit + fallen === 0 ? 0 : 1
  }
  const result = await run({
    messages,
    clients,
    seed,
    durationMs: minutes * 60_000,
    calmMs,
    deedsEvery,
    isAll: values.all,
    isPeaceful: values.peaceful,
    broken,
    engine,
    nodes,
    signal: stop.signal,
    onProgress,
  })
  process.stdout.write(`${values.json ? JSON.stringify({ seed, ...result }) : lineOf(seed, result)}\n`)
  if (!values.json) {
    for (const note of [...result.notes, ...result.losses, ...result.money.wrong, ...result.kept]) process.stderr.write(`${note}\n`)
  }
  const { lost, duplicated, reordered, holes, unanswered, notGone, trespasses, stale, gaveUp, money, kept, fallen, afterKillMs } = result
  const late = afterKillMs.filter(ms => ms > maxAfterKillMs)
  const wrong = [lost, duplicated, reordered, holes, unanswered, notGone, trespasses, stale, gaveUp, fallen]
    .reduce((sum, count) => sum + count, money.wrong.length + kept.length + late.length)
  return wrong === 0 ? 0 : 1
}

// Not left to the end of the event loop: Node 20 can spin for ever there, over what is left of a thousand killed children and sockets.
process.exit(await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
  return 2
}))
