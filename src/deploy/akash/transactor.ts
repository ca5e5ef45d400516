// One transaction at a time: asked, signed, written down, sent, found. Written down before it is sent, so that no crash and no
// lost answer pays twice.
import { TxRejected, type ChainReader, type ChainWriter, type Fee, type Message, type TxResult } from './chain.ts'
import { AkashError } from './failure.ts'
import { checkFee } from './limits.ts'
import { act } from './money.ts'
import type { DeploymentRecord } from './record.ts'

export type Pending = NonNullable<DeploymentRecord['pending']>

/** What the owner is asked before a signature. */
export interface Question {
  readonly message: Message
  readonly fee: Fee
  readonly record: DeploymentRecord
}

/** The record in hand: what changes it also writes it. */
export interface RecordHolder {
  readonly record: DeploymentRecord
  change(patch: { readonly [K in keyof DeploymentRecord]?: DeploymentRecord[K] | undefined }): void
}

export interface TransactorParts {
  readonly holder: RecordHolder
  readonly reader: ChainReader
  readonly writer: ChainWriter
  /** Throws when the answer is no. */
  ask(question: Question): Promise<void>
  say(text: string): void
  progress(text: string): void
  /** Rejects when the command is to end. */
  pause(): Promise<void>
}

/** About three minutes: then it can be in no block any more, and after `behindBlocks` another may be signed. */
const lifeBlocks = 30
/** An address may have several nodes behind it: what one of them has not seen by so many blocks later, none has. */
const behindBlocks = 10
const maxPolls = 60

export class Transactor {
  readonly #parts: TransactorParts

  constructor(parts: TransactorParts) {
    this.#parts = parts
  }

  /** `change`: what else is written down along with the signature. */
  async send(message: Message, change: Parameters<RecordHolder['change']>[0] = {}): Promise<TxResult> {
    const { holder, reader, writer, ask } = this.#parts
    const fee = await writer.estimate(message)
    checkFee(fee.uakt, holder.record.limits)
    await ask({ message, fee, record: holder.record })
    const { height } = await reader.status()
    const tx = await writer.sign(message, fee, height + lifeBlocks)
    holder.change({ ...change, pending: { kind: message.kind, ...tx, feeUakt: fee.uakt, uact: 'uact' in message ? message.uact : 0n } })
    const result = await this.#settle(true)
    if (result === undefined)
      throw new AkashError('timeout', `The transaction ${tx.hash} came into no block in time, and can come into none any more`,
        'Nothing was paid. Try again: agentchat deploy resume')
    return result
  }

  /** What became of the transaction that an earlier run has signed; undefined when it came to nothing and never will. */
  resume(): Promise<TxResult | undefined> {
    const { kind, hash } = this.#parts.holder.record.pending!
    this.#parts.say(`An earlier run has signed ${kind} ${hash}: looking what became of it`)
    return this.#settle(false)
  }

  async #settle(isFresh: boolean): Promise<TxResult | undefined> {
    const { holder, writer, progress, pause } = this.#parts
    const pending = holder.record.pending!
    for (let poll = 0; poll < maxPolls; poll++) {
      // The same bytes count once however often they are sent, and may have been lost before.
      await writer.submit(pending).catch((error: unknown) => {
        if (!(error instanceof AkashError)) throw error
        // The node did not take it and has never had it: it is nowhere.
        if (error instanceof TxRejected && isFresh && poll === 0) {
          holder.change({ pending: undefined })
          throw error
        }
      })
      progress(`Waiting for ${pending.kind} ${pending.hash.slice(0, 12)}… to come into a block`)
      await pause()
      // The height first: a block that comes between the two questions must not look like one that is past.
      const seen = await this.#seen(pending)
      if (seen === 'expired') {
        holder.change({ pending: undefined })
        return undefined
      }
      if (seen === undefined) continue
      const { record } = holder
      holder.change({
        pending: undefined,
        transactions: [...record.transactions, {
          kind: pending.kind,
          hash: pending.hash,
          height: seen.height,
          code: seen.code,
          feeUakt: pending.feeUakt,
        }],
        ...effectOf(record, pending, seen),
      })
      if (seen.code !== 0) throw new TxRejected(`The transaction ${pending.hash} failed in its block`, seen)
      return seen
    }
    throw new AkashError('timeout',
      `Nobody can tell yet whether ${pending.kind} ${pending.hash} came into a block${pending.uact > 0n ? ` (${act(pending.uact)})` : ''}`,
      'It is written down and will not be paid twice: agentchat deploy resume looks again.')
  }

  async #seen({ hash, expiresAtHeight }: Pending): Promise<TxResult | 'expired' | undefined> {
    const { reader } = this.#parts
    try {
      const { height } = await reader.status()
      const found = await reader.transaction(hash)
      return found ?? (height > expiresAtHeight + behindBlocks ? 'expired' : undefined)
    } catch (error) {
      if (error instanceof AkashError && error.problem === 'unreachable') return undefined
      throw error
    }
  }
}

/** What a transaction in a block changes, written in one with the news of it. */
const effectOf = (record: DeploymentRecord, { kind, uact }: Pending, { code, height }: TxResult): Parameters<RecordHolder['change']>[0] => {
  if (code !== 0) return kind === 'mint' ? { mint: undefined } : {}
  switch (kind) {
    case 'mint':
      return { mint: { ...record.mint!, height } }
    case 'create':
      return { step: 'created', deposited: record.deposit }
    case 'lease':
      return { step: 'leased' }
    case 'deposit':
      return { deposited: record.deposited + uact }
    case 'update':
      return { step: 'leased', manifest: record.next!, next: undefined }
    case 'close':
      return { step: 'closed' }
  }
}
