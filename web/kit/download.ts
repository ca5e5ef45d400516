// Saves something as a file of the visitor's.
import { safeFileName } from '../../lib/protocol/file-name.ts'
import { timerMs } from '../../lib/protocol/timer.ts'

const keptMs = 60_000

/** @param name of somebody else, perhaps: it leads nowhere, and no tool takes it for something else */
export const download = (name: string, content: string | Uint8Array<ArrayBuffer>, type = 'application/octet-stream'): void => {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = safeFileName(name)
  link.click()
  // Some browsers read it a little later.
  setTimeout(() => URL.revokeObjectURL(url), timerMs(keptMs))
}
