// @ts-check
// What a relay of several processes has to show, (a) to (g), as figures. Every process, both servers and the load share the machine: where it has
// few cores, wall clock says little, and CPU time per delivery at each process says what a core of its own would carry.
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inParallel } from '../load/sessions.mjs'
import { connect as connectClient } from '../load/client.mjs'
import { agentchat as peer, bin } from '../peers/agentchat.mjs'
import { ask, websocket } from '../load/websocket.mjs'
import { inspected, keptBy } from './kept.mjs'
import { measure } from './load.mjs'
import { startAlone, startCluster } from './servers.mjs'

/**
 * @typedef {object} How
 * @property {string | undefined} loadFile
 * @property {number} runMs
 * @property {boolean} isQuick
 * @property {string | undefined} before a build from before there were several processes
 */

/** @typedef {Record<string, number | string>} Row */
/** @typedef {{ readonly name: string, readonly title: string, readonly run: (how: How) => Promise<readonly Row[]> }} Question */

const counts = [1, 2, 3]
const upTo = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i)
const mean = (/** @type {readonly number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (/** @type {readonly number[]} */ values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const at = (/** @type {readonly number[]} */ values, /** @type {number} */ part) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)]
const of = (/** @type {import('./servers.mjs').Cluster} */ cluster, /** @type {How} */ how) => ({ ...how, postgresCpu: () => cluster.postgresCpu, natsCpu: () => cluster.natsCpu })

/** What so many processes would deliver, each with a core of its own, beside so many times what one alone would. @param {readonly number[]} micros @param {number} alone */
const linearity = (micros, alone) => micros.reduce((sum, each) => sum + 1 / each, 0) / (micros.length / alone)

const fanOut = (/** @type {number} */ members) => ({ rooms: 1, at: () => upTo(members).map(() => 0), senders: 10, window: 10 })
const manyRooms = { rooms: 100, at: () => upTo(10).map(() => 0), senders: 10, window: 10 }

/**
 * Bytes for each connection that sits idle. A thousand come and go first: code that runs for the first time is compiled, and is nobody's.
 * @param {string} build @param {How} how
 */
const keptByConnection = async (build, { isQuick }) => {
  const { relay, stop } = await startAlone(build, 'normal', inspected)
  const open = (/** @type {string} */ prefix, /** @type {number} */ count) => inParallel(upTo(count), i => peer.open(relay.url, `${prefix}-${i}`))
  try {
    for (const client of await open('first', isQuick ? 100 : 1_000)) client.destroy()
    await sleep(500)
    const before = await keptBy(relay)
    const idle = await open('idle', isQuick ? 100 : 4_000)
    await sleep(500)
    const after = await keptBy(relay)
    for (const client of idle) client.destroy()
    return { 'kB/connection': (after.resident - before.resident) / idle.length, 'kB/connection of it in JavaScript': (after.heap - before.heap) / idle.length }
  } finally {
    await stop()
  }
}

/** @type {Question} */
const alone = {
  name: 'a',
  title: 'one process on SQLite, as it was before there were several',
  async run(how) {
    const builds = { now: bin, ...how.before !== undefined && { before: how.before } }
    /** @type {Record<string, number[]>} */
    const seen = {}
    const note = (/** @type {string} */ what, /** @type {number} */ value) => (seen[what] ??= []).push(value)
    // In turns, so that what else the machine does falls on both.
    for (let round = 0; round < (how.isQuick ? 1 : 5); round++) {
      for (const [name, build] of Object.entries(builds)) {
        for (const [what, bytes] of Object.entries(await keptByConnection(build, how))) note(`${name} ${what}`, bytes / 1_024)
        const { relay, stop } = await startAlone(build, 'normal')
        try {
          for (const [what, shape] of /** @type {const} */ ([['fan-out 1 × 500', fanOut(how.isQuick ? 50 : 500)], ['100 rooms × 10', manyRooms]]))
            note(`${name} ${what}, CPU µs/delivery`, (await measure([relay], shape, how)).micros[0])
        } finally {
          await stop()
        }
      }
    }
    return ['kB/connection', 'kB/connection of it in JavaScript', 'fan-out 1 × 500, CPU µs/delivery', '100 rooms × 10, CPU µs/delivery'].map(what => {
      const [now, before] = ['now', 'before'].map(name => seen[`${name} ${what}`])
      const spread = (/** @type {number[]} */ values) => (Math.max(...values) - Math.min(...values)) / median(values) * 100
      return { '': what, now: median(now), ...before !== undefined && { before: median(before), 'now ÷ before': median(now) / median(before) }, 'spread of a build’s rounds, %': spread(now) }
    })
  },
}

