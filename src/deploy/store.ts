// A database server in the place of the volume: its url, which is in manifests and so without a password, and what each target makes of it.
import * as z from 'zod'

/** In the address, or among its parameters, which the driver takes as well. */
const isSecretIn = (url: URL): boolean => url.password !== '' || [...url.searchParams.keys()].some(key => /pass/i.test(key))

export const storeUrl = z.string().max(1_024).regex(/^postgres(ql)?:\/\/[^\s\u0000-\u001f\u007f'"\\]+$/,
  'a url like postgres://agentchat@db.example:5432/agentchat')
  .refine(value => URL.canParse(value), 'a url like postgres://agentchat@db.example:5432/agentchat')
  .refine(value => !URL.canParse(value) || !isSecretIn(new URL(value)),
    'holds a password, which does not belong here: leave it out, and give the relay PGPASSWORD; see "Secrets" in docs/DEPLOY.md')

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
