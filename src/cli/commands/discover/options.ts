// What `discover` and `discover agents` share: where relays are named, and where it may look.
import { count, type Options } from '../../command.ts'
import type { Io } from '../../io.ts'
import { listOf, networks } from '../../discovery/networks.ts'
import type { SurveyOptions } from '../../discovery/survey.ts'

export const sourceOptions = {
  directory: { value: 'LIST', doc: 'Directories to ask beside your own: URLs or JSON files', parse: listOf },
  outboundAllow: {
    value: 'LIST',
    doc: 'Addresses and networks where relays that only a directory names are looked at, though they are not public (default: '
      + 'AGENTCHAT_OUTBOUND_ALLOW)',
    parse: networks,
  },
  ca: { value: 'FILE', doc: "Trust this certificate too (PEM), at every relay (default: at the relay of a context, the context's)" },
  limitPerDirectory: { value: 'N', doc: 'Relays to take from one directory (default: 200)', parse: count },
} as const

type Given = Options<typeof sourceOptions> & {
  readonly region?: string | undefined
  readonly feature?: readonly string[] | undefined
  readonly search?: string | undefined
}

export const surveyWishOf = (
  { directory, outboundAllow, limitPerDirectory = 200, ca, region, feature, search }: Given,
  env: Io['env'],
): Omit<SurveyOptions, 'timeoutMs'> => ({
  directories: directory,
  ca,
  limit: limitPerDirectory,
  region,
  feature,
  search,
  allow: outboundAllow ?? networks(env['AGENTCHAT_OUTBOUND_ALLOW'] ?? ''),
})