/** @type {Question} */
const store = {
  name: 'b',
  title: 'one process, by its store: every commit survives a power loss; data in memory',
  async run(how) {
    const crowd = { rooms: 10, at: () => [0, 0], senders: 2, window: 20 }
    const lone = { rooms: 1, at: () => [0], window: 1 }
    /** @type {Row[]} */
    const rows = []
    const add = (/** @type {string} */ name, /** @type {import('./load.mjs').Measured} */ one, /** @type {import('./load.mjs').Measured} */ many) => rows.push({
      '': name, 'one sender, ms/message': 1_000 / one.messages, '10 rooms × 2, messages/s': many.messages, 'relay CPU µs/message': many.micros[0] * 2, 'PostgreSQL CPU µs/message': many.postgres,
    })
    const sqlite = await startAlone()
    try {
      add('SQLite', await measure([sqlite.relay], lone, how), await measure([sqlite.relay], crowd, how))
    } finally {
      await sqlite.stop()
    }
    for (const isAlone of [true, false]) {
      const cluster = await startCluster(1, { isAlone })
      try {
        add(isAlone ? 'PostgreSQL' : 'PostgreSQL and NATS', await measure(cluster.relays, lone, of(cluster, how)), await measure(cluster.relays, crowd, of(cluster, how)))
      } finally {
        await cluster.stop()
      }
    }
    return rows
  },
}

/** @type {Question} */
const deliveries = {
  name: 'c',
  title: 'deliveries by 1, 2 and 3 processes',
  async run(how) {
    const size = how.isQuick ? 20 : 100
    const roomsEach = how.isQuick ? 2 : 10
    /** @type {Record<string, (count: number) => import('./load.mjs').Shape>} */
    const shapes = {
      // As connections grow: each process has as many members of each room.
      'members grow': count => ({ rooms: roomsEach, at: () => upTo(size * count).map(i => i % count), perSecond: 20 }),
      // As rooms grow: each has as many members as before, at all processes.
      'rooms grow': count => ({ rooms: roomsEach * count, at: room => upTo(size).map(i => (i + room) % count), perSecond: 20 }),
    }
    /** @type {Row[]} */
    const rows = []
    for (const [name, shapeOf] of Object.entries(shapes)) {
      let one = NaN
      for (const count of counts) {
        const cluster = await startCluster(count)
        try {
          const paced = await measure(cluster.relays, shapeOf(count), of(cluster, how))
          const { perSecond: _, ...shape } = shapeOf(count)
          const flat = await measure(cluster.relays, { ...shape, window: 10 }, of(cluster, how))
          if (count === 1) one = paced.micros[0]
          rows.push({
            '': name, processes: count, 'CPU µs/delivery, each process': paced.micros.map(each => each.toFixed(2)).join(' '), 'of linear, by CPU': linearity(paced.micros, one),
            'deliveries/s paced': paced.deliveries, 'as fast as this machine goes, deliveries/s': flat.deliveries, 'then CPU µs/delivery': mean(flat.micros), 'NATS CPU µs/message': paced.nats,
          })
        } finally {
          await cluster.stop()
        }
      }
    }
    return rows
  },
}

