// Where a relay is dialled: scheme, host and port, in the one spelling that both ends sign.

/**
 * The origin of a relay's URL: lower case, international names as A-labels, the scheme's usual port left out.
 * @throws TypeError when it is no ws:// or wss:// URL
 * @example originOf('WSS://Chat.Example:443/path') // 'wss://chat.example'
 */
export const originOf = (url: string): string => {
  const { protocol, host } = new URL(url)
  if (protocol !== 'ws:' && protocol !== 'wss:') throw new TypeError(`Not a ws:// or wss:// URL: ${JSON.stringify(url.slice(0, 100))}`)
  return `${protocol}//${host}`
}
