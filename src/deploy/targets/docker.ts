// Docker: a compose file with the relay on a volume and, for a domain, a proxy that does TLS; or with several relays behind a balancer.
import { hostInUrl, isAnywhere, relayUrl } from '../../config/url.ts'
import { join } from 'node:path'
import { envName } from '../../config/schema.ts'
import { sizeText, type Planner } from '../plan.ts'
import { natsNotes, storeNotes } from '../store.ts'
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
const dialled = ({ domain, port, nats, docker: { bind } }: DeploySpec): string | undefined => {
  if (domain !== undefined) return `wss://${domain}`
  if (isLoopback(bind) && nats !== undefined) return `ws://localhost:${port}`
  if (isLoopback(bind)) return `\${RELAY_DOMAIN:+wss://}\${RELAY_DOMAIN:-ws://localhost:${port}}`
  return isAnywhere(bind) ? undefined : relayUrl({ isTls: false, host: bind, port })
}

/** A relay, as every compose file has it. */
const relayService = (spec: DeploySpec) => {
  const { image, size, port, volume, store, nats, replicas, docker: { bind, build } } = spec
  const url = dialled(spec)
  return {
    ...(build !== undefined && { build }),
    image,
    restart: 'unless-stopped',
    stop_grace_period: `${graceSeconds}s`,
    ...(nats === undefined && { ports: [`${hostInUrl(bind)}:${port}:${port}`] }),
    ...(store === undefined && { volumes: [`${volume.name}:${dataPath}`] }),
    environment: {
      ...literal(environmentOf(spec)),
      ...(url !== undefined && !(envName('publicUrls') in spec.environment) && { [envName('publicUrls')]: url }),
      ...(isProxyTrusted(spec) && { [envName('trustedProxies')]: '172.16.0.0/12,192.168.0.0/16' }),
    },
    env_file: [{ path: 'secrets.env', required: false }],
    read_only: true,
    tmpfs: store === undefined ? ['/tmp'] : ['/tmp', dataPath],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    deploy: {
      ...(nats !== undefined && { replicas }),
      resources: { limits: { cpus: String(size.cpu), memory: `${size.memory / 1_024 ** 2}m` } },
    },
  }
}

/** Behind a balancer nobody else reaches the relay's port. */
const isProxyTrusted = ({ nats, environment, docker: { bind } }: DeploySpec): boolean =>
  (isLoopback(bind) || nats !== undefined) && !(envName('trustedProxies') in environment)

/** What is said beside the keys of a relay. */
const relayComments = (spec: DeploySpec): Readonly<Record<string, string>> => ({
  'services/relay/stop_grace_period': 'Time to commit what is queued and to tell clients to come back.',
  ...(dialled(spec) !== undefined && !(envName('publicUrls') in spec.environment) && {
    [`services/relay/environment/${envName('publicUrls')}`]: 'Where agents dial it: their keys log in at this address alone.',
  }),
  'services/relay/env_file': `${
    spec.store === undefined ? '' : 'PGPASSWORD=…, '
  }AGENTCHAT_ADMIN_KEY=… and the like, in a file of mode 0600 beside this one.`,
  'services/relay/read_only': "The image's own health check (GET /healthz) decides whether it is healthy.",
  ...(isProxyTrusted(spec) && {
    [`services/relay/environment/${envName('trustedProxies')}`]:
      "The containers' networks: there, X-Forwarded-For tells the client's address.",
  }),
})

/** Several relays: their names are those of their containers, and whoever is up is found by the name of the service. */
const clusterText = (spec: DeploySpec): string => {
  const { name, port, domain, docker: { bind } } = spec
  const toRelays = [
    '  respond /metrics 404',
    '  reverse_proxy {',
    `    dynamic a relay ${port} {`,
    '      refresh 2s',
    '    }',
    '    lb_policy least_conn',
    '    lb_try_duration 5s',
    '    fail_duration 5s',
    '  }',
  ]
  const sites = [`http://:${port}`, ...(domain === undefined ? [] : [domain])]
  return yamlText({
    name,
    services: {
      relay: relayService(spec),
      balancer: {
        image: caddyImage,
        restart: 'unless-stopped',
        depends_on: { relay: { condition: 'service_healthy' } },
        configs: [{ source: 'caddyfile', target: '/etc/caddy/Caddyfile' }],
        ports: [`${hostInUrl(bind)}:${port}:${port}`, ...(domain === undefined ? [] : ['80:80', '443:443'])],
        volumes: ['caddy:/data'],
      },
    },
    volumes: { caddy: {} },
    configs: { caddyfile: { content: sites.map(site => [`${site} {`, ...toRelays, '}', ''].join('\n')).join('') } },
  }, `Several relays on one database, and a balancer before them; --scale relay=N says how many:  docker compose up -d\n\n`
    + 'Written from deploy.yaml by `agentchat deploy`.', {
    ...relayComments(spec),
    'services/relay/deploy/replicas': 'Nothing is sticky: a client comes back to any of them.',
    'services/balancer/ports': isLoopback(bind) ? 'Only this machine reaches the plain port.' : 'Everybody reaches the plain port.',
    'configs/caddyfile':
      'Whoever answers to the name `relay`, asked every two seconds, the one with the fewest connections first. Metrics stay inside.',
  })
}

export const composeText = (spec: DeploySpec): string => {
  const { name, port, domain, volume, store, nats, docker: { bind } } = spec
  if (nats !== undefined) return clusterText(spec)
  return yamlText({
    name,
    services: {
      relay: relayService(spec),
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
    ...relayComments(spec),
    'services/relay/ports': isLoopback(bind)
      ? 'Only this machine reaches the plain port.'
      : "Everybody reaches the plain port, so no proxy's word about addresses is taken.",
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
  const { name, image, port, domain, store, nats, docker: { bind, build } } = spec
  const file = join(folder, 'docker-compose.yml')
  const compose = [
    'docker',
    'compose',
    '--file',
    file,
    ...(domain === undefined || nats !== undefined ? [] : ['--profile', 'tls']),
  ] as const
  return {
    target: 'docker',
    files: [{
      path: file,
      text: composeText(spec),
      doc: nats !== undefined ? 'relays, balancer' : store === undefined ? 'relay, volume, TLS proxy' : 'relay, TLS proxy',
    }],
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
      ...(domain !== undefined && !isLoopback(bind) && nats === undefined
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
      ...(nats === undefined ? [] : natsNotes(nats, `${join(folder, 'secrets.env')} (mode 0600)`)),
    ],
  }
}
