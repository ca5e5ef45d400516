// What can be wrong with a PostgreSQL database, one sentence each: from its error codes, and from what it says of itself when it is opened.
import { StorageError, UndoneError } from '../store.ts'

/** What to do, by SQLSTATE or by its class of two letters. */
const hints: Readonly<Record<string, string>> = {
  '08': 'Check the network between the relay and the database; the relay goes on when it answers again.',
  '28P01': 'The password or the user of the store url is wrong.',
  '28': 'The database does not let this user in: check its pg_hba.conf, and whether it wants TLS (sslmode=verify-full in the store url).',
  '3D000': "There is no such database: CREATE DATABASE agentchat TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'.",
  '53100': 'The disk of the database is full: free some space; the relay goes on by itself.',
  '53300': 'The database takes no more connections: a relay needs eight; raise max_connections, or stop what holds them.',
  '53200': 'The database is out of memory or of locks: raise its memory, or max_locks_per_transaction.',
  '53': 'The database is short of something: free it; the relay goes on by itself.',
  '42501': 'The user of the store url may not do this: make it the owner of the database, or grant it CREATE on the schema.',
  '25006': 'The database is read-only, as a standby is: name the primary; the relay goes on when it can write.',
  '25P03': 'The relay stood still in a transaction for longer than the database waits: look at the load of its machine.',
  '25P04': 'A transaction took longer than the database lets it: raise transaction_timeout there, or look at its load.',
  '0A000': 'The server lacks something that a relay needs: install its contrib modules, of which it takes pg_trgm.',
  '58P01': 'The server lacks something that a relay needs: install its contrib modules, of which it takes pg_trgm.',
  // It has been waited for: that it is free at once is not to be expected, and others wait behind.
  '55P03': 'Somebody else holds a lock on what the relay writes: look at pg_stat_activity and pg_locks; the relay goes on when it is free.',
  '57014': 'The database took too long: look at its load and its locks.',
  '57': 'The database is being stopped or started; the relay goes on when it is back.',
  '58': 'The disk of the database fails: check it.',
  'XX': 'The database is damaged: look at its log, and restore a backup.',
}

/** What a server says when two transactions got in each other's way, and one of them had to go. */
const isConflict = (code: string): boolean => code === '40001' || code === '40P01'

/** An error of the network, or of the driver when the line is gone. */
const isLineError = (error: { readonly code?: unknown, readonly message?: unknown }): boolean =>
  typeof error.code === 'string' && /^E[A-Z_]+$/.test(error.code)
  || typeof error.message === 'string' && /Connection terminated|timeout|not queryable|Client was closed/i.test(error.message)

const nameTheCa = 'name the certificate of its authority in the store url (sslmode=verify-full&sslrootcert=/path/to/ca.pem)'

/** What to do about the certificate of the server, or about those of the store url; undefined: it is about something else. */
const tlsHint = ({ code, message, syscall }: { readonly code?: unknown, readonly message?: unknown, readonly syscall?: unknown }) => {
  if (/server does not support SSL/.test(String(message)))
    return 'Turn TLS on at the database (ssl = on); only where nobody else can reach the line take sslmode out of the store url.'
  if (/SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/.test(String(code)))
    return `Nobody whom the relay trusts signed the certificate of the database: ${nameTheCa}.`
  if (/^CERT_/.test(String(code)))
    return 'Renew the certificate of the database, and check the clocks of both machines; the relay goes on by itself.'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The certificate of the database is for another host: use a host name in the store url that stands in it.'
  if (/^ERR_(?:OSSL|SSL|TLS)/.test(String(code)))
    return 'TLS with the database fails: check the files that the store url names (sslrootcert, sslcert, sslkey), and the TLS of the server.'
  return syscall === 'open' || syscall === 'read' ? 'Check the files that the store url names: sslrootcert, sslcert, sslkey.' : undefined
}

const unreachable = 'No PostgreSQL answers there: check the host and the port of the store url, and that the server runs.'

/** A code of the server's own: of five signs, and in no class that begins as the codes of the system do, such as EPIPE. */
const isSqlState = (code: unknown): code is string => typeof code === 'string' && /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)

/** Whether a statement was refused by the server, so that it is certain that it did nothing. */
export const isRefusal = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code
  return isSqlState(code) && !isEndOfLine(code)
}

/** The server ends the connection with these, or cannot write on it any more. */
export const isEndOfLine = (code: unknown): boolean => typeof code === 'string' && /^(?:08|57P0[1-5]|25006|25P0[34])/.test(code)

/** A statement was prepared before a table of it got a column: on this connection it does not run again. */
export const isStalePlan = (error: unknown): boolean =>
  (error as { readonly code?: unknown } | null)?.code === '0A000'
  && (error as { readonly routine?: unknown }).routine === 'RevalidateCachedQuery'

/** What an error of the driver means to whoever runs the relay; undefined: it is no fault of the storage. */
export const problemOf = (error: unknown): StorageError | undefined => {
  if (error instanceof StorageError) return error
  const { code, message } = (error ?? {}) as { readonly code?: unknown, readonly message?: unknown }
  if (isSqlState(code)) {
    if (isConflict(code)) return new UndoneError(`Storage failed: ${String(message)}`, 'The relay tries again by itself.', error)
    const hint = hints[code] ?? hints[code.slice(0, 2)]
    return hint === undefined ? undefined : new StorageError(`Storage failed: ${String(message)}`, hint, error)
  }
  const tls = tlsHint((error ?? {}) as object)
  if (tls !== undefined) return new StorageError(`Storage failed: ${String(message)}`, tls, error)
  return isLineError({ code, message }) ? new StorageError(`Storage failed: ${String(message)}`, unreachable, error) : undefined
}

/** What a database says of itself. */
export interface Nature {
  /** as in server_version_num: 150004 */
  readonly version: number
  readonly encoding: string
  /** whether text is in the order of its bytes */
  readonly by_bytes: boolean
  readonly may_create: boolean
  readonly read_only: boolean
  /** whether there are tables of AgentChat, and of others */
  readonly ours: boolean
  readonly others: number
}

export const askNature = `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
  ('B' < 'a' AND 'z' < 'é' AND '#b' < '@a') AS by_bytes, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
  current_setting('transaction_read_only') = 'on' AS read_only,
  to_regclass(quote_ident(current_schema()) || '.migrations') IS NOT NULL AS ours,
  (SELECT count(*)::int FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) AS others`

const makeAnother = "make one for it: CREATE DATABASE agentchat TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"

/** Why a database cannot be used, if it cannot. */
export const wrongNature = ({ version, encoding, by_bytes, may_create, read_only, ours, others }: Nature): StorageError | undefined => {
  const wrong = (message: string, hint: string) => new StorageError(message, hint)
  if (version < 150_000)
    return wrong(`The database is PostgreSQL ${Math.floor(version / 10_000)}, which is too old`, 'Use PostgreSQL 15 or newer.')
  if (encoding !== 'UTF8') return wrong(`The database is encoded in ${encoding}, not in UTF8`, `Name another database, or ${makeAnother}.`)
  if (!by_bytes) return wrong('The database does not order text by its bytes', `Name another database, or ${makeAnother}.`)
  if (read_only) return wrong('The database is read-only', hints['25006']!)
  if (!ours && others > 0)
    return wrong('The database holds tables of something else', `Name an empty database or schema, or ${makeAnother}.`)
  if (!ours && !may_create) return wrong('The user of the store url may not make tables in the database', hints['42501']!)
  return undefined
}
