// Files of receipts: documents of this version, as JSON or JSON Lines, and the COMPLETE frames that older clients keep.
import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import {
  agentIdOf,
  canonicalPem,
  verifyCompletion,
  verifyReceipt,
  type CompletionCheck,
  type ReceiptCheck,
} from '../../lib/identity/index.ts'
import { readTextFile } from '../../lib/node/text-file.ts'
import { CliError } from './exit.ts'
import type { Io } from './io.ts'

const maxFileBytes = 64 * 1024 * 1024

/** What a file holds, one after the other; a line that is no JSON is kept as its text. */
export const readReceiptFile = async (file: string, io: Pick<Io, 'stdin'>): Promise<readonly unknown[]> => {
  const text = file === '-' ? await textOf(io.stdin) : read(file)
  const whole = parsed(text)
  const entries = Array.isArray(whole)
    ? whole
    : whole !== undefined
    ? [whole]
    : text.split('\n').filter(line => line.trim() !== '').map(line => parsed(line) ?? line)
  if (entries.length === 0) throw new CliError('notFound', `${file === '-' ? 'Standard input' : file} holds no receipts`)
  return entries
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const tooLarge = () => new CliError('refused', `More than ${maxFileBytes / 1024 / 1024} MiB`, 'Split it: one receipt a line.')

const read = (file: string): string => {
  try {
    if (statSync(file).size > maxFileBytes) throw tooLarge()
    return readTextFile(file)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'notFound' : 'error',
      `Cannot read ${file}: ${(error as Error).message}`, undefined, error)
  }
}

const textOf = async (source: Io['stdin']): Promise<string> => {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of source) {
    bytes += piece.length
    if (bytes > maxFileBytes) throw tooLarge()
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

/** Agent → public key, from files that hold a PEM or an identity. */
export const keysIn = (files: readonly string[]): ReadonlyMap<string, string> =>
  new Map(files.map(file => {
    const text = read(file)
    const { publicKey, pubkey } = (parsed(text) ?? {}) as { readonly publicKey?: unknown, readonly pubkey?: unknown }
    const pem = canonicalPem(typeof publicKey === 'string' ? publicKey : typeof pubkey === 'string' ? pubkey : text)
    return [agentIdOf(pem), pem] as const
  }))

export const sha256OfFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(file)) hash.update(piece as Buffer)
  } catch (error) {
    throw new CliError((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'notFound' : 'error',
      `Cannot read ${file}: ${(error as Error).message}`, undefined, error)
  }
  return hash.digest('hex')
}

/** What can be said of one entry of a file, and what it says. */
export interface Judged {
  readonly kind: 'receipt' | 'completion' | 'unreadable'
  readonly proposal_id: string | null
  readonly proven: boolean
  readonly valid: boolean
  readonly signatures: ReceiptCheck['signatures'] | { readonly completer: CompletionCheck['signature'] }
  readonly problems: readonly string[]
  readonly receipt_id?: string
  readonly relay_id?: string
  readonly client?: string
  readonly provider?: string
  readonly completed_at?: number
}

export interface Expectations {
  readonly keys: ReadonlyMap<string, string>
  readonly relayId: string | undefined
  /** SHA-256 of files that each receipt has to name. */
  readonly deliverables: readonly { readonly file: string, readonly sha256: string }[]
}

export const judge = (entry: unknown, { keys, relayId, deliverables }: Expectations): Judged => {
  if (typeof entry !== 'object' || entry === null) {
    return {
      kind: 'unreadable',
      proposal_id: null,
      proven: false,
      valid: false,
      signatures: { completer: 'none' },
      problems: ['neither a receipt nor a completion'],
    }
  }
  const frame = entry as Readonly<Record<string, unknown>>
  if (frame['type'] === 'COMPLETE' || (frame['receipt'] === undefined && 'completed_by' in frame)) {
    const { signature, problems } = verifyCompletion(frame, agent => keys.get(agent))
    const { proposal_id } = frame
    return {
      kind: 'completion',
      proposal_id: typeof proposal_id === 'string' ? proposal_id : null,
      proven: false,
      valid: signature === 'valid',
      signatures: { completer: signature },
      problems,
    }
  }
  const { proven, valid, signatures, problems, receipt, receiptId } = verifyReceipt(entry, relayId === undefined ? {} : { relayId })
  const absent = receipt === undefined
    ? []
    : deliverables.filter(({ sha256 }) => !receipt.deliverables.some(delivered => delivered.sha256 === sha256))
      .map(({ file, sha256 }) => `${file} was not delivered: no deliverable has the SHA-256 ${sha256}`)
  return {
    kind: 'receipt',
    proposal_id: receipt?.proposal_id ?? null,
    proven: proven && absent.length === 0,
    valid: valid && absent.length === 0,
    signatures,
    problems: [...problems, ...absent],
    ...(receiptId !== undefined && { receipt_id: receiptId }),
    ...(receipt !== undefined
      && {
        relay_id: receipt.relay_id,
        client: receipt.client.agent,
        provider: receipt.provider.agent,
        completed_at: receipt.completed_at,
      }),
  }
}
