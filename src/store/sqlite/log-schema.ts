// The tables of the log, and the statements that bring its indexes up to date.
import type { Database } from 'better-sqlite3'

export const logSchema = [
  `
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE events (stream INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL, author TEXT NOT NULL, text BLOB NOT NULL,
    UNIQUE (stream, seq));
  CREATE TABLE publish_keys (agent TEXT NOT NULL, id TEXT NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL,
    UNIQUE (agent, id));
  CREATE TABLE inbox (agent TEXT NOT NULL, seq INTEGER NOT NULL, stream INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (agent,
    seq)) WITHOUT ROWID;
  CREATE UNIQUE INDEX inbox_event ON inbox (agent, stream, event);
  CREATE TABLE inbox_cursors (agent TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
`,
  `
  ALTER TABLE inbox ADD COLUMN receipts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE inbox ADD COLUMN expires_at INTEGER;
  ALTER TABLE inbox ADD COLUMN offered_at INTEGER;
  ALTER TABLE inbox ADD COLUMN received_at INTEGER;
  ALTER TABLE inbox ADD COLUMN read_at INTEGER;
  ALTER TABLE inbox ADD COLUMN expired_at INTEGER;
  DROP INDEX inbox_event;
  CREATE UNIQUE INDEX inbox_event ON inbox (stream, event, agent);
  CREATE INDEX inbox_expiry ON inbox (expires_at) WHERE expires_at IS NOT NULL AND received_at IS NULL AND expired_at IS NULL;
  ALTER TABLE inbox_cursors ADD COLUMN offered INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE inbox_cursors ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
`,
  `
  ALTER TABLE events RENAME TO old_events;
  CREATE TABLE events (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL,
    author TEXT NOT NULL, key TEXT, text BLOB NOT NULL);
  INSERT INTO events SELECT rowid, stream, seq, ts, author, NULL, text FROM old_events ORDER BY rowid;
  DROP TABLE old_events;
  CREATE TABLE places (stream INTEGER NOT NULL, seq INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID;
  INSERT INTO places SELECT stream, seq, id FROM events ORDER BY stream, seq;
  CREATE TABLE indexed (upto INTEGER NOT NULL);
  INSERT INTO indexed SELECT coalesce(max(id), 0) FROM events;
  CREATE VIEW placed AS SELECT stream, seq, event FROM places
    UNION ALL SELECT stream, seq, id FROM events WHERE id > (SELECT upto FROM indexed);
`,
  'ALTER TABLE streams ADD COLUMN base INTEGER NOT NULL DEFAULT 0',
  `
  CREATE TABLE blocks (agent TEXT NOT NULL, blocked TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (agent, blocked)) WITHOUT ROWID;
  ALTER TABLE inbox ADD COLUMN sender TEXT NOT NULL DEFAULT '';
  ALTER TABLE inbox ADD COLUMN units INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE inbox ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
`,
  `
  CREATE TABLE spoken (author TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (author, block)) WITHOUT ROWID;
  INSERT INTO spoken SELECT DISTINCT author, id >> 12 FROM events WHERE id <= (SELECT upto FROM indexed);
`,
  'CREATE INDEX spoken_block ON spoken (block)',
  // Where it was said from, until it is received or expires.
  "ALTER TABLE inbox ADD COLUMN address TEXT NOT NULL DEFAULT ''",
  // Which events name an earlier one of their stream, counted from the first; no other event has a row.
  `
  CREATE TABLE links (stream INTEGER NOT NULL, kind INTEGER NOT NULL, target INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (stream, kind, target, seq)) WITHOUT ROWID;
  CREATE INDEX links_seq ON links (stream, seq);
`,
]

export const indexing = [
  'INSERT INTO places SELECT stream, seq, id FROM events WHERE id > (SELECT upto FROM indexed) ORDER BY stream, seq',
  `INSERT INTO publish_keys (agent, id, stream, seq, ts)
    SELECT author, key, stream, seq, ts FROM events WHERE id > (SELECT upto FROM indexed) AND key IS NOT NULL ORDER BY author, key`,
  // In which blocks of events an author has spoken: what each of its own events would cost the writer, an entry for many of them does not.
  'INSERT OR IGNORE INTO spoken SELECT author, id >> 12 FROM events WHERE id > (SELECT upto FROM indexed)',
  'UPDATE indexed SET upto = max(upto, coalesce((SELECT max(id) FROM events), 0))',
] as const

/** Brings the indexes of a database up to date that no relay has open: all of them, or, where it is killed meanwhile, none. */
export const indexEvents = (db: Database): void => {
  db.transaction(() => {
    for (const statement of indexing) db.prepare(statement).run()
  })()
}
