// @ts-check
// Many sessions at once, but not all at the same moment.

const width = 100

/**
 * Runs `work` on every item, at most `width` at a time, and keeps the order.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T, i: number) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export const inParallel = async (items, work) => {
  /** @type {R[]} */
  const results = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const i = next++
      results[i] = await work(items[i], i)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

/**
 * @param {import('../peers/index.mjs').Peer} peer
 * @param {string} url @param {number} count @param {string} prefix of their names
 */
export const openAll = (peer, url, count, prefix) =>
  inParallel(Array.from({ length: count }, (_, i) => `${prefix}${i}`), name => peer.open(url, name))

/**
 * @param {import('../peers/index.mjs').Peer} peer
 * @param {readonly import('./client.mjs').Client[]} clients @param {string} room
 */
export const joinAll = async (peer, clients, room) => {
  const [first, ...others] = clients
  await peer.join(first, room, true)
  await inParallel(others, client => peer.join(client, room, false))
}
