// What is known of a deployment, on disk: written before each step that costs anything, so that whoever comes after a crash can
// go on or close.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { makeFolder } from '../../../lib/node/folder.ts'
import { writePrivateFile } from '../../../lib/node/private-file.ts'
import { holdFile } from '../../store/sqlite/driver.ts'
import { AkashError } from './failure.ts'

/** In their order. */
export const steps = {
  planned: 'decided on; nothing is signed',
  funded: 'the wallet holds the ACT for the deposit',
  created: 'the deployment is on the chain and its deposit in escrow; providers may bid',
  chosen: 'a bid is chosen',
  leased: 'the provider has the lease and is paid by the block',
  sent: 'the provider has the manifest',
  running: 'the relay runs',
  closing: 'the deployment is being closed',
  closed: 'nothing runs, and what was left of the deposit is back',
} as const
export type Step = keyof typeof steps

const units = z.union([z.bigint(), z.string().regex(/^\d{1,60}$/).transform(BigInt)])
const manifest = z.strictObject({ json: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/), groups: z.array(z.string()) })
const kind = z.enum(['mint', 'create', 'lease', 'deposit', 'update', 'close'])

const recordSchema = z.strictObject({
  version: z.literal(1),
  dseq: z.string().regex(/^\d{1,20}$/),
  name: z.string(),
  network: z.enum(['sandbox', 'mainnet']),
  chainId: z.string(),
  rpc: z.string(),
  rest: z.string(),
  owner: z.string(),
  created: z.string(),
  updated: z.string(),
  step: z.enum(Object.keys(steps) as [Step, ...Step[]]),
  domain: z.string().optional(),
  manifest,
  /** An update that is under way. */
  next: manifest.optional(),
  /** uact: first deposit, and all that went into escrow */
  deposit: units,
  deposited: units,
  gasPrice: z.string(),
  limits: z.strictObject({
    maxDepositUact: units,
    maxFeeUakt: units,
    maxPrice: units,
    maxMonthlyUact: units,
    maxMintUact: units,
    maxBurnUakt: units,
  }),
  providers: z.strictObject({ only: z.array(z.string()), never: z.array(z.string()) }),
  /** AKT that was burned for ACT which has not come yet; height of the transaction once it is in a block. */
  mint: z.strictObject({ uakt: units, height: z.number().optional() }).optional(),
  bid: z.strictObject({
    id: z.strictObject({ owner: z.string(), dseq: z.string(), gseq: z.number(), oseq: z.number(), provider: z.string(), bseq: z.number() }),
    price: units,
  }).optional(),
  uris: z.array(z.string()),
  /** A transaction that may be on its way; the very bytes, so that sending them again cannot pay twice. */
  pending: z.strictObject({ kind, hash: z.string(), bytes: z.base64(), expiresAtHeight: z.number(), feeUakt: units, uact: units })
    .optional(),
  transactions: z.array(z.strictObject({ kind, hash: z.string(), height: z.number(), code: z.number(), feeUakt: units })),
  refund: units.optional(),
})

export type DeploymentRecord = Readonly<z.output<typeof recordSchema>>

/** What is between a plan and its end. */
export const isOpen = ({ step }: DeploymentRecord): boolean => step !== 'closed'

export class Records {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  save(record: DeploymentRecord): void {
    writePrivateFile(this.#file(record.dseq),
      `${JSON.stringify(record, (_, value: unknown) => typeof value === 'bigint' ? String(value) : value, 2)}\n`, { overwrite: true })
  }

  /** Newest first. */
  all(): readonly DeploymentRecord[] {
    let names: readonly string[]
    try {
      names = readdirSync(this.#folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    return names.filter(name => /^\d+\.json$/.test(name)).map(name => this.#load(join(this.#folder, name))).sort((a, b) =>
      a.created < b.created ? 1 : -1
    )
  }

  /** By its number or its name; without either the only one that is open. @throws AkashError */
  find(which: string | undefined): DeploymentRecord {
    const all = this.all()
    const open = all.filter(isOpen)
    const matches = which === undefined
      ? open
      : [all.find(({ dseq }) => dseq === which) ?? open.find(({ name }) => name === which) ?? all.find(({ name }) => name === which)]
        .filter(found => found !== undefined)
    if (matches.length === 1) return matches[0]!
    if (matches.length > 1)
      throw new AkashError('refused',
        `There are ${matches.length} deployments: ${matches.map(({ name, dseq }) => `${name} (${dseq})`).join(', ')}`,
        'Say which, by its name or number.')
    throw new AkashError('notFound', which === undefined ? 'There is no open deployment' : `There is no deployment ${which}`,
      'agentchat deploy status lists them; agentchat deploy up makes one.')
  }

  /**
   * Two at once could pay twice, or use one place in the account's order twice: the second is refused. The lock dies with the
   * process that holds it.
   */
  lock(): Disposable {
    const file = join(this.#folder, 'lock.db')
    makeFolder(this.#folder, 0o700)
    const held = holdFile(file)
    if (held === undefined)
      throw new AkashError('refused', 'Another agentchat deploy is at work with this wallet',
        'Wait for it, or end it: what it has done is written down.')
    return held
  }

  #file(dseq: string): string {
    return join(this.#folder, `${dseq}.json`)
  }

  #load(file: string): DeploymentRecord {
    let value: unknown
    try {
      value = JSON.parse(readFileSync(file, 'utf8'))
    } catch (error) {
      throw new AkashError('error', `Cannot read ${file}: ${(error as Error).message}`, undefined, error)
    }
    const parsed = recordSchema.safeParse(value)
    if (parsed.success) return parsed.data
    throw new AkashError('error', `${file} is not a deployment of this version (${parsed.error.issues[0]!.path.join('.')})`)
  }
}
