// @ts-check
// What a database server costs beside SQLite, both with a commit that survives a power loss: a sender who waits for each message, and twenty who
// do not. Only where AGENTCHAT_BENCH_STORE names a database: postgres://…, empty or left by such a run. Its own CPU is not in the figures.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bin } from '../peers/agentchat.mjs'
import { rooms } from './rooms.mjs'

const shape = { only: /** @type {const} */ ('agentchat'), family: 'store: agentchat', ratios: [] }
const server = process.env['AGENTCHAT_BENCH_STORE']
/** @type {Readonly<Record<string, readonly string[]>>} */
const places = server === undefined ? {} : { sqlite: ['--durability', 'full'], postgres: ['--store', server] }

/** @type {readonly import('./index.mjs').Workload[]} */
export const stores = [
  { name: 'store-alone', title: 'one sender, 1 outstanding', rooms: 1, members: 1, senders: 1, window: 1 },
  { name: 'store-crowd', title: '10 rooms × 2, 20 outstanding per room', rooms: 10, members: 2, senders: 2, window: 20 },
].flatMap(({ name, title, ...load }) =>
  Object.entries(places).map(([place, flags]) => rooms({ ...shape, ...load, name: `${name}-${place}`, title: `${place}: ${title}`, flags })))

/** One message at a time, through the store alone. @type {import('./index.mjs').Workload} */
export const storeWrite = {
  name: 'store-write',
  title: 'one message at a time through the store, a durable commit for each',
  subjects: Object.keys(places),
  async run({ subject, runMs }) {
    const built = (/** @type {string} */ file) => import(pathToFileURL(join(dirname(bin), '../src', file)).href)
    const [{ openStore }, { migrations }] = await Promise.all([built('store/open.js'), built('app.js')])
    const data = mkdtempSync(join(tmpdir(), 'agentchat-bench-'))
    const store = await openStore({ store: subject === 'postgres' ? server : undefined, data, durability: 'full', migrations, newEpoch: () => '0'.repeat(16) })
    const life = Date.now()
    let n = 0
    const write = () => store.write(async (/** @type {any} */ tx) => {
      const appended = tx.log.append({ stream: '#bench', author: '@bench', key: { agent: '@bench', id: `${life}-${n++}` } }, Date.now(), (/** @type {object} */ stamp) => Buffer.from(JSON.stringify({ ...stamp, content: 'x'.repeat(250) })))
      await tx.log.flush()
      return appended
    })
    try {
      for (let i = 0; i < 1_000; i++) await write()
      /** @type {number[]} */
      const took = []
      const cpuBefore = process.cpuUsage()
      const until = performance.now() + runMs / 2
      while (performance.now() < until) {
        const begun = performance.now()
        await write()
        took.push((performance.now() - begun) * 1_000)
      }
      const { user, system } = process.cpuUsage(cpuBefore)
      took.sort((a, b) => a - b)
      const at = (/** @type {number} */ part) => took[Math.floor(took.length * part)]
      return { 'p50 µs': at(0.5), 'p90 µs': at(0.9), 'own CPU µs': (user + system) / took.length }
    } finally {
      await store.close()
      rmSync(data, { recursive: true })
    }
  },
}
