// Runs a page as a newcomer would: its shell blocks, one after the other, as they are written. A comment before a block says what cannot
// be seen from it:
//   <!-- runs until stopped -->   it goes on in the background, and is interrupted when the page is through
//   <!-- in another shell -->     the shell of somebody else, with a home of its own
//   <!-- not run: WHY -->         it needs what no test has
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Folder } from './folder.ts'
import { Program, builtBin } from './process.ts'

export interface Block {
  readonly page: string
  /** The line of its fence, from 1. */
  readonly line: number
  readonly commands: string
  /** What the page says that it prints; undefined: nothing is said. */
  readonly prints: string | undefined
  readonly heading: string
  readonly isBackground: boolean
  readonly isElsewhere: boolean
  /** Why it is not run. */
  readonly notRun: string | undefined
}

/** The shell blocks of a page, in their order. Those in lists are indented. */
export const blocksOf = (page: string): readonly Block[] => {
  const text = readFileSync(page, 'utf8')
  const pattern = /^( *)```sh\n(.*?)^ *```\n(?:\n *```text\n(.*?)^ *```$)?/gms
  return [...text.matchAll(pattern)].map(({ 0: { length }, 1: indent, 2: commands, 3: prints, index }) => {
    const before = text.slice(0, index).trimEnd()
    const comments = /(?:<!-- .*? -->\s*)*$/.exec(before)![0]
    const said = [...comments.matchAll(/<!-- (.*?) -->/g)].map(match => match[1]!)
    return {
      page,
      line: before.split('\n').length + 1 + (length > 0 ? 1 : 0),
      commands: commands!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      prints: prints?.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      heading: /^#+ (.*)$(?![\s\S]*^#+ )/m.exec(before)?.[1] ?? '',
      isBackground: said.includes('runs until stopped'),
      isElsewhere: said.includes('in another shell'),
      notRun: said.find(each => each.startsWith('not run: '))?.slice('not run: '.length),
    }
  })
}

/** `agentchat` on a PATH, as `npm install --global` leaves it. */
export const installed = (folder: Folder): { readonly PATH: string } => {
  const bin = folder.at('bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'agentchat'), `#!/bin/sh\nexec "${process.execPath}" "${builtBin()}" "$@"\n`)
  chmodSync(join(bin, 'agentchat'), 0o755)
  return { PATH: [bin, process.env['PATH']].join(delimiter) }
}

/** What was printed with times and ids as a page has them: deals and receipts are numbered in the order in which they first come. */
export const asOnPage = (text: string): string => {
  const numbers = new Map<string, string>()
  return text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\dZ/g, 'DATE').replaceAll(/\b(prop|rcpt)_\w+/g, (id, kind: string) => {
    if (!numbers.has(id)) numbers.set(id, `${kind}_${[...numbers.keys()].filter(known => known.startsWith(kind)).length + 1}`)
    return numbers.get(id)!
  })
}

export interface ReaderOptions {
  /** Has the homes of both shells. */
  readonly folder: string
  /** The directory that they begin in; unset: each in its home. */
  readonly start?: string
  readonly env: Readonly<Record<string, string>>
  /** What the commands say on stderr is part of what they print, as on a terminal. */
  readonly isMerged?: boolean
  /** What stands in the page for something that is another in a test: ports, ids, directories. */
  readonly meant?: readonly (readonly [written: string | RegExp, meant: string])[]
}

/** A reader with two shells, which keep their variables and their directory from block to block. */
export class Reader implements AsyncDisposable {
  readonly #options: ReaderOptions
  readonly #running: { readonly block: Block, readonly program: Program }[] = []

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** The home of the shell that a block is for. */
  home({ isElsewhere }: Pick<Block, 'isElsewhere'>): string {
    const home = join(this.#options.folder, isElsewhere ? 'elsewhere' : 'home')
    mkdirSync(home, { recursive: true })
    return home
  }

  /** Runs a block to its end, or lets it run on; gives what it printed. Throws where it failed. */
  async read(block: Block): Promise<string> {
    if (block.notRun !== undefined) return ''
    if (block.isBackground) {
      this.#running.push({ block, program: this.#start(block) })
      return ''
    }
    await using shell = this.#start(block)
    const { code } = await shell.ended
    if (code !== 0) throw new Error(`${at(block)} ended with ${code}:\n${block.commands}\n${shell.stdout}\n${shell.stderr}`)
    return shell.stdout
  }

  /** What runs on, by a word of its commands. */
  running(word: string): Program {
    const found = this.#running.find(({ block }) => block.commands.includes(word))
    if (found === undefined) throw new Error(`nothing with ${word} runs on`)
    return found.program
  }

  /** Interrupts what runs on, last first; gives how each ended. */
  async stop(): Promise<readonly { readonly commands: string, readonly code: number | null }[]> {
    const ends = []
    for (const { block, program } of this.#running.splice(0).reverse()) {
      // As a terminal does it: all that the shell began.
      process.kill(-program.pid, 'SIGINT')
      ends.push({ commands: block.commands, code: (await program.ended).code })
    }
    return ends
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { program } of this.#running) {
      try {
        process.kill(-program.pid, 'SIGKILL')
      } catch {} // it has ended
      await program[Symbol.asyncDispose]()
    }
  }

  #start(block: Block): Program {
    const home = this.home(block)
    const state = join(home, '.state')
    if (!existsSync(state)) writeFileSync(state, `cd '${this.#options.start ?? home}'\n`)
    let { commands } = block
    for (const [written, meant] of this.#options.meant ?? []) commands = commands.replaceAll(written, meant)
    const script = `${this.#options.isMerged === true ? 'exec 2>&1\n' : ''}set -a\n. '${state}'\n${
      block.isBackground ? '' : `trap '{ export -p; echo "cd \\"$PWD\\""; } > ${state}' EXIT\n`
    }${commands}`
    appendFileSync(join(this.#options.folder, 'read.log'), `## ${at(block)}\n${commands}`)
    return new Program('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: home,
      env: { ...this.#options.env, HOME: home },
      isGroup: block.isBackground,
    })
  }
}

const at = ({ page, line, heading }: Block): string => `${page}:${line} (${heading})`
