// An archive into a new database: every line is checked before it counts, and the database appears when the last one did.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { agentIdOf, canonicalPem, verifyReceipt } from '../../lib/identity/index.ts'
import { makePrivateFolder } from '../../lib/node/private-folder.ts'
import type { TranscriptRange } from '../../lib/identity/transcripts/index.ts'
import type { Receipt } from '../../lib/protocol/index.ts'
import { openDatabase, type Database, type Statement } from '../store/sqlite/driver.ts'
import { fillLineages } from '../store/lineages.ts'
import { parseMsgId } from '../store/log.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import { indexEvents } from '../store/sqlite/log-schema.ts'
import type { Migration } from '../store/store.ts'
import { kindNames, kinds, type KindName } from './archive.ts'
import { KeepingError, explained } from './failure.ts'
import { databaseName, publishFile } from './files.ts'
import { Naming } from './naming.ts'
import type { Imported, ImportOptions, Watched } from './orders.ts'
import { parsed, readArchive, Wrong, type StoredEvent } from './reader.ts'

export const importArchive = async (
  { source, data, newEpoch, idOf = agentIdOf, ...watched }: ImportOptions,
  migrations: readonly Migration[],
): Promise<Imported> => {
  const isNew = !existsSync(data)
  if (!isNew && readdirSync(data).some(name => name !== 'lock.db')) {
    throw new KeepingError('refused', `${data} is not empty`, {
      hint: 'An archive becomes a relay of its own: name a new --data directory.',
    })
  }
  makePrivateFolder(data, () => true)
  try {
    const imported = await publishFile(join(data, databaseName), { replace: false }, async temporary => {
      await emptyDatabase(temporary, data, newEpoch, migrations)
      const db = openDatabase(temporary, { fileMustExist: true })
      try {
        // If it is not finished it is thrown away, so nothing of it need survive anything.
        db.pragma('journal_mode = MEMORY')
        db.pragma('synchronous = OFF')
        return await new Importer(db, idOf).run(source, watched)
      } catch (error) {
        throw explained(error, temporary)
      } finally {
        db.close()
      }
    })
    return { epoch: newEpoch, ...imported }
  } catch (error) {
    if (isNew) rmSync(data, { recursive: true, force: true })
    throw error
  }
}

