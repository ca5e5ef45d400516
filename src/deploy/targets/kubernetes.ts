// Kubernetes: manifests for `kubectl apply -k`, one file per object; what is optional is there only if deploy.yaml asks for it.
import { join } from 'node:path'
import type { Namespace, Service, ServiceAccount } from 'kubernetes-types/core/v1.d.ts'
import type { Deployment, DeploymentSpec, StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type { Ingress, NetworkPolicy, NetworkPolicyEgressRule } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { envName } from '../../config/schema.ts'
import { sizeText, type Planner } from '../plan.ts'
import { databaseOf, natsNotes, storeNotes } from '../store.ts'
import { dataPath, environmentOf, graceSeconds, type DeploySpec } from '../spec.ts'
import { yamlText } from '../yaml-text.ts'

const quantity = (bytes: number): string => `${bytes / 1_024 ** 2}Mi`

/** The user `node` of the image. */
const uid = 1_000

const selector = ({ name }: DeploySpec) => ({ 'app.kubernetes.io/name': 'agentchat', 'app.kubernetes.io/instance': name })

/** Where it is dialled. */
const urlOf = ({ name, domain, port, kubernetes: { namespace } }: DeploySpec): string =>
  domain === undefined ? `ws://${name}.${namespace}.svc:${port}` : `wss://${domain}`

/** A pod with a relay, for whatever makes it. */
const podTemplate = (spec: DeploySpec): DeploymentSpec['template'] => {
  const { name, image, size, port, domain, volume, store, nats } = spec
  const probe = (path: string) => ({ httpGet: { path, port: 'relay' } })
  const environment = {
    ...environmentOf(spec, [urlOf(spec)]),
    // Only with an Ingress does anybody stand in front; the network policy keeps other pods' words out of it as far as it can.
    ...(domain !== undefined && !(envName('trustedProxies') in spec.environment)
      && { [envName('trustedProxies')]: '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16' }),
  }
  return {
    metadata: { labels: selector(spec) },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: uid,
        runAsGroup: uid,
        fsGroup: uid,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [{
        name: 'relay',
        image,
        ports: [{ name: 'relay', containerPort: port }],
        env: Object.entries(environment).map(([name, value]) => ({ name, value: value.replaceAll('$(', '$$$$(') })),
        envFrom: [{ secretRef: { name: `${name}-secrets`, optional: true } }],
        resources: { requests: { cpu: String(size.cpu), memory: quantity(size.memory) }, limits: { memory: quantity(size.memory) } },
        startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 60 },
        livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 },
        readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
        // Who sends clients here hears of its end a moment later than the pod does.
        ...(nats !== undefined && { lifecycle: { preStop: { exec: { command: ['sleep', '3'] } } } }),
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [
          ...(store === undefined ? [{ name: volume.name, mountPath: dataPath }] : []),
          { name: 'tmp', mountPath: '/tmp' },
        ],
      }],
      volumes: [{ name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } }],
    },
  }
}

const statefulSet = (spec: DeploySpec): StatefulSet => {
  const { name, size, volume, store } = spec
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, labels: selector(spec) },
    spec: {
      replicas: 1,
      serviceName: name,
      selector: { matchLabels: selector(spec) },
      template: podTemplate(spec),
      ...(store === undefined && {
        volumeClaimTemplates: [{
          metadata: { name: volume.name },
          spec: {
            accessModes: ['ReadWriteOnce'],
            ...(volume.class !== undefined && { storageClassName: volume.class }),
            resources: { requests: { storage: quantity(size.storage) } },
          },
        }],
      }),
    },
  }
}

/** Several relays: a new one is ready before an old one is asked to end, and nodes are shared out. */
const deployment = (spec: DeploySpec): Deployment => {
  const template = podTemplate(spec)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: spec.name, labels: selector(spec) },
    spec: {
      replicas: spec.replicas,
      selector: { matchLabels: selector(spec) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        ...template,
        spec: {
          ...template.spec!,
          topologySpreadConstraints: [{
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: selector(spec) },
          }],
        },
      },
    },
  }
}

