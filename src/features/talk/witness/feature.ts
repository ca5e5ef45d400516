// This relay as the witness of logs elsewhere, whatever they are of: POST /witness/add-checkpoint (https://c2sp.org/tlog-witness, v1.0.0). Of each log
// that its operator lists a head is cosigned that is proved to go on behind the one before; what was cosigned is stored before anybody has it.
import { fromBase64, toBase64 } from '../../../../lib/identity/pem.ts'
import {
  cosign,
  emptyRoot,
  isConsistent,
  isSameHash,
  noteOf,
  readLogHead,
  readLogKey,
  readSubmission,
  relayWitness,
  signatureBy,
  type LogHead,
  type LogKey,
  type Note,
  type Submission,
} from '../../../../lib/identity/transcripts/index.ts'
import type { Feature, HttpAnswer } from '../../../relay/feature.ts'
import { keepCosigned, newestCosigned } from '../../../store/cosigned.ts'
import type { TableWriter } from '../../../store/store.ts'

export interface WitnessOptions {
  /** Each as `readLogKey` reads it; several keys of one origin are of one log. */
  readonly witnessedLogs: readonly string[]
  readonly relayKey: { readonly publicKey: string, sign(text: string): string }
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  /** Told of what an operator has to look at. */
  readonly onLinkTrouble: (event: object, what: string) => void
}

const answer = (status: number, body: string, more: Partial<HttpAnswer> = {}): HttpAnswer => ({
  ...{ status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` },
  ...more,
})

/** How large the tree is that was cosigned last: behind that the next proof has to go on. */
const conflict = (size: number): HttpAnswer => answer(409, String(size), { contentType: 'text/x.tlog.size' })

interface Brought extends Submission {
  readonly note: Note
  readonly head: LogHead
}

/** A log's own lines may hold anything: nothing in them drives a terminal. */
const printable = (head: string): string => head.replace(/[^\P{Cc}\n]|\p{Cf}/gu, '\ufffd')

/** undefined: it is nothing of the kind. */
const broughtBy = (body: string): Brought | undefined => {
  try {
    const submission = readSubmission(body)
    const note = noteOf(submission.checkpoint)
    return { ...submission, note, head: readLogHead(note) }
  } catch {
    return undefined
  }
}

/** Which logs these are, by their origins. @throws IdentityError BAD_KEY */
export const logsOf = (witnessedLogs: readonly string[]): ReadonlyMap<string, readonly LogKey[]> => {
  const keys = witnessedLogs.map(readLogKey)
  return new Map(keys.map(({ origin }) => [origin, keys.filter(each => each.origin === origin)]))
}

export const witness = ({ witnessedLogs, relayKey, verify, onLinkTrouble }: WitnessOptions): Pick<Feature, 'scope' | 'routes'> => {
  const logs = logsOf(witnessedLogs)
  /** Logs that signed two histories: each is told once. */
  const told = new Set<string>()

  const decide = async (tx: TableWriter, now: number, { old, proof, head }: Brought, signed: string): Promise<HttpAnswer> => {
    const { origin, size, root } = head
    const row = await newestCosigned(tx, origin)
    const former = row === undefined ? { size: 0, root: emptyRoot() } : { size: row.size, root: fromBase64(row.root)! }
    const isOther = size === former.size && !isSameHash(root, former.root)
    if (row !== undefined && isOther && told.size < told.add(origin).size)
      onLinkTrouble({ origin, size, heads: [row.checkpoint, signed].map(printable) },
        'a log signed two histories: these heads of one size prove it')
    if (old !== former.size || isOther) return conflict(former.size)
    if (!isConsistent(former, { size, root }, proof)) return answer(422, `It is not proved to go on behind the first ${old} entries`)
    const line = cosign(signed, { ...relayWitness(relayKey.publicKey), sign: text => relayKey.sign(text) }, Math.floor(now / 1_000))
    if (size > former.size)
      await keepCosigned(tx, { origin, size, root: toBase64(root), checkpoint: signed + line, at: now, is_followed: 0 })
    return answer(200, line.trimEnd())
  }

  return {
    scope: 'witness',
    routes: logs.size === 0 ? [] : [{
      path: '/witness/add-checkpoint',
      get: () => answer(405, 'Heads are brought by POST (https://c2sp.org/tlog-witness)', { headers: { allow: 'POST' } }),
      post({ write }, body) {
        const brought = broughtBy(body)
        if (brought === undefined) return answer(400, 'Neither "old SIZE", a proof, an empty line and a checkpoint')
        const { old, note, head: { origin, size } } = brought
        const keys = logs.get(origin)
        if (keys === undefined) return answer(404, 'This log is not witnessed here')
        const lines = keys.map(key => signatureBy(note, key, verify)).filter(line => line !== undefined)
        if (lines.length === 0) return answer(403, 'No key of this log signed it')
        if (old > size) return answer(400, `It is of ${size} entries, and not behind ${old}`)
        return write((tx, now) => decide(tx, now, brought, `${note.body}\n${lines.join('')}`))
      },
    }],
  }
}
