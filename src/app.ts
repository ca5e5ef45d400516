// COMPOSITION ROOT: config → store, features, relay; start and stop order. Nothing else wires.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fingerprintOf } from '../lib/identity/index.ts'
import { createVerify, createVerifyAsync } from '../lib/node/crypto.ts'
import { DEFAULT_PORT, DEFAULT_WEB_PORT, limits, type FrameBody } from '../lib/protocol/index.ts'
import { SharedClock, systemClock, type Clock } from './base/clock.ts'
import { createLogger } from './base/log.ts'
import { LogTail } from './base/log-tail.ts'
import type { Logger } from './base/logger.ts'
import { memoryLimit, ordinaryMemoryBytes } from './base/memory.ts'
import { createMetrics } from './base/metrics.ts'
import { openFilesLimit } from './base/open-files.ts'
import { sealOf } from './base/seal.ts'
import { version } from './base/version.ts'
import { agreementOf } from './config/agreement.ts'
import { readBrand } from './config/brand.ts'
import { ConfigError, type ConfigProblem } from './config/load.ts'
import { policiesOf } from './domain/policies.ts'
import { shownSettings } from './config/describe.ts'
import type { Config } from './config/schema.ts'
import { hostInUrl, isAnywhere, relayUrl } from './config/url.ts'
import { agentsNamed } from './domain/named-agents.ts'
import { ownOrigins } from './domain/own-origins.ts'
import { openConsole } from './doors/console/door.ts'
import { Bearers } from './doors/http/bearer.ts'
import { FilesDoor } from './doors/files/door.ts'
import { Http } from './doors/http/door.ts'
import { Hooks } from './doors/http/hooks.ts'
import { refusalOf } from './doors/http/problem.ts'
import { needs } from './doors/http/scopes.ts'
import { isLoopbackHost } from './doors/mcp/loopback.ts'
import { McpMount } from './doors/mcp/mount.ts'
import { featureMigrations, features, motdKey } from './features/index.ts'
import type { EscrowEvent } from './features/trade/proposals/escrow-event.ts'
import { openFiles } from './files/open.ts'
import { keepFileMs } from './features/talk/files/handlers.ts'
import { findUpload } from './store/files.ts'
import { createKeeper } from './keeping/keeper.ts'
import type { Keeper } from './keeping/orders.ts'
import { discovery } from './outbound/discovery.ts'
import { addressGuard, type Resolve } from './outbound/guard.ts'
import { strangersResolve } from './outbound/resolve.ts'
import { moltbook } from './outbound/moltbook.ts'
import { paymentProcessor } from './outbound/processor.ts'
import { webhookSender } from './outbound/webhooks.ts'
import { openLinks, problemsOfKeys } from './linking.ts'
import { earsOf, openBus, problemsOfSeveral, standingOf } from './processes.ts'
import { openPeople } from './people.ts'
import { relaySecrets } from './relay-key.ts'
import { isWelcomeOrigin } from './relay/browser-origin.ts'
import { certificateProblem } from './relay/certificate.ts'
import { Addresses } from './relay/address.ts'
import { roomForSockets } from './relay/door.ts'
import type { Inside } from './relay/inside.ts'
import type { MessagePrice } from './relay/price.ts'
import { Relay } from './relay/relay.ts'
import type { Pace } from './relay/sweeper.ts'
import { Shares } from './relay/shares.ts'
import type { RelayBus } from './relay/told.ts'
import { Verifier } from './relay/verifier.ts'
import { agentMigrations } from './store/agents.ts'
import { loadChannels } from './store/channels.ts'
import { addConfiguredChannels } from './store/configured-channels.ts'
import { addressBans } from './store/standing.ts'
import { readMeta } from './store/meta.ts'
import { openStore } from './store/open.ts'
import type { Migration, OpenStore } from './store/store.ts'

/** A relay that accepts connections. */
export interface RunningRelay {
  /** Where to connect from this machine, e.g. ws://localhost:6667 */
  readonly url: string
  readonly port: number
  /** The second port, where there is one. */
  readonly webPort?: number
  /** Where the console is, for a browser on this machine. */
  readonly consoleUrl?: string
  /** Where somebody becomes the relay's operator, once and within an hour; not there where there is one, or no accounts are taken. */
  readonly setUpUrl?: string
  /** Where /metrics is, if it has a port of its own. */
  readonly metricsPort?: number
  /** The relay's own identity: SHA-256 of its public key, in hex. */
  readonly serverId: string
  /** @internal Agents without a socket, in this process: what a door of the relay is to it may change with any version. */
  readonly inside: Inside
  /** Commits what is queued, tells clients to come back, and stops. */
  drain(): Promise<void>
  /**
   * Resolves with why it has to be drained and started again: its database lacks what it had acknowledged (a failover to a standby that was
   * behind, a backup), so that the log has a new epoch and it stores nothing more; or another process of the relay took its name.
   */
  readonly renewed: Promise<string>
  /** Reads the certificate files again. */
  reloadTls(): void
}

