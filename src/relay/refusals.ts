// What a client sent before it read that something was refused: it must not overtake that, should the client send both again. A ping behind the
// refusals asks whether it has read them, and its answer, in line behind what it sent before, says so.
import { BusyError, StorageError } from '../store/store.ts'
import type { Connection, Refused } from './connection.ts'
import { refusalMark, refusalPing } from './encode.ts'
import { Fail } from './fail.ts'
import type { Outbox } from './outbox.ts'

/** Of a message behind one that was refused because there were too many. */
export const behindRefused = 'A message before this one was refused, and had not been read of: send both again, in their order'

/** Something was refused, and the client may not know. */
export const isUnread = ({ refused }: Connection): boolean =>
  refused !== undefined && (refused.isHeld || refused.limitedMs > 0 || refused.at !== undefined)

export const refusedOf = (connection: Connection): Refused =>
  connection.refused ??= { isHeld: false, limitedMs: 0, at: undefined, count: 1, asked: 0, read: undefined }

/** It is sent again, so that what comes behind it must not be stored before. */
export const isForNow = (error: unknown): boolean =>
  error instanceof StorageError || error instanceof BusyError || (error instanceof Fail && error.code === 'STORAGE_UNAVAILABLE')

/** Messages behind what was refused are refused too, until the answer to a ping shows that the client knows. */
export const askRead = (connection: Connection, outbox: Outbox): void => {
  const refused = refusedOf(connection)
  refused.asked = refused.count
  outbox.add(connection, refusalPing(refused.count))
}

/** A message was one too many: of what was sent behind it a smaller or a later one would not be, and overtake it. */
export const limit = (connection: Connection, waitMs: number, outbox: Outbox): void => {
  const refused = refusedOf(connection)
  refused.limitedMs ||= waitMs
  refused.count++
  if (refused.asked === 0) askRead(connection, outbox)
}

/** The client has read refusals up to a mark: what it sends from now on, it sends knowing them. What it sent before is in line. */
export const readOf = (refused: Refused, mark: Buffer): void => {
  if (mark.equals(refusalMark(refused.count))) refused.limitedMs = 0
}

/** … and what was in line is decided. What was refused since is asked for anew. */
export const release = (refused: Refused, mark: Buffer): void => {
  refused.read = undefined
  refused.asked = 0
  if (!mark.equals(refusalMark(refused.count))) return
  refused.isHeld = false
  refused.at = undefined
}
