// @ts-check
// THE PEER TABLE: the servers that are measured, ours first. A peer either serves in a Node process of ours, or is a command that prints {"url": …}.
import { agentchat } from './agentchat.mjs'
import { wsJoined } from './ws-joined.mjs'
import { wsRaw } from './ws-raw.mjs'

/** @typedef {import('../load/client.mjs').Client} Client */

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} is what it is, in a line
 * @property {() => void} [serve] listens on a free port and prints {"url": …}
 * @property {(dataDir: string, nodeFlags: readonly string[]) => readonly string[]} [command] the same as a command line
 * @property {(url: string, name: string) => Promise<Client>} open a session
 * @property {(client: Client, room: string, isFirst: boolean) => Promise<unknown>} join hears the room and can write to it; the first one makes it
 * @property {(a: Client, b: Client) => Promise<unknown>} pair lets two sessions write to each other's address
 */

/** @type {readonly Peer[]} */
export const peers = [agentchat, wsJoined, wsRaw]