/** @type {Question} */
const writes = {
  name: 'd',
  title: 'messages stored by 1, 2 and 3 processes: 10 rooms × 2 at each, 20 outstanding per room',
  async run(how) {
    /** @type {Row[]} */
    const rows = []
    for (const count of counts) {
      const cluster = await startCluster(count)
      try {
        const seen = await measure(cluster.relays, { rooms: 10 * count, at: room => [room % count, room % count], senders: 2, window: 20 }, of(cluster, how))
        rows.push({
          processes: count, 'messages/s': seen.messages, 'relay CPU µs/message': mean(seen.micros) * 2, 'PostgreSQL CPU µs/message': seen.postgres, 'PostgreSQL busy, % of a core': seen.postgresBusy,
          'relays busy, % of a core each': mean(seen.busy), 'what a core of PostgreSQL stores/s': 1e6 / seen.postgres,
        })
      } finally {
        await cluster.stop()
      }
    }
    return rows
  },
}

/** @type {Question} */
const latency = {
  name: 'e',
  title: 'how long a message takes to the same process, and to another one: 30 rooms of 3 processes, 5 and 20 messages a second each',
  async run(how) {
    /** @type {Row[]} */
    const rows = []
    const cluster = await startCluster(3)
    try {
      for (const perSecond of [5, 20]) {
        for (const [name, far] of /** @type {const} */ ([['the same', 0], ['another', 1]])) {
          const shape = { rooms: 30, at: (/** @type {number} */ room) => [room % 3, (room + far) % 3], perSecond, counts: 1 }
          const { latency: took, messages } = await measure(cluster.relays, shape, of(cluster, how))
          rows.push({ process: name, 'messages/s in all': messages, 'p50 ms': (took?.p50 ?? NaN) / 1_000, 'p99 ms': (took?.p99 ?? NaN) / 1_000 })
        }
      }
    } finally {
      await cluster.stop()
    }
    return rows
  },
}

