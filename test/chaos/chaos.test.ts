// Slices of the chaos run: nothing is lost while everything breaks, and each broken promise is noticed. Real processes, so it
// is compiled first.
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { noNats } from '../kit/nats-run.ts'
import type { WorkResult } from './work-run.ts'

const repository = join(import.meta.dirname, '../..')

interface Outcome {
  readonly code: number
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  readonly holes: number
  readonly unanswered: number
  readonly notGone: number
  readonly deeds: Readonly<Record<'edit' | 'retract' | 'grow' | 'file', number>>
  readonly bans: number
  readonly trespasses: number
  readonly looks: number
  readonly stale: number
  readonly messages: number
  readonly refused: number
  readonly kills: number
  readonly fallen: number
  readonly cuts: number
  readonly ground: Readonly<Record<string, number>>
  readonly kept: readonly string[]
  readonly afterKillMs: readonly number[]
  readonly money: { readonly transfers: number, readonly deals: number, readonly wrong: readonly string[] }
}

const chaos = async (...args: readonly string[]): Promise<Outcome> => {
  const main = join(repository, 'dist-chaos/test/chaos/main.js')
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [main, '--json', ...args])
    .then(({ stdout }) => ({ code: 0, stdout, stderr: '' }), (error: { code: number, stdout: string, stderr: string }) => error)
  if (stdout === '') throw new Error(stderr)
  return { code, ...JSON.parse(stdout) as Omit<Outcome, 'code'> }
}

/** Nothing is lost, doubled, reordered or left without an answer. */
const nothingIsWrong = {
  code: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  holes: 0,
  unanswered: 0,
  notGone: 0,
  trespasses: 0,
  stale: 0,
  fallen: 0,
  kept: [],
  money: { wrong: [] },
}

beforeAll(() => {
  execFileSync(process.execPath, [
    join(repository, 'node_modules/typescript/bin/tsc'),
    '--noCheck',
    '-p',
    join(repository, 'test/chaos/tsconfig.json'),
  ])
})

describe('while the relay is killed and the network torn', () => {
  test('nothing is lost, doubled, reordered or left without an answer, and the books add up to what was acknowledged', async () => {
    const outcome = await chaos('--seed', '1', '--messages', '10000', '--clients', '12', '--minutes', '0.25')
    expect(outcome).toMatchObject(nothingIsWrong)
    // It did happen.
    expect(outcome.messages).toBeGreaterThan(1_000)
    expect(outcome.bans).toBeGreaterThan(0)
    expect(outcome.kills).toBeGreaterThan(1)
    expect(outcome.cuts).toBeGreaterThan(5)
    expect(outcome.deeds.edit).toBeGreaterThan(100)
    expect(outcome.deeds.retract).toBeGreaterThan(50)
    expect(outcome.deeds.grow).toBeGreaterThan(20)
    expect(outcome.deeds.file).toBeGreaterThan(5)
    expect(outcome.money.transfers).toBeGreaterThan(20)
    expect(outcome.money.deals).toBeGreaterThan(0)
  }, 420_000)
})

describe('while its database on PostgreSQL is crashed, cut off, also behind a COMMIT, and made read-only', () => {
  const slice = ['--store', 'postgres', '--messages', '4000', '--clients', '6'] as const

  test('nothing is lost, doubled, reordered or left without an answer, and the books are right', async () => {
    const outcome = await chaos('--seed', '1', ...slice, '--minutes', '0.25')
    expect(outcome).toMatchObject(nothingIsWrong)
    // It did happen.
    expect(outcome.messages).toBeGreaterThan(500)
    expect(outcome.kills).toBeGreaterThan(0)
    expect(outcome.ground['commits_cut']).toBeGreaterThan(0)
    for (const kind of ['edit', 'retract', 'grow', 'file'] as const) expect(outcome.deeds[kind], kind).toBeGreaterThan(0)
    expect(Object.values(outcome.ground).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3)
  }, 420_000)
})

