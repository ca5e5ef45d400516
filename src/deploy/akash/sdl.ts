// deploy.yaml → SDL → manifest: what the provider runs, and the hash of it that the chain keeps.
import type { SDLInput } from '@akashnetwork/chain-sdk/web'
import { envName } from '../../config/schema.ts'
import { dataPath, environmentOf, type DeploySpec } from '../spec.ts'
import { AkashError } from './failure.ts'
import { priceText } from './money.ts'
import { loadGroups, loadSdk } from './packages.ts'

export interface Manifest {
  /** The very bytes that the hash is of and that the provider gets: kept, never made again. */
  readonly json: string
  /** SHA-256, hex */
  readonly hash: string
  /** Groups of a MsgCreateDeployment, base64. */
  readonly groups: readonly string[]
}

/** The system disk of the container; the database is on the volume. */
const scratch = '512Mi'
/** Everybody comes by the provider's ingress, from one of its own addresses. */
const ingress = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16'
/** The longest that the shared ingress allows before it cuts a silent connection; the relay pings far more often. */
const ingressMs = 60_000

/** `maxPrice`: uact per block, times 10^18; no bid above it is possible. */
export const sdlOf = (spec: DeploySpec, maxPrice: bigint): SDLInput => {
  const { name, image, size, port, domain, volume, akash } = spec
  const attributes = { ...akash.attributes, ...(akash.region !== undefined && { 'location-region': akash.region }) }
  const sdl = {
    version: '2.0',
    services: {
      [name]: {
        image,
        args: ['serve', '--data', dataPath, '--host', '0.0.0.0'],
        env: Object.entries(variablesOf(spec)).map(([key, value]) => `${key}=${value}`),
        expose: [{
          port,
          as: 80,
          proto: 'tcp',
          to: [{ global: true }],
          ...(domain !== undefined && { accept: [domain] }),
          http_options: { read_timeout: ingressMs, send_timeout: ingressMs },
        }],
        params: { storage: { [volume.name]: { mount: dataPath, readOnly: false } } },
      },
    },
    profiles: {
      compute: {
        [name]: {
          resources: {
            cpu: { units: size.cpu },
            memory: { size: mebibytes(size.memory) },
            storage: [{ size: scratch }, {
              name: volume.name,
              size: mebibytes(size.storage),
              attributes: { persistent: true, class: volume.class ?? 'beta3' },
            }],
          },
        },
      },
      placement: {
        akash: {
          ...(Object.keys(attributes).length > 0 && { attributes }),
          ...(akash.auditors.length > 0 && { signedBy: { anyOf: akash.auditors } }),
          pricing: { [name]: { denom: 'uact', amount: priceText(maxPrice) } },
        },
      },
    },
    deployment: { [name]: { akash: { profile: name, count: 1 } } },
  }
  return sdl as unknown as SDLInput
}

const variablesOf = (spec: DeploySpec): Readonly<Record<string, string>> => ({
  [envName('trustedProxies')]: ingress,
  ...environmentOf(spec, spec.domain === undefined ? [] : [`wss://${spec.domain}`, `ws://${spec.domain}`]),
})

/** @throws AkashError with everything that is wrong with it */
export const manifestOf = async (spec: DeploySpec, maxPrice: bigint): Promise<Manifest> => {
  const problems = problemsOf(spec)
  if (problems.length > 0) throw new AkashError('refused', problems.join('\n'))
  const { generateManifest, generateManifestVersion, manifestToSortedJSON } = await loadSdk()
  const result = generateManifest(sdlOf(spec, maxPrice))
  if (result.ok !== true)
    throw new AkashError('refused', `Akash does not take this: ${result.value.map(({ message }) => message).join('; ')}`)
  const { groups, groupSpecs } = result.value
  const { encode } = await loadGroups()
  return {
    json: manifestToSortedJSON(groups),
    hash: Buffer.from(await generateManifestVersion(groups)).toString('hex'),
    groups: groupSpecs.map(encode),
  }
}

/** What Akash's own checks let through and its providers refuse, or what would break later. */
const problemsOf = ({ name, image, volume, environment }: DeploySpec): readonly string[] => [
  ...(/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)
    ? []
    : [`name: ${JSON.stringify(name)} is not a service name: small letters, digits and -`]),
  ...(/(:(?!latest$)[^/:@]+|@sha256:[0-9a-f]{64})$/.test(image)
    ? []
    : [`image: ${image} names no version: a provider would run whatever it has. Write one, like ghcr.io/owner/agentchat:0.1.0`]),
  ...(volume.class === undefined || /^(beta[123]|default)$/.test(volume.class)
    ? []
    : [`volume.class: ${volume.class} is not a class of persistent storage on Akash: beta1 (disk), beta2 (SSD), beta3 (NVMe)`]),
  // The provider's JSON writes these characters in another way than the SDK's: the hash would differ.
  ...Object.entries(environment).filter(([, value]) => /[\u0000-\u001f\u007f\u2028\u2029]/.test(value)).map(([key]) =>
    `environment.${key}: holds a control character`
  ),
]

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1_024 ** 2)}Mi`