/** Connections go to the processes that run, in turns. @param {() => readonly number[]} ports */
const balancer = async ports => {
  let turn = 0
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  const server = createServer({ noDelay: true }, client => {
    const running = ports()
    const relay = connect({ host: '127.0.0.1', port: running[turn++ % running.length], noDelay: true })
    for (const [from, to] of [[client, relay], [relay, client]]) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `ws://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** @type {Question} */
const failover = {
  name: 'f',
  title: 'a process of three is killed: until its clients have resumed elsewhere, and until those who were there alone are offline for others',
  async run(how) {
    const built = (/** @type {string} */ file) => import(pathToFileURL(join(dirname(bin), '../lib', file)).href)
    const [{ AgentChatClient }, { createVerify, wsTransport, nodeIdentity }, { generateKeyPairSync }] = await Promise.all([built('index.js'), built('node/index.js'), import('node:crypto')])
    const { newKey, openKeyed } = await import('../peers/agentchat.mjs')
    /** @type {Set<string>} */
    const dead = new Set()
    const front = await balancer(() => cluster.relays.filter(({ url }) => !dead.has(url)).map(({ url }) => Number(new URL(url).port)))
    const cluster = await startCluster(3, { publicUrl: front.url })
    const clients = upTo(how.isQuick ? 12 : 90).map(i => new AgentChatClient({
      server: front.url, name: `client-${i}`, transport: wsTransport, verify: createVerify(),
      identity: nodeIdentity(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    }))
    /** @type {number[]} */
    const resumed = []
    /** @type {number[]} */
    const offline = []
    try {
      for (const client of clients) {
        await client.connect()
        await client.join('#general')
      }
      for (let round = 0; round < (how.isQuick ? 1 : 5); round++) {
        const victim = cluster.relays.find(({ url }) => !dead.has(url))
        const witness = cluster.relays.find(({ url }) => !dead.has(url) && url !== victim?.url)
        if (victim === undefined || witness === undefined) throw new Error('nobody is left')
        const lonely = await openKeyed(victim.url, 'lonely', newKey())
        lonely.socket.on('error', () => undefined)
        const watcher = await connectClient(witness.url, websocket)
        await ask(watcher, { type: 'IDENTIFY', name: 'watcher', autojoin: false }, 'WELCOME')
        await ask(watcher, { type: 'WATCH', agents: [lonely.address] }, 'WATCHING')
        let lost = 0
        /** @type {(() => void)[]} */
        const stops = []
        const again = new Promise(resolve => {
          for (const client of clients) {
            let isLost = false
            stops.push(client.on('status', (/** @type {{ kind: string }} */ status) => {
              if (status.kind === 'lost') {
                isLost = true
                lost++
              } else if (status.kind === 'connected' && isLost) {
                isLost = false
                resumed.push(performance.now() - killedAt)
                if (--lost === 0) resolve(undefined)
              }
            }))
          }
        })
        const gone = new Promise(resolve => {
          watcher.onText = (bytes, start, end) => {
            if (!bytes.toString('utf8', start, end).includes('"offline"')) return
            offline.push(performance.now() - killedAt)
            resolve(undefined)
          }
        })
        const killedAt = performance.now()
        dead.add(victim.url)
        await victim.end('SIGKILL')
        await Promise.all([again, gone])
        // Whoever was not there this time is not to count the next time from here.
        for (const stop of stops) stop()
        watcher.onClosed = () => undefined
        watcher.destroy()
        cluster.relays.splice(cluster.relays.indexOf(victim), 1)
        await cluster.add()
      }
    } finally {
      for (const client of clients) await client.close().catch(() => undefined)
      front.close()
      await cluster.stop()
    }
    const row = (/** @type {string} */ what, /** @type {number[]} */ ms) => ({ until: what, of: ms.length, 'p50 s': at(ms, 0.5) / 1_000, 'p99 s': at(ms, 0.99) / 1_000, 'longest s': Math.max(...ms) / 1_000 })
    return [row('a client has resumed elsewhere', resumed), row('who was there alone is offline', offline)]
  },
}

/** @type {Question} */
const mirror = {
  name: 'g',
  title: 'what every process knows of the others: channels, and sessions elsewhere',
  async run(how) {
    const channels = how.isQuick ? 1_000 : 10_000
    const sessions = how.isQuick ? 300 : 3_000
    /** @type {Row[]} */
    const rows = []
    const cluster = await startCluster(3)
    const [one, two, three] = cluster.relays
    const note = (/** @type {string} */ what, /** @type {number} */ startMs) => rows.push({ '': what, 'a process starts in, ms': startMs, 'MB of one that serves nobody': three.bytes / 2 ** 20 })
    const timed = async () => {
      const relay = await cluster.add()
      cluster.relays.pop()
      await relay.end('SIGTERM')
      return relay.startMs
    }
    try {
      await sleep(2_000)
      note('nothing', median([await timed(), await timed(), await timed()]))
      const makers = await inParallel(upTo(20), i => peer.open(i % 2 === 0 ? one.url : two.url, `maker-${i}`))
      await Promise.all(makers.map(async (client, i) => {
        for (let n = i; n < channels; n += makers.length) await peer.join(client, `#room-${n}`, true)
      }))
      for (const client of makers) client.destroy()
      await sleep(2_000)
      note(`${channels.toLocaleString('en')} channels`, median([await timed(), await timed(), await timed()]))
      const here = await inParallel(upTo(sessions), i => peer.open(i % 2 === 0 ? one.url : two.url, `session-${i}`))
      await inParallel(here, (client, i) => peer.join(client, `#room-${i % channels}`, false))
      await sleep(2_000)
      note(`and ${sessions.toLocaleString('en')} sessions elsewhere, each in a channel`, median([await timed(), await timed(), await timed()]))
      for (const client of here) client.destroy()
    } finally {
      await cluster.stop()
    }
    return rows
  },
}

export const questions = [alone, store, deliveries, writes, latency, failover, mirror]
