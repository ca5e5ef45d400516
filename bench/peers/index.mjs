// @ts-check
// THE PEER TABLE: the servers that are measured, ours first. A peer either serves in a Node process of ours, or is a command that prints where it listens.
import { agentchat } from './agentchat.mjs'
import { bun } from './bun.mjs'
import { nats } from './nats.mjs'
import { wsJoined } from './ws-joined.mjs'
import { wsRaw } from './ws-raw.mjs'

/** @typedef {import('../load/client.mjs').Client} Client */

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} is what it is, in a line
 * @property {() => string | undefined} [missing] how to get it, where it is not there
 * @property {() => void} [serve] listens on a free port and prints {"url": …}
 * @property {(dataDir: string, nodeFlags: readonly string[]) => readonly string[]} [command] the same as a command line
 * @property {RegExp} [place] where its output says the place, if not as {"url": …}
 * @property {(url: string, name: string) => Promise<Client>} open a session
 * @property {(client: Client, room: string, isFirst: boolean) => Promise<unknown>} join hears the room and can write to it; the first one makes it
 * @property {(a: Client, b: Client) => Promise<unknown>} pair lets two sessions write to each other's address
 * @property {(to: string, text: string) => import('../load/frames.mjs').Frame} message what is said to a room or an address
 */

/** @type {readonly Peer[]} */
export const peers = [agentchat, bun, nats, wsJoined, wsRaw]

/** Servers that the targets name and nobody can get any more, with what stands in for them. */
export const lost = ['tjamescouch/agentchat is not published any more and closes floods: ws-raw stands in, 0.89 of whose throughput it reached when both were measured']
