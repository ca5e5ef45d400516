// Docker: a compose file with the relay on a volume and, for a domain, a proxy that does TLS.
import { hostInUrl, isAnywhere, relayUrl } from '../../config/url.ts'
import { join } from 'node:path'
import { envName } from '../../config/schema.ts'
import { sizeText, type Planner } from '../plan.ts'
import { storeNotes } from '../store.ts'
import { dataPath, environmentOf, graceSeconds, type DeploySpec } from '../spec.ts'
import { yamlText } from '../yaml-text.ts'

/** By digest, so that the tag cannot become something else; `docker buildx imagetools inspect caddy:TAG` tells it. */
const caddyImage = 'caddy:2.10.2@sha256:c3d7ee5d2b11f9dc54f947f68a734c84e9c9666c92c88a7f30b9cba5da182adb'

const isLoopback = (bind: string): boolean => bind.startsWith('127.') || bind === '::1'

/** Values are not expanded by compose. */
const literal = (environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value.replaceAll('$', '$$$$')]))

/**
 * Where the relay is dialled, which it cannot know behind a mapped port. Compose fills the name in, where one is given when it
 * starts. undefined: whoever opens the port to everybody knows.
 */
const dialled = ({ domain, port, docker: { bind } }: DeploySpec): string | undefined => {
  if (domain !== undefined) return `wss://${domain}`
  if (isLoopback(bind)) return `\${RELAY_DOMAIN:+wss://}\${RELAY_DOMAIN:-ws://localhost:${port}}`
  return isAnywhere(bind) ? undefined : relayUrl({ isTls: false, host: bind, port })
}

export const composeText = (spec: DeploySpec): string => {
  const { name, image, size, port, domain, volume, store, docker: { bind, build } } = spec
  const url = dialled(spec)
  return yamlText({
    name,
    services: {
      relay: {
        ...(build !== undefined && { build }),
        image,
        restart: 'unless-stopped',
        stop_grace_period: `${graceSeconds}s`,
        ports: [`${hostInUrl(bind)}:${port}:${port}`],
        ...(store === undefined && { volumes: [`${volume.name}:${dataPath}`] }),
        environment: {
          ...literal(environmentOf(spec)),
          ...(url !== undefined && !(envName('publicUrls') in spec.environment) && { [envName('publicUrls')]: url }),
          ...(isLoopback(bind) && !(envName('trustedProxies') in spec.environment)
            && { [envName('trustedProxies')]: '172.16.0.0/12,192.168.0.0/16' }),
        },
        env_file: [{ path: 'secrets.env', required: false }],
        read_only: true,
        tmpfs: store === undefined ? ['/tmp'] : ['/tmp', dataPath],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        deploy: { resources: { limits: { cpus: String(size.cpu), memory: `${size.memory / 1_024 ** 2}m` } } },
      },
      caddy: {
        profiles: ['tls'],
        image: caddyImage,
        restart: 'unless-stopped',
        depends_on: { relay: { condition: 'service_healthy' } },
        configs: [{ source: 'caddyfile', target: '/etc/caddy/Caddyfile' }],
        ports: ['80:80', '443:443'],
        volumes: ['caddy:/data'],
      },
    },
    volumes: { ...(store === undefined && { [volume.name]: {} }), caddy: {} },
    configs: {
      caddyfile: { content: `${domain ?? '${RELAY_DOMAIN:-localhost}'} {\n  respond /metrics 404\n  reverse_proxy relay:${port}\n}\n` },
    },
  }, heading(spec), {
    'services/relay/stop_grace_period': 'Time to commit what is queued and to tell clients to come back.',
    'services/relay/ports': isLoopback(bind)
      ? 'Only this machine reaches the plain port.'
      : "Everybody reaches the plain port, so no proxy's word about addresses is taken.",
    ...(url !== undefined && !(envName('publicUrls') in spec.environment) && {
      [`services/relay/environment/${envName('publicUrls')}`]: 'Where agents dial it: their keys log in at this address alone.',
    }),
    'services/relay/env_file': `${
      store === undefined ? '' : 'PGPASSWORD=…, '
    }AGENTCHAT_ADMIN_KEY=… and the like, in a file of mode 0600 beside this one.`,
    'services/relay/read_only': "The image's own health check (GET /healthz) decides whether it is healthy.",
    ...(isLoopback(bind) && !(envName('trustedProxies') in spec.environment) && {
      [`services/relay/environment/${envName('trustedProxies')}`]:
        "The containers' networks: there, X-Forwarded-For tells the client's address.",
    }),
    'services/caddy/configs': 'Fetches and renews a certificate; WebSocket needs no further setting.',
    'configs/caddyfile': 'Metrics stay inside.',
  })
}

const heading = ({ domain, store }: DeploySpec): string =>
  domain === undefined
    ? `The relay with its data ${
      store === undefined ? 'on a volume:  ' : 'in a database:'
    }              docker compose up -d\nThe same behind TLS, for a public host name:       `
      + 'RELAY_DOMAIN=chat.example.org docker compose --profile tls up -d\n\nWritten from deploy.yaml by `agentchat deploy`.'
    : `The relay behind TLS as ${domain}:  docker compose --profile tls up -d\n\nWritten from deploy.yaml by \`agentchat deploy\`.`

export const dockerPlan: Planner = (spec, folder) => {
  const { name, image, port, domain, store, docker: { bind, build } } = spec
  const file = join(folder, 'docker-compose.yml')
  const compose = ['docker', 'compose', '--file', file, ...(domain === undefined ? [] : ['--profile', 'tls'])] as const
  return {
    target: 'docker',
    files: [{ path: file, text: composeText(spec), doc: store === undefined ? 'relay, volume, TLS proxy' : 'relay, TLS proxy' }],
    commands: [
      { argv: [...compose, 'config', '--quiet'], doc: 'check the file' },
      {
        argv: [...compose, 'up', '--detach', '--wait', ...(build === undefined ? [] : ['--build'])],
        doc: 'start it, and wait until it is healthy',
      },
    ],
    messages: [],
    cost: `what your machine costs; of it, ${sizeText(spec)}`,
    url: domain === undefined ? relayUrl({ isTls: false, host: bind, port }) : `wss://${domain}`,
    notes: [
      ...(build === undefined && !image.includes('/')
        ? [`${image} names no registry: build it here first (docker build -t ${image} .), or set docker.build`]
        : []),
      ...(domain === undefined ? [] : [`${domain} must lead to this machine, with ports 80 and 443 open, for the certificate`]),
      ...(domain !== undefined && !isLoopback(bind)
        ? ['The plain port is open beside TLS: bind it to 127.0.0.1 to have clients counted by their own address']
        : []),
      ...(dialled(spec) === undefined && !(envName('publicUrls') in spec.environment)
        ? [`Agents with a key can log in once ${envName('publicUrls')} (under environment) names the addresses that they dial`]
        : []),
      ...(store === undefined
        ? [
          'Docker does not limit a volume: the relay itself keeps its data to four fifths of size.storage',
          `The volume outlives \`docker compose --project-name ${name} down\`, and not \`down --volumes\``,
        ]
        : storeNotes(store, `${join(folder, 'secrets.env')} (mode 0600)`)),
    ],
  }
}
