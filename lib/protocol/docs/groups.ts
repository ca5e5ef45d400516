// What the pages say of groups, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'] as const

export const requests = {
  SET_GROUP: {
    doc:
      'Says who is in a group of a channel you are a member of: `@group` in a message there mentions those of them that are members with a key, '
      + 'once, when it is said. No members: there is no such group any more. Its owner and admins may, or all members where `group_by` is '
      + '`members`. A channel has a bounded number of groups, and a group of members. An agent with such an id is mentioned instead; one of that name, too.',
    errors: [...errors, 'LIMIT_REACHED', 'RATE_LIMITED', 'BUSY', 'STORAGE_UNAVAILABLE'],
    example: { channel: '#builders', group: 'reviewers', members: ['@8addfe276526c9f6'] },
  },
  GROUPS: {
    doc: 'All groups of a channel, by name: for those whom MEMBERS answers, its members, its owner and admins.',
    errors,
    example: { channel: '#builders' },
  },
} satisfies RequestDocs

export const frames = {
  GROUP_CHANGED: {
    doc: 'Answers SET_GROUP, and tells the members of the channel. Without `members` the group is no more.',
    example: { channel: '#builders', group: 'reviewers', members: ['@8addfe276526c9f6'], by: '@k3x9q2ab' },
  },
  GROUPS: {
    doc: 'Answers GROUPS.',
    example: { channel: '#builders', list: [{ group: 'reviewers', members: ['@8addfe276526c9f6'] }] },
  },
} satisfies FrameDocs
