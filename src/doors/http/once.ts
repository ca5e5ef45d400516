// What stores no event and makes something all the same is made once under an Idempotency-Key: asked again, it is answered as the first time.
import { createHash } from 'node:crypto'
import { checkRequest } from '../../../lib/protocol/decode-request.ts'
import type { RequestType } from '../../../lib/protocol/index.ts'
import type { Seal } from '../../base/seal.ts'
import { Fail, type Along, type Answer } from '../../relay/inside.ts'
import { addAnswer, findAnswer } from '../../store/answers.ts'
import type { Store } from '../../store/store.ts'
import { Problem } from './problem.ts'

/** What is stored as an event is kept from being stored twice by its own key, and doing the others twice changes nothing. */
export const remembered: ReadonlySet<RequestType> = new Set([
  'TOKEN_CREATE',
  'HOOK_CREATE',
  'WEBHOOK_ADD',
  'WEBHOOK_ROTATE',
  'CREATE_CHANNEL',
])

export interface Asked {
  readonly agent: string
  readonly key: string
  readonly type: RequestType
  readonly body: object
}

export class Once {
  readonly #store: Pick<Store, 'read'>
  readonly #seal: Seal

  constructor(store: Pick<Store, 'read'>, seal: Seal) {
    this.#store = store
    this.#seal = seal
  }

  /** What was answered first. @throws Problem the key was used for something else */
  async first({ agent, key, type, body }: Asked): Promise<Answer | undefined> {
    const found = await findAnswer(this.#store.read, agent, key)
    if (found === undefined) return undefined
    if (found.hash !== hashOf(type, body)) throw new Problem('ID_REUSED', 'This Idempotency-Key was used before, for another request')
    const text = Buffer.from(this.#seal.open(found.answer))
    return { type: JSON.parse(text.toString()).type as Answer['type'], text, frame: () => JSON.parse(text.toString()) as never }
  }

  /** Keeps the answer, in the transaction of what it answers. */
  keep({ agent, key, type, body }: Asked): Along {
    return async (tx, now, { reply, fail }) => {
      if (fail !== undefined || reply === undefined || typeof reply === 'function') return
      const answer = this.#seal.close(JSON.stringify({ type: reply.type, ts: now, ...reply.body, re: key }))
      if (!await addAnswer(tx, { agent, key, hash: hashOf(type, body), answer, at: now }))
        throw new Fail('BUSY', 'A request under this Idempotency-Key was done meanwhile; ask again', retryMs)
    }
  }
}

const retryMs = 1_000

/** Of what the request reads, and of nothing else that was sent. @throws Problem it is none */
const hashOf = (type: RequestType, body: object): string => {
  const read = checkRequest(type, { ...body })
  if (!read.ok) throw new Problem('INVALID_MSG', read.message)
  return createHash('sha256').update(`${type} ${JSON.stringify(read.body)}`).digest('base64url')
}
