// The shell without a network: what the page is made of is kept by a service worker, nothing that anybody said.

/** The one address that may become a worker. */
const address = '/console/worker.js'

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): unknown }
}

export const startWorker = (): void => {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  const { trustedTypes } = globalThis as { trustedTypes?: Policies }
  const url = trustedTypes?.createPolicy('agentchat-worker', { createScriptURL: () => address }).createScriptURL(address) ?? address
  navigator.serviceWorker.register(url as string, { scope: '/console/' }).catch(() => undefined)
}
