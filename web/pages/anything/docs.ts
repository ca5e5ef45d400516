// What the protocol says of its requests.
import { requestDocs } from '../../../lib/protocol/docs/requests.ts'

export const docs: Readonly<Record<string, { readonly doc: string, readonly errors: readonly string[], readonly example: object }>> =
  requestDocs