describe.skipIf(noNats !== undefined)('while three processes are killed and stand still, and their database and NATS are attacked', () => {
  const slice = ['--nodes', '3', '--store', 'postgres', '--clients', '6'] as const

  test('nothing is lost, doubled, reordered or left without an answer, at whichever of them one was', async () => {
    const outcome = await chaos('--seed', '1', ...slice, '--messages', '1500', '--minutes', '1')
    expect(outcome).toMatchObject(nothingIsWrong)
    // It did happen.
    expect(outcome.messages).toBeGreaterThan(300)
    expect(outcome.kills).toBeGreaterThan(0)
    expect(outcome.afterKillMs.length).toBeGreaterThan(0)
    expect(outcome.bans).toBeGreaterThan(0)
    expect(outcome.looks).toBeGreaterThan(0)
    const misfortunes = ['pauses', 'nats_kills', 'ways_parted', 'lines_parted', 'bad_hearings', 'commits_cut', 'crashes']
    for (const what of misfortunes) expect(outcome.ground[what], what).toBeGreaterThan(0)
  }, 420_000)

  test.each([
    ['what a process missed and finds no more in the log is lost', 'repair', 'lost'],
    ['who is answered before the others know it is not found there', 'known', 'stale'],
    ['who is locked out elsewhere, and not asked for, goes on storing', 'lockout', 'trespasses'],
    ['numbers given without the lock of their channel leave holes', 'numbering', 'holes'],
  ] as const)('%s', async (_title, broken, counter) => {
    const outcome = await chaos('--seed', '1', ...slice, '--break', broken, '--messages', '300', '--minutes', '0.05')
    expect(outcome.code).toBe(1)
    expect(outcome[counter]).toBeGreaterThan(0)
  }, 300_000)

  test('publish keys that another process does not know double what is sent again there', async () => {
    const outcomes: Outcome[] = []
    for (const seed of ['1', '2', '3', '4', '5', '6']) {
      outcomes.push(await chaos('--seed', seed, ...slice, '--break', 'key', '--messages', '1500', '--minutes', '0.08'))
      if (outcomes.at(-1)!.duplicated > 0) break
    }
    expect(outcomes.at(-1)).toMatchObject({ code: 1 })
    expect(outcomes.at(-1)!.duplicated).toBeGreaterThan(0)
  }, 600_000)
})

test('while workers, relay and receiver are killed, every item comes to its end, at one worker at a time, and posts keep their order',
  async () => {
    const main = join(repository, 'dist-chaos/test/chaos/main.js')
    const run = promisify(execFile)(process.execPath, [main, '--work', '--seed', '1', '--messages', '180', '--minutes', '0.1'])
    const { stdout } = await run.catch((error: { stdout: string, stderr: string }) => {
      if (error.stdout === '') throw new Error(error.stderr)
      return error
    })
    const outcome = JSON.parse(stdout) as WorkResult
    expect(outcome).toMatchObject({ messages: 180, posts: 60, unsettled: 0, handledTwice: 0, reordered: 0, lost: 0 })
    // It did happen.
    expect(outcome.begun).toBeGreaterThan(180)
    expect(outcome.states['failed']).toBeGreaterThan(0)
    for (const [who, kills] of Object.entries(outcome.kills)) expect(kills, who).toBeGreaterThan(0)
  }, 300_000)

describe('a relay that breaks a promise is found out', () => {
  /** On a busy machine one short slice may pass before a fault falls on the right moment; of a few, one does not. */
  const seeds = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']

  test.each([
    ['acknowledging before the commit loses messages', 'commit', ['lost']],
    ['forgetting publish keys doubles them', 'key', ['duplicated']],
    ['leaving some out of what is replayed loses them', 'resume', ['lost']],
    ['storing edits without their text loses them, and what was taken back and stays is found', 'change', ['lost', 'notGone']],
  ] as const)('%s', async (_title, broken, counters) => {
    const outcomes: Outcome[] = []
    for (const seed of seeds) {
      const outcome = await chaos('--seed', seed, '--break', broken, '--messages', '3000', '--clients', '6', '--minutes', '0.08')
      outcomes.push(outcome)
      if (counters.every(counter => outcome[counter] > 0)) break
    }
    expect(outcomes.at(-1)!.code).toBe(1)
    for (const counter of counters) expect(outcomes.at(-1)![counter], counter).toBeGreaterThan(0)
  }, 600_000)

  test('believing in a commit that the database undid loses messages, or money', async () => {
    const outcomes: Outcome[] = []
    const found = ({ lost, money }: Outcome) => lost + money.wrong.length
    for (const seed of seeds) {
      const flags = ['--store', 'postgres', '--break', 'doubt', '--messages', '3000', '--clients', '6', '--minutes', '0.2'] as const
      const outcome = await chaos('--seed', seed, ...flags)
      outcomes.push(outcome)
      if (found(outcome) > 0) break
    }
    expect(outcomes.at(-1)).toMatchObject({ code: 1 })
    expect(found(outcomes.at(-1)!)).toBeGreaterThan(0)
  }, 600_000)
})
