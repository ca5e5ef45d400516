// Saves something as a file of the visitor's.
import { timerMs } from '../../lib/protocol/timer.ts'

const keptMs = 60_000

/** What a file may be called: a name of somebody else leads nowhere. */
const safe = (name: string): string => name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '').slice(0, 100) || 'file'

export const download = (name: string, content: string | Uint8Array<ArrayBuffer>, type = 'application/octet-stream'): void => {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = safe(name)
  link.click()
  // Some browsers read it a little later.
  setTimeout(() => URL.revokeObjectURL(url), timerMs(keptMs))
}