/** What a program that runs a relay can put in the place of its own: clock, log, storage, and ears. */
export interface RelayParts {
  readonly clock?: Clock
  readonly log?: Logger
  /** ms on a clock that only goes on: how long work takes, by which the turns of the event loop are shared out */
  readonly elapsed?: () => number
  /** 0 ≤ random < 1 */
  readonly random?: () => number
  /** @internal Another pace than once a second: a clock that is moved by hand is looked at sooner, and not set by a database's. */
  readonly pace?: Partial<Pace> & { readonly deviceMs?: number, readonly isOwnTime?: boolean, readonly linkMs?: number }
  /** @internal What other processes on the same store tell, and are told. */
  readonly bus?: RelayBus
  /** @internal Another store, or one that is watched: what a store is to the relay may change with any version. */
  readonly openStore?: OpenStore
  /** @internal What the names of webhooks' hosts are found to be, in the place of the system's answer. */
  readonly resolve?: Resolve
  /** @internal Where the console's files are, in the place of the package's own. */
  readonly consoleFolder?: string
  /** Where Moltbook's API is, for trying it against a stand-in. */
  readonly moltbookBase?: string
  /** Doors load their packages when they are first asked: the start is quicker, and the first who asks makes everybody wait a little. */
  readonly loadsLate?: boolean
  /** Told of money that is held and moved for proposals, after it is committed. */
  readonly onEscrow?: (event: EscrowEvent) => void
}

/** @internal The tables of this version. */
export const migrations: readonly Migration[] = [agentMigrations, ...featureMigrations]

/** Export, import, backup and restore of what a relay keeps. */
export const openKeeper = (): Promise<Keeper> => createKeeper(migrations)

/**
 * Starts a relay.
 * @throws StorageError, ListenError: each with a `hint` that says what to do next.
 * @example
 * const relay = await startRelay(defaultConfig({ port: 0, data: ':memory:' }))
 * console.log(relay.url)
 * await relay.drain()
 */
