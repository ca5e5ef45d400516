// What the pages say of transcripts, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const checkpoint = 'agentchat/3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f/5b1f0c2e9a7d4433/#general\n3\n'
  + 'OxY23GLrtwuz6dCjQkZ8rG71KQ+uqdugGq64dHW9ICA=\n\n— agentchat/3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f '
  + 'LsUwXgcBeWNZw+J/4XhKYc/0UuZTACpnFxjY4sYtAPbGk2Nb9o6EyiNAGKPyU3Tfo8hu4HVPnVCHkcNWIZ8iht/AwQ0=\n'

/** By the witness of the vectors. */
const cosigned = checkpoint
  + '— witness.example/w1 2e1ixQAAAABqsTvk1+z+rW75SlS+S1Tf1fUVSQaWFB0FvCX8dOmgcV+SuTylGWzI0EL4W7yloeU384Tk7QBNJBYYFtVLgqZ1Rgy7AQ==\n'

export const requests = {
  HEAD: {
    doc:
      'Asks for the signed head of the transcript of a channel, or of what was said with an agent, that you may read (docs/TRANSCRIPTS.md). `from`: proof '
      + 'that the transcript as it was at that size is the beginning of it. `seq`: proof that the event of that number is in it. '
      + '`witnessed`: also heads that witnesses have cosigned. '
      + '`peaks`: also what the transcript of size `from` (without it, of `size`) consists of, so that who has nothing of it can go on from there.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'MESSAGE_NOT_FOUND', 'BUSY'],
    example: { channel: '#general', from: 1 },
  },
  COSIGN: {
    doc:
      'Hands a head of this relay back with the cosignature of a witness: the checkpoint as it was signed here, and one line more (C2SP tlog-cosignature). '
      + 'Asked on a session under the key of that witness, which the relay has to know (its setting `witnesses`); of one that it knows by its key alone, by anybody who reads the '
      + 'channel. An older one than the witness has there changes nothing.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'NOT_ALLOWED', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'RATE_LIMITED'],
    example: { channel: '#general', checkpoint: cosigned },
  },
  ERASURES: {
    doc:
      'Asks which messages of a channel were erased or taken back, in the order in which that was done: whoever keeps a copy follows it. `after`: '
      + 'behind the so-manieth, which `upto` of the former answer says.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'HOST_UNKNOWN'],
    example: { channel: '#general', after: 2 },
  },
} satisfies RequestDocs

export const frames = {
  HEAD: {
    doc:
      "Answers HEAD. `checkpoint` is a C2SP tlog-checkpoint, signed with the relay's key; `size` is its size, which is the newest number, and "
      + '`oldest` the oldest number that is kept. `consistency` and `inclusion` are proofs as RFC 6962 has them, their hashes in base64. '
      + '`witnessed`, where it was asked for: newest first, no head that is larger than `size`, each with the lines of those that cosigned it; '
      + 'where that is the newest one, `checkpoint` has these lines too. '
      + '`peaks` are the roots of the whole trees, from left to right. Where `from` is larger than `size` there is no `consistency`: the transcript is shorter than it was.',
    example: {
      channel: '#general',
      size: 3,
      oldest: 1,
      checkpoint,
      consistency: ['1gVqAsT81dWR1TQSIIRhrvbYu8cVVjoxtaSKbp0cFXo=', 'qXDJqPdzBxAzNlQigPqWHPuDVkyw/oP0BNqaimav7dk='],
    },
  },
  ERASURES: {
    doc: 'Answers ERASURES: the numbers of messages that were erased, 100 at most, and how many that were in all up to here. '
      + '`more`: there are others behind them. Of what retention took since, the newest 1,000 are told: fewer numbers than from `after` to '
      + '`upto` mean that others, which are gone as well, are not known any more.',
    example: { channel: '#general', epoch: '5b1f0c2e9a7d4433', seqs: [7, 9], upto: 4, more: false },
  },
} satisfies FrameDocs
