// What requests cost: the units, and the part of a price that the size of a frame makes. Each request's row says the rest.

/** What a request costs beside the size of its frame and of its answer. */
export interface Cost {
  /** It is stored, or handed on to others: paid from the allowance for messages too, as one message and what its size adds. */
  readonly message?: true
  /** A piece of a growing message: paid from an allowance of its own, by its size; of a full one `piecesBurst` at once. */
  readonly piece?: true
  /** Nothing is kept for it, or something goes: it is done also where no room is left for data. */
  readonly needsRoom?: false
  /** What it takes to decide it, in frames: 1 is a PING. */
  readonly frames: number
  /** The list in the request of which each entry is looked up, at a frame for `entriesPerFrame` of them. */
  readonly each?: string
  /**
   * Who hears of it, at a frame for `listenersPerFrame` of them. channel: its members, where it has no more than are told of each
   * other; members: all of them; peers: the members of all such channels that the agent is in; target: like channel, where the
   * request is `to` one; here: members, where its content calls them by `@here`, and those of the groups that it names.
   */
  readonly audience?: 'channel' | 'members' | 'peers' | 'target' | 'here'
}

/** What work costs beside the frame that asks for it. */
export const prices = {
  /** Bytes of a request's frame that add nothing: 4 KiB of content, and what stands around it. */
  freeBytes: 5 * 1024,
  /** Each further so many bytes cost a message (where the request costs one) and a frame. */
  bytesPerUnit: 8 * 1024,
  /** Each so many bytes of an answer cost a frame. */
  answerBytesPerFrame: 32 * 1024,
  /** Entries of a list, asked for or answered, that cost a frame. */
  entriesPerFrame: 10,
  /** Stored events in a page, for a frame. */
  storedPerFrame: 50,
  /** Agents that hear of it, for a frame. */
  listenersPerFrame: 20,
  /** Pieces of growing messages, of one agent: in a second, at once, and of so many bytes at most at that rate. */
  piecesPerSecond: 20,
  piecesBurst: 40,
  pieceBytes: 3_276,
} as const

/** What the size of a request's frame adds to its price, in messages and in frames. */
export const sizePrice = (bytes: number): number =>
  bytes <= prices.freeBytes ? 0 : Math.ceil((bytes - prices.freeBytes) / prices.bytesPerUnit)

/** What a piece of a growing message costs of the allowance for such: 20 a second, or 64 KiB, whichever is used up first. */
export const piecePrice = (bytes: number): number => Math.max(1, bytes / prices.pieceBytes)
