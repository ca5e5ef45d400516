// Whether the machine is on line, where the platform tells: browsers do.

/** What the platform says of its connection: `online` and `offline` of browsers. */
export interface Connectivity {
  /** Calls at each change; gives the function that ends that. */
  onChange(listener: (isOnline: boolean) => void): () => void
}

/** What this uses of a browser's window. */
interface EventSource {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

/** The `online` and `offline` events of the platform; nothing where there are none. */
export const platformConnectivity: Connectivity = {
  onChange: listener => {
    const source = globalThis as EventSource
    if (typeof source.addEventListener !== 'function') return () => undefined
    const [online, offline] = [() => listener(true), () => listener(false)]
    source.addEventListener('online', online)
    source.addEventListener('offline', offline)
    return () => {
      source.removeEventListener?.('online', online)
      source.removeEventListener?.('offline', offline)
    }
  },
}
