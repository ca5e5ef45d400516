// Text files as people have them: UTF-8, with or without the mark that some editors put in front, or UTF-16 with its mark.
import { readFileSync } from 'node:fs'

const encodingOf = ([first, second]: Uint8Array): string =>
  first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'

/** The text of bytes, without a mark. @throws Error where they are no text */
export const textOf = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is no text in UTF-8')
  }
}

/** @throws the file system's error, and as `textOf` */
export const readTextFile = (file: string): string => textOf(readFileSync(file))