const service = (spec: DeploySpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: spec.name, labels: selector(spec) },
  spec: { selector: selector(spec), ports: [{ name: 'relay', port: spec.port, targetPort: 'relay' }] },
})

const account = (spec: DeploySpec): ServiceAccount => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: spec.name, labels: selector(spec) },
  automountServiceAccountToken: false,
})

const budget = (spec: DeploySpec): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: spec.name, labels: selector(spec) },
  spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector(spec) } },
})

/** Of all that it could open a connection to, the database, and names that lead there. */
const egressOf = ({ store, nats, kubernetes: { egress } }: DeploySpec): NetworkPolicyEgressRule[] => {
  if (egress) return [{}]
  if (store === undefined) return []
  return [
    { ports: [{ port: databaseOf(store).port, protocol: 'TCP' }] },
    ...(nats === undefined ? [] : [{ ports: [{ port: Number(new URL(nats).port || 4_222), protocol: 'TCP' }] }]),
    { ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }] },
  ]
}

const networkPolicy = (spec: DeploySpec): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: spec.name, labels: selector(spec) },
  spec: {
    podSelector: { matchLabels: selector(spec) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ ports: [{ port: 'relay', protocol: 'TCP' }] }],
    egress: egressOf(spec),
  },
})

/** Has no pods: what is sent to it is answered by the ingress with an error. */
const nowhere = (spec: DeploySpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `${spec.name}-nowhere`, labels: selector(spec) },
  spec: { ports: [{ name: 'relay', port: spec.port }] },
})

const ingress = (spec: DeploySpec, host: string): Ingress => {
  const { name, kubernetes: { ingressClass, clusterIssuer } } = spec
  const backend = (name: string) => ({ service: { name, port: { name: 'relay' } } })
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      labels: selector(spec),
      ...(clusterIssuer !== undefined && { annotations: { 'cert-manager.io/cluster-issuer': clusterIssuer } }),
    },
    spec: {
      ...(ingressClass !== undefined && { ingressClassName: ingressClass }),
      tls: [{ hosts: [host], secretName: `${name}-tls` }],
      rules: [{
        host,
        http: {
          paths: [
            { path: '/metrics', pathType: 'Exact', backend: backend(`${name}-nowhere`) },
            { path: '/', pathType: 'Prefix', backend: backend(name) },
          ],
        },
      }],
    },
  }
}

/** A type of the Prometheus operator, which brings its own schema. */
const serviceMonitor = (spec: DeploySpec) => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'ServiceMonitor',
  metadata: { name: spec.name, labels: selector(spec) },
  spec: { selector: { matchLabels: selector(spec) }, endpoints: [{ port: 'relay', path: '/metrics', interval: '30s' }] },
})

const podComments = {
  'spec/template/spec/enableServiceLinks': 'Kubernetes would set AGENTCHAT_PORT to an address of a service called agentchat.',
  'spec/template/spec/terminationGracePeriodSeconds': 'Time to commit what is queued and to tell clients to come back.',
} as const

interface Manifest {
  readonly kind?: string
}

