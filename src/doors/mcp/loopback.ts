// Which requests a listener on the loopback takes: those whose Host is this machine. A name that a page's owner points at it is another host.

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

export const isLoopbackHost = (host: string | undefined): boolean => host !== undefined && loopback.test(host)
