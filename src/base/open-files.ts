// How many files and sockets the process may have open at once.
import { readFileSync } from 'node:fs'

/** The limit that holds for this process (`ulimit -n`); undefined where nothing tells it. */
export const openFilesLimit = (): number | undefined => {
  try {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === 'unlimited' ? Infinity : limit === undefined ? undefined : Number(limit)
  } catch {
    // Not Linux. Node's report knows it too, and takes longer: it looks at every handle.
    const report = process.report.getReport() as { readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } } }
    const limit = report.userLimits?.open_files?.soft
    return limit === 'unlimited' ? Infinity : typeof limit === 'number' ? limit : undefined
  }
}
