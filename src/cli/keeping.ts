// What the commands on a relay's data share: where it is, how far they are, and how their failures end.
import { settings } from '../config/schema.ts'
import type { Call, OptionSpec } from './command.ts'
import { CliError } from './exit.ts'

export const dataOption = {
  value: 'DIR',
  doc: "The relay's data directory (default: AGENTCHAT_DATA, else ./agentchat-data)",
} as const satisfies OptionSpec

export const storeOption = {
  value: 'URL',
  doc: 'A PostgreSQL database in the place of the directory: postgres://…; env is the one of AGENTCHAT_STORE',
} as const satisfies OptionSpec

/** The url that an option names. @throws CliError */
export const storeUrl = (named: string | undefined, { env }: Pick<Call['io'], 'env'>): string => {
  const url = named === undefined || named === 'env' ? env['AGENTCHAT_STORE'] : named
  if (url === undefined || url === '') throw new CliError('usage', 'Which database?', 'Name its url, or put it into AGENTCHAT_STORE.')
  if (!/^postgres(?:ql)?:\/\/\S+$/.test(url))
    throw new CliError('usage', 'That is not the url of a database', 'It looks like postgres://user:password@host:5432/agentchat')
  return url
}

/** The url of the server that the data is on, as far as options and environment tell, without its password. */
export const serverOf = (
  { options: { data, store }, io: { env } }: {
    readonly options: { readonly data?: string | undefined, readonly store?: string | undefined }
    readonly io: Pick<Call['io'], 'env'>
  },
): string | undefined => {
  if (store === undefined && (data !== undefined || !env['AGENTCHAT_STORE'])) return undefined
  const url = new URL(storeUrl(store, { env }))
  url.password = ''
  return url.href
}

/** As the relay itself finds it. */
export const dataFolder = (
  { options, io: { env } }: { readonly options: { readonly data?: string | undefined }, readonly io: Pick<Call['io'], 'env'> },
): string =>
  options.data ?? ['AGENTCHAT_DATA', ...settings.data.env ?? []].map(name => env[name]).find(value => value)
    ?? settings.data.type.parse(undefined)

/** A progress line, and an end when it is asked for. */
export const watched = ({ io, out }: Pick<Call, 'io' | 'out'>, doing: string) => ({
  signal: io.interrupted,
  onProgress: (done: number, total: number) =>
    out.progress(
      `${doing}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}${
        total === 0 ? '' : ` (${Math.floor(done / total * 100)} %)`
      }`,
    ),
})

/** Runs `work` with the keeper; its failures become the program's. */
export const withKeeper = async <T>(work: (keeper: import('../app.ts').Keeper) => Promise<T>): Promise<T> => {
  const { KeepingError, openKeeper } = await import('../app.ts')
  try {
    return await work(await openKeeper())
  } catch (error) {
    throw error instanceof KeepingError ? new CliError(error.problem, error.message, error.hint, error) : error
  }
}
