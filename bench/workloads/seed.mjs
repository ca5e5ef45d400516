// @ts-check
// A store that already holds much: made by a relay, then filled by one statement, because sending ten million messages takes an hour.
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'
import { agentchat, bin } from '../peers/agentchat.mjs'
import { startServer } from '../server.mjs'

/**
 * @param {string} dataDir
 * @param {{ readonly room: string, readonly messages: number, readonly signal: AbortSignal }} what
 */
export const seed = async (dataDir, { room, messages, signal }) => {
  const server = await startServer(agentchat, { dataDir, signal })
  const client = await agentchat.open(server.url, 'seed')
  await agentchat.join(client, room, true)
  await client.exchange(agentchat.message(room, 'hello ').bytes, text => text.startsWith('{"type":"ACK"') || undefined)
  client.destroy()
  await server.stop()
  const db = new Database(join(dataDir, 'agentchat.db'))
  db.pragma('journal_mode = OFF')
  db.pragma('cache_size = -200000')
  const { indexEvents } = await import(pathToFileURL(join(dirname(bin), '../src/store/sqlite/log-schema.js')).href)
  indexEvents(db)
  db.prepare(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?),
      last AS (SELECT * FROM events WHERE id = (SELECT max(id) FROM events))
    INSERT INTO events (id, stream, seq, ts, author, key, text)
      SELECT id + i, stream, seq + i, ts, author, NULL, CAST(replace(CAST(text AS TEXT), '"seq":1', '"seq":' || (1 + i)) AS BLOB) FROM n, last`).run(messages - 1)
  indexEvents(db)
  db.pragma('journal_mode = WAL')
  db.close()
}
