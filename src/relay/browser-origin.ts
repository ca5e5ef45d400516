// Which pages a browser may let speak here. A page runs in its visitor's browser and comes from the visitor's address, so that a foreign
// one could spend that address's limits, or reach a relay that only the visitor can. Programs send no Origin.

const loopback = /^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Whether a page of this origin may connect: one from the host that was dialled, whatever its port; from the visitor's own machine; or
 * one that is named.
 * @param origin the header; undefined: no browser
 * @param host the header: what was dialled
 * @param allowed origins like `https://app.example`; `*` lets all in
 */
export const isWelcomeOrigin = (origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean => {
  if (origin === undefined || allowed.includes('*')) return true
  const text = origin.toLowerCase()
  if (allowed.some(each => each.toLowerCase() === text)) return true
  const from = hostOf(text)
  return from !== undefined && (from === hostOf(`http://${host?.toLowerCase() ?? ''}`) || loopback.test(from))
}

/** Of http origins only: other kinds of pages are no host's. */
const hostOf = (url: string): string | undefined => /^https?:\/\//.test(url) && URL.canParse(url) ? new URL(url).hostname : undefined
