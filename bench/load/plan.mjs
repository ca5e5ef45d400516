// @ts-check
// A plan says what the load does once everybody is in: groups of clients who speak in turn. It is driven by load.cpp where there is a compiler, else here in Node.

/** @typedef {import('./client.mjs').Client} Client */

/**
 * @typedef {object} Member
 * @property {Client} client
 * @property {string} [awaits] only texts that hold this count
 * @property {number} [sleeps] the phase in which it stops reading; what it hears never counts
 */

/**
 * Either `window` messages are outstanding, and one is done when `perMessage` deliveries came for it; or `perSecond` are said, and time is taken.
 * Then its only speaker's messages come in order, so that a member's nth delivery is of the nth message.
 * @typedef {object} Group
 * @property {readonly Member[]} members
 * @property {readonly { readonly client: Client, readonly frames: readonly import('./frames.mjs').Frame[] }[]} speakers members too; each says its frames in turn
 * @property {number} [perMessage]
 * @property {number} [window]
 * @property {number} [perSecond]
 */

/** @typedef {{ readonly phases: readonly number[], readonly groups: readonly Group[] }} Plan phases in ms; the first one warms up */
/** @typedef {{ readonly at: number, readonly deliveries: number, readonly own: number }} Sample at the end of a phase: µs of the machine's monotonic clock, and of CPU time */
/** @typedef {{ samples: Sample[], latency?: { p50: number, p99: number }, closed: number[] }} Seen latency in µs; close codes of those who slept */

/** @param {Plan} plan */
export const clientsOf = plan => plan.groups.flatMap(({ members }) => members.map(({ client }) => client))

/** The plan for load.cpp; its clients are the descriptors from 3 on. @param {Plan} plan */
export const wordsOf = plan => {
  const place = new Map(clientsOf(plan).map((client, i) => [client, i]))
  const hex = (/** @type {Buffer | string} */ bytes) => `=${Buffer.from(bytes).toString('hex')}`
  return [
    `wire ${plan.groups[0].members[0].client.wire.name}`,
    ...plan.phases.map(ms => `phase ${ms}`),
    ...plan.groups.flatMap(({ members, speakers, perMessage = members.length, window = 0, perSecond = 0 }, group) => [
      `group ${perMessage} ${window} ${perSecond}`,
      ...members.map(({ client, sleeps = 0, awaits = '' }) => `client ${group} ${sleeps} ${hex(awaits)} ${hex(client.rest)}`),
      ...speakers.flatMap(({ client, frames }) => [`speaker ${place.get(client)}`, ...frames.map(({ bytes, idAt, mask }) => `frame ${idAt} ${mask} ${hex(bytes)}`)]),
    ]),
    'go\n',
  ].join('\n')
}
