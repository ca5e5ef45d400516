// @ts-check
// What searching messages costs: CPU of searches for three words among many messages, through the real store, index and handler, all threads; and
// what the index adds to a commit. Needs a build: npm run build. Ten million messages take about 4 GB of disk and a quarter of an hour.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    searches: { type: 'string', default: '1000' },
    commits: { type: 'string', default: '200000' },
    'max-ms': { type: 'string', default: '50' },
    data: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log('Usage: node bench/search.mjs [--messages 1000000] [--searches 1000] [--commits 200000] [--max-ms 50] [--data DIR] [--json]\n'
    + 'Exit code 1 if the 99th percentile of searches takes more CPU than --max-ms.\n--data: keeps what it fills there, and goes on from it.')
  process.exit(0)
}
const [count, searches, commits] = [values.messages, values.searches, values.commits].map(Number)
const root = new URL('../dist/src/', import.meta.url)
const load = (/** @type {string} */ file) => import(new URL(file, root).href)
const [{ openSqlite }, { indexEvents }, { msgIdOf }, { migrations }, { search }] = await Promise.all(
  ['store/sqlite/store.js', 'store/sqlite/log-schema.js', 'store/log.js', 'app.js', 'features/talk/search/handlers.js'].map(load),
)

// Numbers that are the same in every run.
let seed = 7
const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
const vocabulary = 200_000
const letters = 'etaoinshrdlucmfwypvbgkjqxz'
const words = Array.from({ length: vocabulary }, (_, i) => {
  let word = ''
  for (let n = i + 5; n > 0; n = Math.floor(n / 26)) word += letters[n % 26]
  while (word.length < 3 + i % 6) word += letters[(i * 7 + word.length) % 20]
  return word
})
/** By Zipf's law: the commonest is in half of all messages. */
const word = () => words[Math.min(vocabulary - 1, Math.floor(Math.exp(random() * Math.log(vocabulary))) - 1)] ?? words[0]
const sentence = () => Array.from({ length: 3 + Math.floor(random() * 18) }, word).join(' ')
const agents = Array.from({ length: 1_000 }, (_, i) => `@${(Math.imul(i + 1, 2_654_435_761) >>> 0).toString(16).padStart(16, 'a')}`)
const channels = Array.from({ length: 200 }, (_, i) => `#channel-${i}`)
const pick = (/** @type {readonly any[]} */ list) => list[Math.floor(random() * list.length)]
const pair = (/** @type {string} */ a, /** @type {string} */ b) => a < b ? `${a}|${b}` : `${b}|${a}`

/** Nine of ten in channels, the rest between two agents. */
const message = (/** @type {number} */ n) => {
  const author = pick(agents)
  const to = random() < 0.9 ? pick(channels) : pick(agents)
  return { author, to, stream: to.startsWith('#') ? to : pair(author, to), now: 1_700_000_000_000 + n * 100, content: sentence() }
}

const append = (/** @type {any} */ tx, /** @type {number} */ n) => {
  const { author, to, stream, now, content } = message(n)
  tx.log.append({ stream, author, key: { agent: author, id: `k${n}` } }, now, (/** @type {any} */ { ts, seq, msgId }) =>
    Buffer.from(JSON.stringify({ type: 'MSG', ts, from: author, from_name: 'bench', to, content, verified: false, msg_id: msgId, seq })))
}

const open = (/** @type {string} */ data, /** @type {boolean} */ isSearched) =>
  openSqlite({ data, durability: 'normal', migrations, newEpoch: () => 'b'.repeat(16), search: isSearched, maxDataBytes: 0, onIndexProblem: (/** @type {unknown} */ error) => { console.error(error) } })

const processMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1_000 }
/** Of the thread that commits; ticks are 10 ms. */
const threadMs = () => {
  const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
const caughtUp = async (/** @type {any} */ store) => {
  for (;;) {
    await store.write((/** @type {any} */ tx) => tx.search.advance())
    const { upto, newest } = await store.aside.search.standing()
    if (upto === newest) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
/** Written into the relay's own tables while it is down: through it ten million messages take an hour. */
const fill = () => {
  const db = new Database(join(data, 'agentchat.db'))
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -100000')
  const epoch = db.prepare("SELECT value FROM meta WHERE key = 'epoch'").pluck().get()
  indexEvents(db)
  const heads = new Map(db.prepare('SELECT name, id, coalesce((SELECT max(seq) FROM places WHERE stream = streams.id), 0) AS seq FROM streams').all().map((/** @type {any} */ { name, ...head }) => [name, head]))
  const addStream = db.prepare('INSERT INTO streams (name) VALUES (?)')
  const addEvent = db.prepare('INSERT INTO events (id, stream, seq, ts, author, key, text) VALUES (?, ?, ?, ?, ?, NULL, ?)')
  let have = Number(db.prepare('SELECT coalesce(max(id), 0) FROM events').pluck().get())
  seed = have + 7
  while (have < count) {
    db.transaction(() => {
      for (const end = Math.min(count, have + 100_000); have < end;) {
        const { author, to, stream, now: ts, content } = message(++have)
        let head = heads.get(stream)
        if (head === undefined) heads.set(stream, head = { id: Number(addStream.run(stream).lastInsertRowid), seq: 0 })
        const text = { type: 'MSG', ts, from: author, from_name: 'bench', to, content, verified: false, msg_id: msgIdOf(head.id, ++head.seq, epoch), seq: head.seq }
        addEvent.run(have, head.id, head.seq, ts, author, Buffer.from(JSON.stringify(text)))
      }
    })()
    if (!values.json) console.error(`${have} messages`)
  }
  indexEvents(db)
  db.close()
}
const percentile = (/** @type {readonly number[]} */ sorted, /** @type {number} */ p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0
const bytesOf = (/** @type {string} */ data, /** @type {string} */ name) => readdirSync(data).filter(file => file.startsWith(name)).reduce((sum, file) => sum + statSync(join(data, file)).size, 0)

/** Batches of 64, a second's sweep after every 4,096: with an index and without, in turns. */
const commitCost = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentchat-commits-'))
  try {
    const stores = [false, true].map(isSearched => ({ isSearched, store: open(join(folder, String(isSearched)), isSearched), thread: 0, all: 0, longest: 0, n: 0 }))
    for (let round = 0; round < 10; round++) {
      for (const each of stores) {
        const [thread, all] = [threadMs(), processMs()]
        for (const end = each.n + commits / 10; each.n < end;) {
          const at = performance.now()
          await each.store.write(async (/** @type {any} */ tx) => { for (let i = 0; i < 64; i++) append(tx, each.n++) })
          each.longest = Math.max(each.longest, performance.now() - at)
          if (each.isSearched && each.n % 4_096 < 64) await each.store.write((/** @type {any} */ tx) => tx.search.advance())
        }
        each.thread += threadMs() - thread
        if (each.isSearched) await caughtUp(each.store)
        each.all += processMs() - all
      }
    }
    for (const { store } of stores) await store.close()
    const [without, indexed] = stores.map(({ thread, all, n, longest }) => ({ 'commit: CPU µs/message': thread * 1_000 / n, 'all threads: CPU µs/message': all * 1_000 / n, 'longest batch ms': longest }))
    return { without, indexed }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const data = values.data ?? mkdtempSync(join(tmpdir(), 'agentchat-search-'))
mkdirSync(data, { recursive: true })
let isGood = true
// The threads of the store keep no process alive.
const alive = setInterval(() => undefined, 1_000)
try {
  const commit = commits === 0 ? undefined : await commitCost()
  await open(data, true).close()
  fill()
  const store = open(data, true)
  const [indexing, { upto }] = [processMs(), await store.aside.search.standing()]
  await caughtUp(store)
  const indexed = processMs() - indexing

  const me = { id: agents[5], memberships: new Set(), channels: new Set(), verified: false }
  const known = new Map(channels.map(name => [name, { info: { name, private: false, verifiedOnly: false } }]))
  const roster = { channelCount: known.size, channels: () => known.values(), known: (/** @type {any} */ _, /** @type {string} */ name) => known.get(name), isMember: () => false }
  const { handlers: { SEARCH } } = search({ elapsed: () => performance.now(), pause: () => new Promise(resolve => setImmediate(resolve)) })
  const ask = (/** @type {object} */ query) => SEARCH.read({ me, roster, aside: store.aside }, query)
  const { newest } = await store.aside.search.standing()
  const said = async () => {
    const id = 1 + Math.floor(random() * newest)
    const [found] = await store.aside.search.unindexed(id - 1, { before: id + 1, limit: 1, maxBytes: 1e6 })
    const list = JSON.parse(found.text).content.split(' ')
    return [list[0], list[1], list.at(-1)]
  }
  const kinds = {
    'three words of one message': async () => ({ text: (await said()).join(' ') }),
    'three words, each by chance': async () => ({ text: [word(), word(), word()].join(' ') }),
    'of one message, in a channel': async () => ({ text: (await said()).join(' '), channel: pick(channels) }),
    'a beginning of two to four letters': async () => ({ text: `${(await said())[0].slice(0, 2 + Math.floor(random() * 3))}*` }),
    'a phrase of two, and a beginning': async () => { const [a, b, c] = await said(); return { text: `"${a} ${b}" ${c.slice(0, 4)}*` } },
  }
  const rows = []
  const all = []
  for (const [kind, make] of Object.entries(kinds)) {
    const took = []
    /** Of some: answers until there are twenty, or everything was looked at. */
    const answers = []
    let [hits, unfinished] = [0, 0]
    for (let n = 0; n < searches / Object.keys(kinds).length; n++) {
      const query = await make()
      const before = processMs()
      const { body } = await ask(query)
      took.push(processMs() - before)
      if (body.results.length > 0) hits++
      else if (body.next !== undefined) unfinished++
      if (n % 10 === 0) {
        let [found, next, count] = [body.results.length, body.next, 1]
        for (; found < 20 && next !== undefined; count++) {
          const more = await ask({ ...query, cursor: next })
          found += more.body.results.length
          next = more.body.next
        }
        answers.push(count)
      }
    }
    if (!kind.includes('beginning')) all.push(...took)
    took.sort((a, b) => a - b)
    answers.sort((a, b) => a - b)
    rows.push({ kind, 'CPU ms p50': percentile(took, 0.5), p90: percentile(took, 0.9), p99: percentile(took, 0.99), max: took.at(-1), 'found %': hits / took.length * 100, 'nothing yet %': unfinished / took.length * 100, 'answers to the end p50': percentile(answers, 0.5), 'p90 ': percentile(answers, 0.9), 'max ': answers.at(-1) })
  }
  await store.close()
  all.sort((a, b) => a - b)
  const p99 = percentile(all, 0.99)
  isGood = p99 <= Number(values['max-ms'])
  const result = { messages: newest, ...(newest > upto && { 'indexing: CPU µs/message': indexed * 1_000 / (newest - upto) }), 'database MB': bytesOf(data, 'agentchat.db') / 1e6, 'index MB': bytesOf(data, 'search.db') / 1e6, 'three words: CPU ms p50': percentile(all, 0.5), 'p99': p99 }
  if (values.json) console.log(JSON.stringify({ result, rows, commit }))
  else {
    const round = (/** @type {object} */ row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? Math.round(value * 100) / 100 : value]))
    console.table([round(result)])
    console.table(rows.map(round))
    if (commit !== undefined) console.table({ without: round(commit.without ?? {}), 'with an index': round(commit.indexed ?? {}) })
  }
} finally {
  clearInterval(alive)
  if (values.data === undefined) rmSync(data, { recursive: true })
}
process.exitCode = isGood ? 0 : 1