/** The tables of this version, and nothing in them but a new epoch. */
export const emptyDatabase = async (file: string, data: string, epoch: string, migrations: readonly Migration[]): Promise<void> => {
  const workshop = mkdtempSync(join(data, '.import-'))
  try {
    await openSqlite({ data: workshop, durability: 'normal', migrations, newEpoch: () => epoch }).close()
    renameSync(join(workshop, databaseName), file)
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

class Importer {
  readonly #db: Database
  readonly #inserts: Readonly<Record<KindName, Statement>>
  readonly #addStream: Statement
  readonly #findStream: Statement
  readonly #addCut: Statement
  readonly #findChannel: Statement
  readonly #findKey: Statement<[string], { readonly pubkey: string }>
  readonly #idOf: (pubkey: string) => string
  readonly #naming: Naming
  /** The newest event so far. */
  #head = { stream: '', id: 0, seq: 0, ts: 0 }

  constructor(db: Database, idOf: (pubkey: string) => string) {
    this.#db = db
    this.#idOf = idOf
    this.#naming = new Naming(db)
    this.#inserts = Object.fromEntries(kindNames.map(kind => [kind, db.prepare(kinds[kind].insert)])) as Record<KindName, Statement>
    this.#addStream = db.prepare('INSERT INTO streams (id, name) VALUES (?, ?)')
    this.#addCut = db.prepare('INSERT INTO cuts (stream, upto, peaks) VALUES (?, ?, ?)')
    this.#findStream = db.prepare('SELECT 1 FROM streams WHERE id = ?')
    this.#findChannel = db.prepare('SELECT 1 FROM channels WHERE name = ?')
    this.#findKey = db.prepare('SELECT pubkey FROM agents WHERE id = ?')
  }

  async run(source: AsyncIterable<Uint8Array>, watched: Watched): Promise<Omit<Imported, 'epoch'>> {
    this.#db.exec('BEGIN')
    const { header, counts, isSigned } = await readArchive(source, {
      record: (kind, fields) => this.#add(kind, fields),
      event: event => this.#event(event),
      base: (_, base) => this.#cut(base),
      turn: () => void this.#db.exec('COMMIT; BEGIN'),
      explain: constraintOf,
    }, watched)
    indexEvents(this.#db)
    this.#naming.link()
    this.#db.exec(fillLineages)
    this.#db.exec(`INSERT INTO shares SELECT 'channels', name, created_by, '' FROM channels WHERE created_by IS NOT NULL;
      UPDATE channels SET used_at = 1000 * CAST(strftime('%s', 'now') AS INTEGER)`)
    this.#db.exec('COMMIT')
    return { counts, serverId: header.server_id, isSigned }
  }

  #add(name: KindName, record: Readonly<Record<string, unknown>>): void {
    if (name === 'receipt') {
      const { client, provider } = checkReceipt(record as unknown as ReceiptRecord)
      for (const { agent, pubkey } of [client, provider]) this.#keyOf('text', agent, pubkey)
    }
    this.#inserts[name].run(name === 'agent' || name === 'approval' ? this.#withKey(record as unknown as KeyRecord) : record)
  }

  /** What is before the first event of a stream is in its tree, though not here. */
  #cut(base: TranscriptRange): void {
    if (base.size > 0) this.#addCut.run(this.#head.id, base.size, base.peaks.map(peak => Buffer.from(peak).toString('base64')).join(' '))
  }

  #withKey(record: KeyRecord): KeyRecord {
    return { ...record, pubkey: this.#keyOf('pubkey', record.id ?? record.agent!, record.pubkey) }
  }

  /** The one spelling of an agent's key. An agent is its key, all of it: two keys can share an id. */
  #keyOf(field: string, agent: string, pubkey: string): string {
    let key: string
    try {
      key = canonicalPem(pubkey)
    } catch {
      throw new Wrong(`${field}: not an Ed25519 public key in PEM`)
    }
    if (this.#idOf(key) !== agent) throw new Wrong(`${field}: of another agent`)
    const known = this.#findKey.get(agent)
    if (known !== undefined && known.pubkey !== key) throw new Wrong(`${field}: ${agent} has another key in an earlier line`)
    return key
  }

  #event({ stream, seq, text, frame }: StoredEvent): void {
    const isInChannel = stream.startsWith('#')
    if (stream !== this.#head.stream) {
      if (isInChannel && this.#findChannel.get(stream) === undefined) throw new Wrong(`stream: no channel ${stream}`)
      // Under the number that its messages' ids name, so that they can be asked for by them.
      const named = parseMsgId(frame.msg_id ?? '', '')?.streamId ?? 0
      const id = named === 0 || this.#findStream.get(named) !== undefined ? null : named
      this.#head = { stream, id: Number(this.#addStream.run(id, stream).lastInsertRowid), seq: 0, ts: 0 }
    }
    if (seq <= this.#head.seq || frame.ts <= this.#head.ts) throw new Wrong('out of order')
    this.#inserts.event.run({ id: this.#head.id, seq, ts: frame.ts, author: frame.from, text: Buffer.from(text) })
    this.#naming.note(this.#head.id, seq, frame)
    this.#head.seq = seq
    this.#head.ts = frame.ts
  }
}

interface KeyRecord {
  readonly id?: string
  readonly agent?: string
  readonly pubkey: string
}

interface ReceiptRecord {
  readonly id: string
  readonly proposal: string
  readonly client: string
  readonly provider: string
  readonly text: string
  readonly relay_pubkey: string
  readonly relay_sig: string
  readonly client_sig: string | null
  readonly provider_sig: string | null
  readonly currency: string | null
  readonly paid: number | null
  readonly completed_at: number
}

/** A receipt is what its relay and its parties signed. */
const checkReceipt = (
  { id, proposal, client, provider, text, relay_pubkey, relay_sig, client_sig, provider_sig, currency, paid, completed_at }: ReceiptRecord,
): Receipt => {
  const { valid, problems, receipt } = verifyReceipt({
    receipt_id: id,
    receipt: parsed(Buffer.from(text)),
    signatures: {
      relay: { pubkey: relay_pubkey, sig: relay_sig },
      ...(client_sig !== null && { client: client_sig }),
      ...(provider_sig !== null && { provider: provider_sig }),
    },
  })
  if (!valid || receipt === undefined) throw new Wrong(`text: ${problems.join('; ')}`)
  const says = [
    receipt.proposal_id,
    receipt.client.agent,
    receipt.provider.agent,
    receipt.currency,
    receipt.paid?.captured_minor ?? null,
    receipt.completed_at,
  ]
  if (says.some((value, i) => value !== [proposal, client, provider, currency, paid, completed_at][i]))
    throw new Wrong('text: not '
      + 'what the record says')
  return receipt
}

/** A record that contradicts one before it. */
const constraintOf = (error: unknown, line: number): KeepingError | undefined =>
  String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_CONSTRAINT')
    ? new KeepingError('refused', `contradicts an earlier line (${(error as Error).message})`, { line, cause: error })
    : undefined
