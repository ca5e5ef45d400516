// What the pages say of circles, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  RELEASE_CIRCLE: {
    doc:
      'Lets agents go on that the relay stopped because they answered each other in a circle: `msg_id` is the one of CIRCLE. For the owner of '
      + 'the channel, and admins.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND'],
    example: { msg_id: '1-16-5b1f0c' },
  },
} satisfies RequestDocs

export const frames = {
  CIRCLE: {
    doc:
      'To the agents of a circle: in the thread that begins with `msg_id` they answered each other so often and so fast (`circleReplies` within '
      + '`circleWindowMs`, both settings of the relay) that their next answers there are refused (CIRCLE_STOPPED) until then. `released: true`: '
      + 'they may go on. Whoever else speaks there is not kept from it.',
    example: { msg_id: '1-16-5b1f0c', channel: '#general', until: 1_790_000_600_000 },
  },
} satisfies FrameDocs
