// The folder of a daemon: which file is what in it, who is at work there, and how it stands. Names are those of earlier daemons.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '../../../lib/node/private-folder.ts'
import { readTextFile } from '../../../lib/node/text-file.ts'
import { holdFile, isHeld } from '../../store/sqlite/driver.ts'
import { CliError } from '../exit.ts'
import { agentchatHome, readJson, writeJson } from '../home.ts'
import type { Io } from '../io.ts'
import { countLines } from './line-at.ts'
import { countOutbox, maxLineBytes } from './outbox.ts'

export const defaultInstance = 'default'

const files = {
  /** what came, a line each */
  inbox: 'inbox.jsonl',
  /** lines of it that were refused, with their reason */
  refused: 'outbox.refused.jsonl',
  log: 'daemon.log',
  pid: 'daemon.pid',
  /** when something came last, in ms */
  newData: 'newdata',
  /** how far channels were received */
  cursor: 'cursor.json',
  state: 'state.json',
  lock: 'lock.db',
} as const

/** What a daemon says of itself. */
export interface DaemonState {
  readonly server: string
  readonly agent_id: string
  readonly connected: boolean
  /** ms since 1970 */
  readonly since: number
  /** Why it is not connected. */
  readonly problem?: string
}

/** How a daemon stands, for programs. */
export interface DaemonStatus extends Partial<DaemonState> {
  readonly instance: string
  readonly folder: string
  readonly running: boolean
  readonly pid: number | null
  /** lines of the inbox file */
  readonly inbox: number
  /** lines of the outbox that are not acknowledged */
  readonly waiting: number
  readonly refused: number
}

const daemonsFolder = (env: Io['env']): string => join(agentchatHome(env), 'daemons')

/** Every instance that there has been. */
export const instancesIn = (env: Io['env']): readonly string[] =>
  existsSync(daemonsFolder(env)) ? readdirSync(daemonsFolder(env)).filter(isInstance).sort() : []

const isInstance = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,31}$/.test(name)

export class DaemonFolder {
  readonly instance: string
  readonly path: string

  constructor(env: Io['env'], instance: string = defaultInstance) {
    if (!isInstance(instance))
      throw new CliError('usage', `${JSON.stringify(instance)} is no name of an instance`, 'Names are 1 to 32 of A-Z a-z 0-9 _ . -')
    this.instance = instance
    this.path = join(daemonsFolder(env), instance)
  }

  /** Whether a daemon was ever at work there. */
  get isUsed(): boolean {
    return existsSync(this.at('lock'))
  }

  at(name: keyof typeof files): string {
    return join(this.path, files[name])
  }

  /** For one daemon at a time. @throws CliError when there is another one */
  hold(): Disposable {
    makePrivateFolder(this.path, () => true)
    // Whoever asks how it stands is in the way for a moment.
    const held = holdFile(this.at('lock'), 500)
    if (held === undefined)
      throw new CliError('refused', `Another daemon is at work in ${this.path}${pidText(this.#pid())}`,
        'End it with: agentchat daemon --stop. Or give this one a folder of its own: --instance NAME.')
    writeFileSync(this.at('pid'), `${process.pid}\n`, { mode: 0o600 })
    return held
  }

  say(state: DaemonState): void {
    writeJson(this.at('state'), state)
  }

  /** @throws CliError when there has never been one */
  async status(): Promise<DaemonStatus> {
    const { instance, path } = this
    const pid = this.#runningPid()
    const state = (readJson(this.at('state')) ?? {}) as Partial<DaemonState>
    return {
      instance,
      folder: path,
      running: pid !== undefined,
      pid: pid ?? null,
      ...state,
      connected: pid !== undefined && state.connected === true,
      inbox: await countLines(this.at('inbox'), maxLineBytes),
      waiting: await countOutbox(path),
      refused: await countLines(this.at('refused'), maxLineBytes),
    }
  }

  /** Ends the one at work, and waits for its end; `pause` is awaited before it is looked at again. false: there is none */
  async stop(pause: () => Promise<void>): Promise<boolean> {
    const pid = this.#runningPid()
    if (pid === undefined) return false
    process.kill(pid, 'SIGTERM')
    while (this.#runningPid() === pid) await pause()
    return true
  }

  /** It is at work no more. */
  left(): void {
    rmSync(this.at('pid'), { force: true })
  }

  #runningPid(): number | undefined {
    if (!this.isUsed)
      throw new CliError('notFound', `There has been no daemon in ${this.path}`, 'See which there are: agentchat daemon --list')
    return isHeld(this.at('lock')) ? this.#pid() : undefined
  }

  #pid(): number | undefined {
    try {
      return Number.parseInt(readTextFile(this.at('pid')), 10) || undefined
    } catch {
      return undefined
    }
  }
}

const pidText = (pid: number | undefined): string => pid === undefined ? '' : ` (process ${pid})`
