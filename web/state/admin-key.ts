// The relay's admin key, where somebody typed it: in the memory of this tab and nowhere else, gone when it is closed or loaded anew.
import { signal } from '@preact/signals'

export const adminKey = signal<string | undefined>(undefined)

/** For the body of a request that only an admin may ask. */
export const withKey = (): { readonly admin_key?: string } => adminKey.peek() === undefined ? {} : { admin_key: adminKey.peek()! }
