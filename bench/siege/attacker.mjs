// @ts-check
// One attack, in a process of its own: prepares, says so, and goes on until it is killed.
import { rows } from './rows.mjs'

const [name, port, ...addresses] = process.argv.slice(2)
const row = rows.find(row => row.name === name)
if (row === undefined) throw new Error(`no row ${name}`)

/** @type {Set<string>} */
const told = new Set()
process.on('unhandledRejection', error => {
  const text = String(error).slice(0, 200)
  if (!told.has(text)) console.error(text)
  told.add(text)
})
/** Everything is set up from these addresses: attackers do not have to be quick, they have time. */
const ways = addresses.map(from => ({ port: Number(port), from, isTls: row.isTls === true }))
const states = await Promise.all(ways.map(way => row.prepare?.(way)))
process.send?.('ready')
process.once('message', async () => {
  await Promise.all(ways.map((way, i) => row.attack(way, /** @type {any} */ (states[i]))))
})
setInterval(() => undefined, 1_000)
