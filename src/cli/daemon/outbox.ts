// The outbox of a daemon: a file to which programs append lines. It is taken away whole, under a name that is a key of its own; a line's
// publish id is that key and the line's place, so that one which is sent again after a crash is stored once. A taken file goes when its
// lines are acknowledged, and late enough that nobody still writes to it.
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { makePrivateFile } from '../../../lib/node/private-folder.ts'
import { writePrivateFile } from '../../../lib/node/private-file.ts'
import { readTextFile } from '../../../lib/node/text-file.ts'
import { limits } from '../../../lib/protocol/limits.ts'
import { CliError } from '../exit.ts'
import { syncFolder } from './kept-lines.ts'
import { countLines, lineAt, type Line } from './line-at.ts'

export interface OutboxLine extends Pick<Line, 'text' | 'problem'> {
  /** The same whenever it is read. */
  readonly id: string
  readonly taken: Taken
  /** Where the next one begins. */
  readonly end: number
}

/** A file that was taken. */
interface Taken {
  readonly key: string
  readonly path: string
  /** Its lines are dealt with up to here. */
  offset: number
  /** When something was last read of it, or it was taken. */
  quietSince: number
}

/** What a line may take: as much as a frame. */
export const maxLineBytes = limits.maxFrameBytes
const [name, cursorName] = ['outbox.jsonl', 'outbox.cursor.json'] as const
const takenName = /^outbox\.([0-9a-z]{1,12}-[0-9a-z]{1,12})\.jsonl$/
/** Who opened the file before it was taken has written by then; a line without an end gets none any more. */
const graceMs = 10_000
/** How far its lines are is written down so often. What was sent since is sent again after a crash, and stored once. */
const saveMs = 100
const Cursor = z.record(z.string(), z.number().int().min(0))

export interface OutboxOptions {
  readonly now: () => number
  readonly random: () => number
}

/** Lines in a folder that are not dealt with, as far as is written down. What is taken meanwhile is counted twice, never not at all. */
export const countOutbox = async (folder: string): Promise<number> => {
  let count = await countLines(join(folder, name), maxLineBytes)
  for (const { path, offset } of takenIn(folder, 0)) count += await countLines(path, maxLineBytes, offset)
  return count
}

export class Outbox {
  readonly #folder: string
  readonly #now: () => number
  readonly #random: () => number
  /** The oldest first. */
  readonly #taken: Taken[]
  #savedAt = 0
  #isSaved = true

  constructor(folder: string, { now, random }: OutboxOptions) {
    this.#folder = folder
    this.#now = now
    this.#random = random
    this.#taken = takenIn(folder, now())
  }

  /** Makes the file that programs append to. */
  open(): void {
    makePrivateFile(join(this.#folder, name))
  }

  /** The next line that is not dealt with; undefined: there is none now. */
  async next(): Promise<OutboxLine | undefined> {
    for (const taken of this.#taken) {
      const line = await this.#nextOf(taken)
      if (line !== undefined) return line
    }
    this.#drop()
    if (await this.#take()) return this.next()
    if (!this.#isSaved) this.save()
    return undefined
  }

  /** It is stored, or written down as refused. `isForSure`: nothing makes good what is done twice. */
  done({ taken, end }: OutboxLine, isForSure = false): void {
    taken.offset = end
    taken.quietSince = this.#now()
    this.#isSaved = false
    if (isForSure || Math.abs(taken.quietSince - this.#savedAt) >= saveMs) this.save()
  }

  save(): void {
    this.#savedAt = this.#now()
    this.#isSaved = true
    const offsets = Object.fromEntries(this.#taken.map(({ key, offset }) => [key, offset]))
    writePrivateFile(join(this.#folder, cursorName), `${JSON.stringify(offsets)}\n`, { overwrite: true })
  }

  async #nextOf(taken: Taken): Promise<OutboxLine | undefined> {
    if (sizeOf(taken) <= taken.offset) return undefined
    const file = await open(taken.path, 'r')
    try {
      for (;;) {
        const start = taken.offset
        const line = await lineAt(file, start, maxLineBytes)
        if (line === undefined || this.#isUnderWay(line, taken)) return undefined
        const { text, problem, end } = line
        if (text?.trim() !== '') return { id: `${taken.key}-${start.toString(36)}`, text, problem, taken, end }
        taken.offset = end
      }
    } finally {
      await file.close()
    }
  }

  /** Somebody has not written it to its end. What is whole JSON is a line, with or without one. */
  #isUnderWay({ isWhole, text }: Line, { quietSince }: Taken): boolean {
    return !isWhole && text !== undefined && !isObject(text) && this.#now() - quietSince < graceMs
  }

  /** The last one stays: whoever keeps it open may write to it for ever. */
  #drop(): void {
    while (this.#taken.length > 1) {
      const [first] = this.#taken
      if (sizeOf(first!) > first!.offset || this.#now() - first!.quietSince < graceMs) return
      rmSync(first!.path, { force: true })
      this.#taken.shift()
    }
  }

  async #take(): Promise<boolean> {
    const outbox = join(this.#folder, name)
    const found = statSync(outbox, { throwIfNoEntry: false })
    if (found === undefined || found.size === 0) return false
    if (!found.isFile()) throw new CliError('error', `${outbox} is no file`, 'Move it away; lines are appended to a file of that name.')
    const last = this.#taken.at(-1)
    const at = Math.max(this.#now(), last === undefined ? 0 : timeOf(last) + 1)
    const key = `${at.toString(36)}-${Math.floor(this.#random() * 2 ** 48).toString(36)}`
    const path = join(this.#folder, `outbox.${key}.jsonl`)
    renameSync(outbox, path)
    this.open()
    // Under another key its lines would be others.
    await syncFolder(this.#folder)
    this.#taken.push({ key, path, offset: 0, quietSince: this.#now() })
    return true
  }
}

/** The oldest first. */
const takenIn = (folder: string, quietSince: number): Taken[] => {
  const offsets = offsetsIn(folder)
  return readdirSync(folder).flatMap(file => {
    const key = takenName.exec(file)?.[1]
    return key === undefined ? [] : [{ key, path: join(folder, file), offset: offsets[key] ?? 0, quietSince }]
  }).sort((a, b) => timeOf(a) - timeOf(b))
}

/** Where nothing can be read, all is sent again under its id. */
const offsetsIn = (folder: string): Readonly<Record<string, number>> => {
  try {
    return Cursor.parse(JSON.parse(readTextFile(join(folder, cursorName))))
  } catch {
    return {}
  }
}

const timeOf = ({ key }: Taken): number => Number.parseInt(key, 36)

const sizeOf = ({ path }: Taken): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const isObject = (text: string): boolean => {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