/** File name → text, kustomization.yaml first. */
export const manifests = (spec: DeploySpec): Readonly<Record<string, string>> => {
  const { domain, store, nats, kubernetes } = spec
  const namespace: Namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: kubernetes.namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }
  const objects: Readonly<Record<string, readonly [value: Manifest, doc: string, comments?: Readonly<Record<string, string>>]>> = {
    'namespace.yaml': [namespace, 'Where all of it lives; only pods without privileges are let in.'],
    'service-account.yaml': [account(spec), 'Nobody to the cluster: the relay needs nothing of it.'],
    'service.yaml': [service(spec), 'WebSocket and HTTP on one port.'],
    ...(nats === undefined
      ? {
        'stateful-set.yaml': [
          statefulSet(spec),
          store === undefined ? 'The relay and its volume.' : 'The relay, whose data is in a database.',
          {
            'spec/replicas': `Never two at once on one ${store === undefined ? 'volume' : 'database'}: the second one refuses to start.`,
            ...podComments,
          },
        ],
      }
      : {
        'deployment.yaml': [deployment(spec), 'Relays on one database, which hear each other over NATS.', {
          'spec/replicas': 'Nothing is sticky: a client comes back to any of them. Leave it out where an autoscaler says it.',
          'spec/strategy': 'A new one is ready before an old one ends.',
          ...podComments,
        }],
      }),
    'pod-disruption-budget.yaml': [
      budget(spec),
      nats === undefined
        ? 'A node may be emptied: the relay drains, starts elsewhere, and its clients resume.'
        : 'Nodes are emptied one at a time: a relay drains, and its clients resume at the others.',
    ],
    'network-policy.yaml': [
      networkPolicy(spec),
      `In: one port. Out: ${
        kubernetes.egress
          ? 'all that the relay wants.'
          : store === undefined
          ? 'nothing, the relay opens no connections.'
          : nats === undefined
          ? 'its database, and the names that lead there.'
          : 'database, NATS, and the names that lead there.'
      }`,
    ],
    ...(domain !== undefined && {
      'ingress.yaml': [ingress(spec, domain), 'TLS for the domain. Metrics stay inside.'],
      'nowhere.yaml': [nowhere(spec), 'A service without pods: where the ingress sends requests for metrics.'],
    }),
    ...(kubernetes.serviceMonitor && { 'service-monitor.yaml': [serviceMonitor(spec), 'For the Prometheus operator.'] }),
  }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: kubernetes.namespace,
    resources: Object.keys(objects),
  }
  return {
    'kustomization.yaml': yamlText(kustomization,
      'kubectl apply -k .\n\nWritten from deploy.yaml by `agentchat deploy`. For changes beyond it make an overlay that names this '
        + 'directory.'),
    ...Object.fromEntries(
      Object.entries(objects).map((
        [file, [value, doc, comments]],
      ) => [file, yamlText(value, `${doc}\nWritten from deploy.yaml by \`agentchat deploy\`.`, comments)]),
    ),
  }
}

export const kubernetesPlan: Planner = (spec, folder) => {
  const { name, image, port, domain, store, nats, kubernetes: { namespace } } = spec
  const place = join(folder, 'kubernetes')
  return {
    target: 'kubernetes',
    files: Object.entries(manifests(spec)).map(([file, text]) => ({
      path: join(place, file),
      text,
      doc: /^# (.*)$/m.exec(text)?.[1] ?? file,
    })),
    commands: [
      { argv: ['kubectl', 'apply', '--kustomize', place], doc: 'create or change the objects' },
      {
        argv: [
          'kubectl',
          'rollout',
          'status',
          `${nats === undefined ? 'statefulset' : 'deployment'}/${name}`,
          '--namespace',
          namespace,
          '--timeout',
          '180s',
        ],
        doc: 'wait until it is ready',
      },
    ],
    messages: [],
    cost: `what your cluster costs; of it, ${sizeText(spec)}`,
    url: urlOf(spec),
    notes: [
      ...(image.includes('/') ? [] : [`${image} names no registry: a cluster can hardly pull it`]),
      ...(domain === undefined
        ? [`Only the cluster reaches it; from here: kubectl port-forward --namespace ${namespace} service/${name} ${port}`]
        : []),
      `Secrets, if any: kubectl create secret generic ${name}-secrets --namespace ${namespace} --from-literal=AGENTCHAT_ADMIN_KEY=…`,
      ...(store === undefined
        ? ['The size of a volume that exists cannot be changed here: see your storage class']
        : storeNotes(store, `the secret ${name}-secrets, like that`)),
      ...(nats === undefined ? [] : natsNotes(nats, `the secret ${name}-secrets, like that`, spec.kubernetes.egress)),
    ],
  }
}