export const startRelay = async (config: Config, parts: RelayParts = {}): Promise<RunningRelay> => {
  // Processes on several machines go by the clock of their database.
  const clock = config.nats === undefined || parts.pace?.isOwnTime === true
    ? parts.clock ?? systemClock
    : new SharedClock(parts.clock ?? systemClock)
  const tail = new LogTail(clock.now())
  const log = tail.watching(parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat }))
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex')
  const random = parts.random ?? Math.random
  const metrics = createMetrics()
  const verifier = new Verifier()
  const verifyAsync = createVerifyAsync()
  const maxMemoryBytes = config.maxMemory ?? memoryLimit() ?? ordinaryMemoryBytes

  const problems: ConfigProblem[] = []
  const policies = await policiesOf(config, (where, problem) => problems.push({ where, message: `${where}: ${problem}` }))
  problems.push(...problemsOfSeveral(config), ...problemsOfKeys(config))
  if (problems.length > 0) throw new ConfigError(problems)
  const { price } = policies
  const messagePrice: MessagePrice | undefined = price
    && (({ id, name, verified }, said) =>
      price({
        ...said,
        ...('msg_id' in said && { in_reply_to: said.msg_id, edit: true }),
        type: 'MSG',
        from: id,
        from_name: name,
        verified,
      }))

  const { renewed, renew, ...ears } = earsOf(log, metrics)
  const store = await (parts.openStore ?? openStore)({
    store: config.store,
    isShared: config.nats !== undefined,
    data: config.data,
    durability: config.durability,
    migrations,
    maxDataBytes: config.maxDataBytes ?? (config.data === ':memory:' ? Math.floor(maxMemoryBytes / 4) : undefined),
    newEpoch: () => randomHex(8),
    search: config.search,
    ...ears,
  })
  let joined: RelayBus | undefined
  try {
    const { serverId, relayKey, rotations, formerIds, signAsRelay, resumeSecret } = await relaySecrets(store, randomHex)
    await addConfiguredChannels(store, config, clock.now())
    const wireLimits = {
      max_frame_bytes: config.maxFrameBytes,
      max_content_bytes: config.maxContentBytes,
      msg_rate: config.msgRate,
      msg_burst: config.msgBurst,
      max_page: limits.maxPage,
      max_pending_bytes: config.maxPendingBytes,
      ping_interval_ms: config.pingIntervalMs,
    } satisfies FrameBody<'WELCOME'>['limits']
    const { escrowWebhook, escrowSecret } = config
    const processor = escrowWebhook === undefined || escrowSecret === undefined
      ? undefined
      : paymentProcessor({
        url: escrowWebhook,
        secret: escrowSecret,
        allow: config.outboundAllow,
        now: () => clock.now(),
        onProblem: ({ key, op }, reason) => log.warn({ key, op, reason }, 'the payment processor did not do what it was asked'),
      })
    const stopping = new AbortController()
    const resolve = parts.resolve ?? strangersResolve()
    const guard = addressGuard({ allow: config.outboundAllow }, resolve)
    const { look, page, announce } = discovery({ guard, signal: stopping.signal })
    // Where it listens is known once it does.
    let listensAt: readonly string[] = []
    const addresses = new Addresses([], config.ipv6PrefixBits)
    const addressOf = (text: string) => addresses.ofPeer(text)
    const admins = agentsNamed(config.adminAgents, fingerprintOf)
    const arbiters = agentsNamed(config.arbiters, fingerprintOf)
    for (const [setting, { byId }] of Object.entries({ adminAgents: admins, arbiters })) {
      if (byId.length > 0)
        log.warn({ [setting]: byId },
          `${setting} names agents by ids, which two keys can be made to share: name the fingerprints of their keys`)
    }
    const origins = ownOrigins({ publicUrls: config.publicUrls, isTls: config.cert !== undefined })
    const incarnation = randomHex(8)
    const hookSeal = sealOf(resumeSecret, 'hooks')
    const webhookSeal = sealOf(resumeSecret, 'webhooks')
    const { filesBucket, filesBucketKey, filesBucketSecret, filesBucketRegion } = config
    const files = await openFiles({
      data: config.data,
      bucket: filesBucket === undefined || filesBucketKey === undefined || filesBucketSecret === undefined
        ? undefined
        : { url: filesBucket, keyId: filesBucketKey, secret: filesBucketSecret, region: filesBucketRegion },
      check: config.fileCheck,
      isKnown: async upload => (await findUpload(store.read, upload))?.whole === 0,
    })
    const accounts = config.accounts && config.wings.includes('account')
    const table = features({
      fileBytes: files,
      fileStore: store,
      addressOf,
      ...config,
      ...limits,
      accounts,
      isShared: config.nats !== undefined,
      policies,
      serverName: config.name,
      defaultLimit: config.joinReplay,
      limits: wireLimits,
      serverId,
      epoch: store.epoch,
      ...{ relayKey, rotations, formerIds },
      signAsRelay,
      resumeSecret,
      shares: new Shares(config),
      admins,
      arbiters,
      origins,
      verify: createVerify(),
      verifyAsync,
      verifyMessage: (...signed) => verifier.verify(...signed),
      randomHex,
      randomBytes,
      sealHook: secret => hookSeal.close(secret),
      sealWebhook: secret => webhookSeal.close(secret),
      openWebhook: sealed => webhookSeal.open(sealed),
      sender: webhookSender({ allow: config.outboundAllow, resolve, signal: stopping.signal }),
      errandLimits: { perOwner: config.maxErrandsPerAgent, all: config.maxErrands },
      ...{ worker: incarnation, incarnation },
      onErrands: counts => {
        for (const [state, count] of Object.entries(counts)) metrics.errands.set({ state }, count)
      },
      isStopping: () => stopping.signal.aborted,
      logLines: query => tail.page(query),
      shownSettings: () => shownSettings(config),
      onPosted: event => {
        metrics.webhookPosts.inc({ outcome: event.outcome })
        if (event.outcome === 'off') log.warn(event, 'a webhook was switched off')
        else log.debug(event, 'a webhook was posted')
      },
      onEscrow: parts.onEscrow,
      processor,
      random,
      elapsed: () => performance.now(),
      pause: () => new Promise(resolve => setImmediate(resolve)),
      urls: () => config.publicUrls.length > 0 ? config.publicUrls : listensAt,
      lookAt: look,
      pull: page,
      sendAnnouncement: announce,
      onAnnounced: ({ ok, ...event }) =>
        ok ? log.info(event, 'announced to a directory') : log.warn(event, 'a directory did not take the announcement; it is tried again'),
      places: config.moltbookKey === undefined
        ? []
        : [
          moltbook({
            key: config.moltbookKey,
            isLive: config.moltbookLive,
            submolt: config.moltbookSubmolt,
            guard,
            now: () => clock.now(),
            signal: stopping.signal,
            ...(parts.moltbookBase !== undefined && { base: parts.moltbookBase }),
          }),
        ],
      onPost: event =>
        event.state === 'posted' || event.state === 'dry-run' || event.state === 'queued'
          ? log.info(event, 'an announcement went on')
          : log.warn(event, 'an announcement needs a look: agentchat announce list'),
      ...await openLinks({ ...parts.pace, store, log, metrics, guard, relayKey, name: config.name, clock, random, stopping }),
      onPullFailed: event => log.warn(event, 'another directory could not be read; it is tried again'),
    })
    const maxConnections = Math.min(config.maxConnections, roomForSockets(openFilesLimit() ?? Infinity))
    if (maxConnections < config.maxConnections)
      log.warn({ maxConnections },
        `fewer connections are taken than the ${config.maxConnections} of maxConnections: the process may not open `
          + 'enough files (ulimit -n, LimitNOFILE)')
    const bus = joined = parts.bus ?? await openBus(config, log)
    const http = config.http
      ? new Http({
        inside: () => relay.inside,
        store,
        clock,
        log,
        serverName: config.name,
        serverId,
        version,
        maxFrameBytes: config.maxFrameBytes,
        random,
        verify: verifyAsync,
        isOwnHost: origins.isOwnHost,
        seal: sealOf(resumeSecret, 'answers'),
        guestSeal: sealOf(resumeSecret, 'newcomers'),
        ticketSeal: sealOf(resumeSecret, 'stream tickets'),
        legacyTrade: config.legacyTrade,
      })
      : undefined
    const hooks = config.http
      ? new Hooks({ inside: () => relay.inside, store, clock, log, openSecret: sealed => hookSeal.open(sealed) })
      : undefined
    const isLoopback = isLoopbackHost(hostInUrl(config.host))
    if (config.conformanceFixtures && !isLoopback)
      throw new ConfigError([{
        where: 'conformanceFixtures',
        message: 'it answers everybody: it wants a relay on the loopback (host: 127.0.0.1)',
      }])
    const bearers = new Bearers({ inside: () => relay.inside, store, clock, via: 'mcp' })
    const mcp = config.mcp
      ? new McpMount({
        ...{ inside: () => relay.inside, store, incarnation },
        admit: async visit => {
          const bearer = await bearers.of(visit).catch((error: unknown) => {
            throw refusalOf(error)
          })
          return {
            caller: bearer,
            token: bearer.token ?? '',
            lacks: type => {
              const needed = needs[type]
              const scope = needed === 'signed' ? 'deals' : needed
              return (bearer.scopes as ReadonlySet<string>).has(scope) ? undefined : scope
            },
            isStructured: visit.query.get('structured') === '1',
            watch: ended => bearers.watch(bearer, ended),
          }
        },
        isWelcome: (origin, host) => isWelcomeOrigin(origin, host, config.allowedOrigins.filter(each => each !== '*')),
        isLoopback,
        fixtures: config.conformanceFixtures,
        secret: resumeSecret,
        maxWaitMs: config.mcpMaxWaitMs,
        serverName: config.name,
        urls: () => config.publicUrls.length > 0 ? config.publicUrls : listensAt,
        now: () => clock.now(),
        failed: error => {
          const incident = randomHex(6)
          log.error({ err: error, incident }, 'the MCP door failed')
          return incident
        },
      })
      : undefined
    const fileDoor = new FilesDoor({
      files,
      store,
      clock,
      log,
      secret: resumeSecret,
      maxFileBytes: config.maxFileBytes,
      keepMs: keepFileMs,
    })
    const brand = config.brand === undefined ? undefined : readBrand(config.brand)
    const people = accounts
      ? openPeople({
        ...{ config, brand, store, clock, log, serverId, resolve, secret: resumeSecret, signal: stopping.signal },
        signedOut: () => void relay.bonds.check(),
        paceMs: parts.pace?.deviceMs,
      })
      : undefined
    const consoleDoor = config.console ? openConsole(log, brand, parts.consoleFolder) : undefined
    const relay: Relay = new Relay({
      ...config,
      version,
      webPort: config.webPort ?? (config.port === DEFAULT_PORT ? DEFAULT_WEB_PORT : undefined),
      isWebPortNeeded: config.webPort !== undefined,
      maxConnections,
      maxOwedBytes: Math.floor(maxMemoryBytes / 4),
      messageRate: { perSecond: config.msgRate, burst: config.msgBurst },
      addressRate: { perSecond: config.addressRate, burst: config.addressBurst },
      frameRate: { perSecond: config.frameRate, burst: config.frameBurst },
      addressFrameRate: { perSecond: config.addressFrameRate, burst: config.addressFrameBurst },
    }, {
      store,
      handlers: table.handlers,
      messagePrice,
      duties: table.duties,
      admit: table.admit,
      signIns: people?.signIns,
      doors: [http, hooks, mcp, fileDoor, people?.door, consoleDoor].filter(door => door !== undefined),
      ...{ facts: table.facts, news: table.news },
      routes: table.routes,
      isOwnHost: origins.isOwnHost,
      channels: await loadChannels(store.read),
      addressBans: await addressBans(store.read, addressOf),
      bus,
      process: {
        ...{ incarnation, version },
        configHash: agreementOf(config),
        motdKey: config.motd === undefined ? motdKey : undefined,
        addressOf,
        ...standingOf(clock, { renew }),
      },
      motd: config.motd ?? await readMeta(store.read, motdKey) ?? null,
      clock,
      elapsed: parts.elapsed ?? (() => performance.now()),
      log,
      metrics,
      random,
      pace: { tickMs: 1_000, sweepMs: 1_000, signalMs: 1_000, ...parts.pace },
    })
    if (parts.loadsLate !== true) await Promise.all([mcp?.load(), people?.load()])
    const port = await relay.start()
    const setUpUrl = await people?.listens([...(relay.webPort === undefined ? [] : [relay.webPort]), port])
    const { isTls } = relay
    const url = relayUrl({ isTls, host: config.host === '127.0.0.1' ? 'localhost' : config.host, port })
    if (!isAnywhere(config.host)) listensAt = [`${isTls ? 'wss' : 'ws'}://${hostInUrl(config.host)}:${port}`]
    const checkCertificate = (): void => {
      const problem = config.cert === undefined ? undefined : certificateProblem(readFileSync(config.cert), clock.now())
      if (problem !== undefined) log.warn({ cert: config.cert }, problem)
    }
    checkCertificate()
    log.info({
      url,
      ...(relay.webPort !== undefined && { webPort: relay.webPort }),
      serverId,
      epoch: store.epoch,
      data: config.data,
      maxMemoryBytes,
    }, 'relay listens')
    return {
      url,
      port,
      serverId,
      inside: relay.inside,
      renewed,
      ...(setUpUrl !== undefined && { setUpUrl }),
      ...(consoleDoor !== undefined && { consoleUrl: consoleDoor.urlAt(url, relay.webPort ?? port) }),
      ...(relay.webPort !== undefined && { webPort: relay.webPort }),
      ...(relay.metricsPort !== undefined && { metricsPort: relay.metricsPort }),
      drain: async () => {
        log.info('draining')
        // What others do as well is theirs at once; alone it goes on for as long as it serves.
        if (!bus.isAlone) stopping.abort()
        await relay.drain(() => stopping.abort())
        await mcp?.close()
        await bus.close()
        await files.close()
        await store.close()
        await verifier.close()
        metrics.close()
        log.info('stopped')
      },
      reloadTls: () => {
        relay.reloadTls()
        checkCertificate()
      },
    }
  } catch (error) {
    await joined?.close()
    await store.close()
    metrics.close()
    throw error
  }
}

/** @internal */
export { accountBook } from './people.ts'
/** @internal */
export { lookAtBus, problemsOfSeveral, processesOf } from './processes.ts'
export { defaultConfig, type Config } from './config/schema.ts'
export { ListenError } from './relay/listen-error.ts'
export { KeepingError } from './keeping/failure.ts'
export type { EscrowEvent } from './features/trade/proposals/escrow-event.ts'
export type { Keeper } from './keeping/orders.ts'
export type { Clock } from './base/clock.ts'
export type { Logger } from './base/logger.ts'
export { StorageError } from './store/failure.ts'
