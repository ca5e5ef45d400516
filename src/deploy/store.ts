// Servers beside the relay, a database in the place of the volume and NATS for several of them: their urls, which are in manifests and so
// without a password, and what each target makes of them.
import * as z from 'zod'

/** In the address, or among its parameters, which the driver takes as well. */
const isSecretIn = (url: URL): boolean => url.password !== '' || [...url.searchParams.keys()].some(key => /pass/i.test(key))

export const storeUrl = z.string().max(1_024).regex(/^postgres(ql)?:\/\/[^\s\u0000-\u001f\u007f'"\\]+$/,
  'a url like postgres://agentchat@db.example:5432/agentchat')
  .refine(value => URL.canParse(value), 'a url like postgres://agentchat@db.example:5432/agentchat')
  .refine(value => !URL.canParse(value) || !isSecretIn(new URL(value)),
    'holds a password, which does not belong here: leave it out, and give the relay PGPASSWORD; see "Secrets" in docs/DEPLOY.md')

/** Where the processes of one relay hear each other. */
export const natsUrl = z.string().max(1_024).regex(/^(nats|tls):\/\/[^\s\u0000-\u001f\u007f'"\\,]+$/, 'a url like nats://nats.example:4222')
  .refine(value => URL.canParse(value), 'a url like nats://nats.example:4222')
  .refine(value => !URL.canParse(value) || new URL(value).password === '',
    'holds a password, which does not belong here: leave it out and the user in, and give the relay the whole url as AGENTCHAT_NATS; see '
      + '"Secrets" in docs/DEPLOY.md')

/** With a user goes a password, and with it the whole url to the secrets. */
export const isNatsSecret = (nats: string): boolean => new URL(nats).username !== ''

/** Why a target cannot have so many relays, or these beside each other. */
export const replicasProblem = (
  { replicas, store, nats, target }: {
    readonly replicas: number
    readonly store?: string | undefined
    readonly nats?: string | undefined
    readonly target: string
  },
): readonly [key: 'replicas' | 'nats', message: string] | undefined => {
  if (store === undefined) {
    if (nats !== undefined) return ['nats', 'is for relays on one database: set store, too, or leave it out']
    if (replicas === 1) return undefined
    return [
      'replicas',
      `a volume is one relay's, and a second one on it is refused. For ${replicas} of them: store: postgres://… (a database `
      + 'that they share) and nats: nats://… (where they hear each other)',
    ]
  }
  if (replicas > 1 && nats === undefined)
    return ['replicas', 'several relays on one database have to hear each other: set nats: nats://…, too']
  if (replicas > 1 && target === 'systemd')
    return ['replicas', 'a unit is one process: deploy it on each machine, with the same store and nats']
  return undefined
}

/** What to know of several relays. */
export const natsNotes = (nats: string, place: string, isLetOut = true): readonly string[] => [
  `Its max_payload is 4 MiB (docs/CLUSTER.md says why), and nobody but the relays reaches it; whoever does is trusted as they are`,
  ...(isNatsSecret(nats) ? [`The url of NATS with its password, AGENTCHAT_NATS=…, goes into ${place}`] : []),
  `Files are off: relays share their bytes in a bucket. With one: AGENTCHAT_MAX_FILE_BYTES under environment, and AGENTCHAT_FILES_BUCKET, `
  + `_KEY and _SECRET in ${place}${
    isLetOut ? '' : ', and kubernetes: { egress: true }, since its network policy lets relays out to nothing else'
  }`,
]

/** Host, '' for a socket of the machine, and port. */
export const databaseOf = (store: string): { readonly host: string, readonly port: number } => {
  const url = new URL(store)
  const host = url.searchParams.get('host') ?? url.hostname
  return { host: host.startsWith('/') ? '' : host, port: Number(url.searchParams.get('port') ?? (url.port || 5_432)) }
}

const isHere = (host: string): boolean =>
  host === '' || host === 'localhost' || host.startsWith('127.') || host === '[::1]' || host === '::1'

/** Why a target cannot have it. */
export const storeProblem = (store: string, target: string): string | undefined => {
  if (target === 'akash')
    return 'akash has no place for its password, since providers read the environment: take a volume, or another target'
  const { host } = databaseOf(store)
  if (target !== 'systemd' && isHere(host))
    return `${
      host === '' ? 'a socket' : host
    } is inside the relay's own container: name the host of the database as it is reached from there`
  return undefined
}

/** What to know of it; `place`: where the password goes. */
export const storeNotes = (store: string, place: string): readonly string[] => [
  `The password of the database, PGPASSWORD=…, goes into ${place}`,
  `What is kept is in the database, and so are its backups: size.storage and durability mean nothing; agentchat doctor looks at ${
    databaseOf(store).host || 'it'
  }`,
]
