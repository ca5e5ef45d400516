// The deploy.yaml that `deploy init` writes: every key with its default, and why one would change it.
import type { TargetName } from './spec.ts'

export interface SampleChoices {
  readonly name?: string | undefined
  readonly image?: string | undefined
  readonly domain?: string | undefined
  readonly target?: TargetName | undefined
  /** Directory of a Dockerfile. */
  readonly build?: string | undefined
}

export const sampleText = (
  { name = 'agentchat', image = 'agentchat:latest', domain, target = 'docker', build }: SampleChoices = {},
): string =>
  `# A deployment of the AgentChat relay. \`agentchat deploy plan\` shows what becomes of it and touches nothing; \`agentchat deploy up\` does it.
# Lines that begin with a # are the defaults, or examples. What is wrong is told with its line.

# Names everything that is made: container, unit, StatefulSet or Deployment, lease.
name: ${name}

# Outside your own machine: an image that the target can pull, with a version, like ghcr.io/owner/agentchat:0.1.0
image: ${image}

# Where it goes: docker, systemd, kubernetes or akash. --target overrides it.
target: ${target}

# Public host name. With it TLS is set up where the target can; without it only the plain port is there.
${domain === undefined ? '# domain: chat.example.org' : `domain: ${domain}`}

# One plain port carries WebSocket and HTTP (/healthz, /readyz, /metrics). TLS ends in front of it.
port: 6667

size:
  cpu: 1
  memory: 512Mi
  # The volume with the database. Without it every restart would forget every message.
  storage: 1Gi

volume:
  name: data
  # Storage class of Kubernetes, or beta1, beta2, beta3 of Akash.
  # class: beta3

# PostgreSQL in the place of the volume, without its password: that is PGPASSWORD among the secrets of the target (docs/DEPLOY.md).
# store: postgres://agentchat@db.example.org:5432/agentchat?sslmode=verify-full

# Several relays on one database, behind a balancer (docs/CLUSTER.md); they hear each other over NATS. On a volume there is one.
# nats: nats://nats.example.org:4222
# replicas: 3

# normal: what is acknowledged survives a killed process. full: also a power loss, for one fsync per batch of messages.
durability: normal

# Agents that may send ADMIN_ requests, proved by their key: its fingerprint is the line \`key\` of what \`agentchat identity show\` says.
# adminAgents: ['8addfe276526c9f60d9ef1d0cc0a1e0ca2be9c49a3dbf19d54b7a5ba1bd7dfb5']

# Every other setting of docs/CONFIG.md, by its variable. Secrets do not belong into this file.
# environment:
#   AGENTCHAT_MSG_RATE: 5
#   AGENTCHAT_MSG_BURST: 50

docker:
  # Who reaches the plain port: this machine only, or everybody (0.0.0.0).
  bind: 127.0.0.1
  # Directory of the Dockerfile, to build the image instead of pulling it.
  ${build === undefined ? '# build: .' : `build: ${build}`}

# systemd:
#   bind: 127.0.0.1
#   program: /usr/local/bin/agentchat
#   directory: /etc/systemd/system

# kubernetes:
#   namespace: agentchat
#   # With a domain: an Ingress of this class, and the cert-manager issuer of its certificate.
#   ingressClass: nginx
#   clusterIssuer: letsencrypt
#   # The relay opens no connections of its own.
#   egress: false
#   # For the Prometheus operator.
#   serviceMonitor: false

# akash:
#   # mainnet costs real money.
#   network: sandbox
#   # Nodes of your own choice.
#   rpc: https://rpc.sandbox-2.aksh.pw:443
#   rest: https://api.sandbox-2.aksh.pw:443
#   # Which providers may take it.
#   region: us-west
#   attributes: { host: akash }
#   auditors: [akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63]
#   # Put in at first; what is not used comes back. ACT is about one US dollar.
#   depositAct: 0.5
#   # Hard limits: nothing is signed or accepted above them.
#   maxPriceUact: 20
#   maxMonthlyAct: 10
#   maxDepositAct: 5
#   maxFeeAkt: 0.1
`
