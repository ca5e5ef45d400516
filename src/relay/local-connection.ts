// How a connection without a socket is opened: the same connection as behind a socket, with a line of this process in its place.
import type { Clock } from '../base/clock.ts'
import { closeCodes } from '../../lib/protocol/index.ts'
import type { Store } from '../store/store.ts'
import type { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import type { Dispatch } from './dispatch.ts'
import type { Effects } from './effects.ts'
import { isRefusalMark } from './encode.ts'
import type { Admit, WriteCtx } from './feature.ts'
import type { AdmittedConnection, ConnectionFacts, Ear } from './inside.ts'
import { Local, type Admission, type LocalOptions } from './local.ts'
import { LocalLine, WrittenFrames } from './local-line.ts'
import type { Pulse } from './pulse.ts'
import type { Roster } from './roster.ts'

export interface InsideParts {
  readonly clock: Clock
  readonly store: Store
  readonly admit: Admit
  readonly maxFrameBytes: number
  readonly maxConnections: number
  readonly committer: Committer
  readonly dispatch: Dispatch
  readonly effects: Effects
  readonly pulse: Pulse
  readonly roster: Roster
  readonly open: (line: LocalLine, facts: ConnectionFacts) => Connection
  readonly begins: (connection: Connection, isKnown: boolean) => void
  readonly closed: (connection: Connection, code: number) => void
  readonly isStopping: () => boolean
  readonly messages: LocalOptions['messages']
}

/** The client went by itself. */
const wentAway = 1001

export const insideOf = (parts: InsideParts): Local => {
  const frames = new WrittenFrames()
  return new Local({
    ...parts,
    epoch: parts.store.epoch,
    admissions: () => parts.effects.admissions,
    maxPeers: parts.maxConnections,
    connect: (facts, ear) => {
      const { connection, end } = connect(parts, frames, facts, ear)
      parts.begins(connection, false)
      return end
    },
    admit: (facts, ear, admission, re) => {
      const { connection, end } = connect(parts, frames, facts, ear)
      connection.doorway = admission.doorway
      connection.isNumbered = true
      parts.begins(connection, true)
      admitTo(parts, connection, admission, re)
      return end
    },
  })
}

const connect = (parts: InsideParts, frames: WrittenFrames, facts: ConnectionFacts, ear: Ear) => {
  const { dispatch, pulse, effects, maxFrameBytes } = parts
  const line = new LocalLine({
    hear: text => ear.hear(text),
    pinged: mark => ear.pinged(mark),
    closed: (code, reason) => {
      parts.closed(connection, code)
      ear.closed(code, reason)
    },
  }, frames, facts.arrival)
  const connection = parts.open(line, facts)
  const end: AdmittedConnection = {
    send: text => {
      if (!connection.open) return
      if (text.length > maxFrameBytes) line.close(closeCodes.FRAME_TOO_LARGE.code)
      else dispatch.receive(connection, text)
    },
    isOpen: () => connection.open,
    hand: (text, handed) => {
      ;(connection.handed ??= new Map()).set(text, handed)
      end.send(text)
    },
    pong: mark => {
      if (!connection.open) return
      dispatch.pong(connection, mark)
      if (!isRefusalMark(mark)) pulse.heard(connection)
    },
    took: () => line.took(),
    close: () => line.close(wentAway),
    awaitInbox: () => {
      connection.inbox = 'manual'
    },
    hearInbox: (after, newest) => effects.hearInbox(connection, after, newest),
  }
  return { connection, end }
}

/** In line with the logins, as one whose key is proved. */
const admitTo = (
  { committer, roster, store, admit }: InsideParts,
  connection: Connection,
  { id, session, newcomer }: Admission,
  re: string,
): void =>
  committer.push({
    connection,
    bytes: 0,
    re,
    type: 'VERIFY_IDENTITY',
    decide: (tx, now) => {
      const ctx = { now, asker: connection, roster, epoch: store.epoch, tx, isAdmin: false }
      return admit(ctx as unknown as WriteCtx, { id, session, newcomer })
    },
  })
