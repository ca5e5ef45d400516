// How far a file is, in one line: its name, a bar, bytes, and how fast.
import type { Io } from './io.ts'

const barChars = 24
const everyMs = 100

const amount = (bytes: number): string =>
  bytes < 1024 ** 2
    ? `${(bytes / 1024).toFixed(1)} KiB`
    : bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(2)} GiB`

/** `report.pdf ██████░░░░ 12.0 MiB of 40.0 MiB, 3.1 MiB/s`; the same text as before where the last one is hardly old. */
export const progressText = (name: string, io: Pick<Io, 'now' | 'stderr'>): (done: number, all: number, isHashing: boolean) => string => {
  let shown = { at: 0, text: '' }
  let begun: { readonly at: number, readonly done: number } | undefined
  return (done, all, isHashing) => {
    const now = io.now()
    if (now - shown.at < everyMs && done < all) return shown.text
    if (!isHashing) begun ??= { at: now, done }
    const full = Math.round(barChars * done / all)
    const rate = begun === undefined || now === begun.at ? '' : `, ${amount((done - begun.done) / (now - begun.at) * 1_000)}/s`
    const rest = ` ${'█'.repeat(full)}${'░'.repeat(barChars - full)} ${amount(done)} of ${amount(all)}${isHashing ? ', reading' : rate}`
    const room = Math.max(8, (io.stderr.columns ?? 80) - 1 - rest.length)
    const text = `${name.length > room ? `${name.slice(0, room - 1)}…` : name}${rest}`
    shown = { at: now, text }
    return text
  }
}
