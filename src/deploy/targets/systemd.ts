// systemd: one hardened unit for the installed program, with a user and a data directory that systemd makes.
import { relayUrl } from '../../config/url.ts'
import { join } from 'node:path'
import { envName } from '../../config/schema.ts'
import { sizeText, type Planner } from '../plan.ts'
import { natsNotes, storeNotes } from '../store.ts'
import { environmentOf, graceSeconds, type DeploySpec } from '../spec.ts'

/** `K=V` for Environment=: in quotes, with specifiers and escapes as themselves. */
const assignment = (name: string, value: string): string =>
  `"${`${name}=${value}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`

export const unitText = (spec: DeploySpec): string => {
  const { name, size, domain, store, systemd: { bind, program } } = spec
  const environment = {
    ...environmentOf(spec, domain === undefined ? [] : [`wss://${domain}`]),
    // With a domain there is a proxy on this machine.
    ...(domain !== undefined && !(envName('trustedProxies') in spec.environment) && { [envName('trustedProxies')]: '127.0.0.1,::1' }),
  }
  return `# Written from deploy.yaml by \`agentchat deploy\`.
[Unit]
Description=AgentChat relay ${name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
ExecStart=${program} serve --data /var/lib/${name} --host ${bind}
# Reads the certificate again.
ExecReload=/bin/kill -HUP $MAINPID
${Object.entries(environment).map(([key, value]) => `Environment=${assignment(key, value)}\n`).join('')}# Secrets: ${
    store === undefined ? '' : 'PGPASSWORD=…, '
  }AGENTCHAT_ADMIN_KEY=…; mode 0600. A flag would show in the process list.
EnvironmentFile=-/etc/${name}.env
Restart=on-failure
RestartSec=1
# Time to commit what is queued and to tell clients to come back.
TimeoutStopSec=${graceSeconds}
LimitNOFILE=65536
CPUQuota=${Math.round(size.cpu * 100)}%
MemoryMax=${size.memory}

# A user of its own, and of the file system only its data can be written.
DynamicUser=yes
StateDirectory=${name}
StateDirectoryMode=0700
UMask=0077
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
# Nothing to gain: no privileges, no namespaces, no other kinds of sockets or system calls.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute: the JavaScript engine compiles at run time.

[Install]
WantedBy=multi-user.target
`
}

export const systemdPlan: Planner = spec => {
  const { name, port, domain, store, nats, systemd: { bind, program, directory } } = spec
  const unit = `${name}.service`
  const isHidden = /^\/(home|root|run\/user)\//.test(program)
  return {
    target: 'systemd',
    files: [{ path: join(directory, unit), text: unitText(spec), doc: 'the unit' }],
    commands: [
      { argv: ['systemctl', 'daemon-reload'], doc: 'read the unit' },
      { argv: ['systemctl', 'enable', unit], doc: 'start it with the machine' },
      { argv: ['systemctl', 'restart', unit], doc: 'start it now' },
    ],
    messages: [],
    cost: `what your machine costs; of it, ${sizeText(spec)}`,
    url: domain === undefined
      ? relayUrl({ isTls: false, host: bind, port })
      : `wss://${domain}`,
    notes: [
      'It needs root (sudo), Node, and the program: npm install --global agentchat',
      ...(isHidden ? [`${program} is in a home directory, which the unit hides: install it for the whole machine`] : []),
      ...(domain === undefined
        ? []
        : [`TLS is a proxy's: let ${domain} lead to it, and it to ${bind}:${port} (docs/DEPLOY.md has the lines for Caddy)`]),
      ...(store === undefined
        ? ['systemd does not limit a directory: the relay itself keeps its data to four fifths of size.storage']
        : [...storeNotes(store, `/etc/${name}.env (mode 0600)`), 'The driver stands beside the program: npm install --global pg']),
      ...(nats === undefined ? [] : [
        ...natsNotes(nats, `/etc/${name}.env (mode 0600)`),
        'Its client, too: npm install --global @nats-io/transport-node@3.3.0',
        'The same on each machine, with a balancer before them; a process is called as its machine',
      ]),
    ],
  }
}
