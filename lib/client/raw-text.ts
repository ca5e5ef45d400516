// The text that a frame came in, beside the frame: what was signed or hashed is a text, and a frame that is written anew is another one. It
// is a private field of the frame itself, so that it lives as long, costs next to nothing, and neither JSON nor a copy has it.
import type { Frame } from '../protocol/index.ts'

type Text = string | (() => string | undefined)

/** Makes nothing: `new` puts the fields of a subclass on what it is given. */
const Given = function(given: object) {
  return given
} as unknown as new(given: object) => object

class WithText extends Given {
  readonly #text: Text

  constructor(frame: object, text: Text) {
    super(frame)
    this.#text = text
  }

  static of(frame: object): string | undefined {
    if (!(#text in frame)) return undefined
    return typeof frame.#text === 'function' ? frame.#text() : frame.#text
  }
}

/** Keeps the text of a frame with it, or what finds it should somebody ask. Once for each frame. */
export const keepRawText = (frame: object, text: Text): void => {
  new WithText(frame, text)
}

/**
 * The text that a frame of the relay came in: the `frame` of a message, of what `on` tells, or of an answer. undefined: it is no frame as it came.
 * Those of the events in a page are `rawItems(rawField(text, 'events'))`.
 * @example client.on('message', message => archive.write(rawTextOf(message.frame)))
 */
export const rawTextOf = (frame: object): string | undefined => WithText.of(frame)

/** Stored events as what they are when they are replayed; `read` finds their texts, should somebody ask for one. */
export const replayed = (events: readonly object[], read: () => readonly string[]): readonly Frame<'MSG'>[] => {
  let texts: readonly string[] | undefined
  return events.map((event, i) => {
    const frame = { ...event, replay: true } as unknown as Frame<'MSG'>
    keepRawText(frame, () => (texts ??= read())[i])
    return frame
  })
}
