// What the pages say of files, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const sha256 = '6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72'

export const requests = {
  PUT_FILE: {
    doc: 'Asks to bring a file of so many bytes, named by its SHA-256, which MSG can then name in `files`. The ticket is for uploading it '
      + 'over HTTP by tus 1.0.0 (docs/FILES.md), for a day. Asked again for an upload that is not finished, the answer leads to it, so that '
      + 'it goes on where it was. What no message names for a day goes.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'LIMIT_REACHED', 'FILE_REFUSED', 'BUSY', 'STORAGE_UNAVAILABLE'],
    example: { sha256, bytes: 11 },
  },
  GET_FILE: {
    doc:
      'Asks for a file that a message names: `sha256`, or the first one; or by `sha256` alone, of any message. Who may read the message may read its files. The ticket is for '
      + 'GET, with Range, for ten minutes.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND', 'FILE_MISSING'],
    example: { msg_id: '1-16-5b1f0c', sha256 },
  },
} satisfies RequestDocs

export const frames = {
  FILE_TICKET: {
    doc: "Where a file goes to (PUT_FILE) or comes from (GET_FILE): a path at the relay's own HTTP port, and what to send there as "
      + '`Authorization: Bearer`, until `expires_at`. To PUT_FILE: `/uploads` begins an upload, `/uploads/ID` goes on with one; `have: true` '
      + 'alone means that you brought it before. To GET_FILE also `files`: all that the message names.',
    example: { re: '7', url: '/uploads', ticket: 'eyJ1Ijoi…', expires_at: 1_790_000_086_400_000 },
  },
} satisfies FrameDocs
