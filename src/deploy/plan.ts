// What a deployment would do, as a value: files, commands, transactions, cost. Deciding it reads and writes nothing.
import type { DeploySpec, TargetName } from './spec.ts'

export interface PlannedFile {
  readonly path: string
  readonly text: string
  readonly doc: string
}

/** A program that is run, without a shell. */
export interface PlannedCommand {
  readonly argv: readonly [string, ...string[]]
  readonly doc: string
}

export interface Plan {
  readonly target: TargetName
  readonly files: readonly PlannedFile[]
  readonly commands: readonly PlannedCommand[]
  /** Transactions that would be signed. */
  readonly messages: readonly string[]
  /** What it costs per month, in words. */
  readonly cost: string
  /** Where the relay can be reached afterwards. */
  readonly url: string
  /** What to know before, and what is left to do by hand. */
  readonly notes: readonly string[]
}

/** @param folder of deploy.yaml: files go there that have no place of their own */
export type Planner = (spec: DeploySpec, folder: string) => Plan

/** The resources of a deployment, in words. */
export const sizeText = ({ size: { cpu, memory, storage }, store, replicas }: DeploySpec): string =>
  (replicas > 1 ? `${replicas} times ` : '') + [
    `${cpu} ${cpu > 1 ? 'cores' : 'core'}`,
    `${memory / 1_024 ** 2} MiB of memory`,
    ...(store === undefined ? [`${storage / 1_024 ** 3} GiB of disk`] : []),
  ].join(', ')
