// THE PORT OF UPLOADS: what came of files that are not whole, by the id of the upload. Who brings which, and until when, is in the store.

/** An upload that something is added to. */
export interface Adding {
  /** What is there, in bytes. */
  readonly size: number
  /** One chunk at a time. */
  add(chunk: Uint8Array): Promise<void>
  /** Once it resolves, what was added is there for whoever asks. */
  close(): Promise<void>
}

export interface Whole {
  readonly path: string
  /** It is not looked at any more. */
  done(): Promise<void>
}

export interface Uploads {
  /** What came of it so far, in bytes. */
  size(id: string): Promise<number>
  /** Adds behind what is there; undefined: it came in too many pieces. */
  open(id: string): Promise<Adding | undefined>
  /** All that came of it, as a file of this disk; undefined: nothing is there any more. */
  whole(id: string): Promise<Whole | undefined>
  discard(id: string): Promise<void>
  /** What is here, by id. */
  list(): Promise<readonly string[]>
  /** Whether so many bytes more leave others the room they need. */
  hasRoom(bytes: number): Promise<boolean>
}
