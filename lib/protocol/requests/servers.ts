// What is asked about servers.
import { request } from '../define.ts'
import { ServerDocument } from '../server-document.ts'

export const requests = {
  ANNOUNCE: request('directory.announce', {
    body: { server: ServerDocument },
    cost: { message: true, frames: 20 },
    reply: 'ANNOUNCED',
  }),
}
