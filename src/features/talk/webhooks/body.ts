// What is posted of an event: as it is stored, and what the signature in it is worth by the key that the relay has for its author.
import { agentIdOf, provenanceOf, signedTextOf, type SignatureState, type SignedMessage } from '../../../../lib/identity/index.ts'
import { addressOf, hasHost } from '../../../../lib/protocol/index.ts'
import { webhookBody } from '../../../domain/webhook-body.ts'
import type { VerifyMessage } from '../../../relay/feature.ts'
import type { WebhookRow } from '../../../store/webhooks.ts'
import type { Due } from './source.ts'

export interface BodyOptions {
  readonly serverId: string
  readonly verifyMessage: VerifyMessage
}

/** Who checks it. */
const relayItself = { address: '' }

/** Events of trade carry signatures over texts of their own: these are not judged here. */
const signatureOf = async (text: string, key: string | null, { serverId, verifyMessage }: BodyOptions): Promise<SignatureState> => {
  const said = JSON.parse(text) as Partial<SignedMessage> & { readonly type: string }
  const { type, sig, from, to, relay, sig_v: version } = said
  if (sig === undefined || type !== 'MSG') return 'none'
  if (key === null || agentIdOf(key) !== from) return 'unknown-key'
  // In a channel of another relay it was signed for that one, where the channel has its bare name.
  const isElsewhere = hasHost(to)
  const signed = signedTextOf({ ...said, ...(isElsewhere && { to: addressOf(to).name }) } as SignedMessage)
  if (signed === undefined || !await verifyMessage(relayItself, key, signed, sig)) return 'invalid'
  if (isElsewhere) return 'foreign'
  if (version === undefined) return 'weak'
  return relay === serverId ? 'valid' : 'foreign'
}

export const bodyOf = async (
  { id, agent, source, thin }: WebhookRow,
  { seq, text, author }: Due,
  options: BodyOptions,
): Promise<string> => {
  const signature = await signatureOf(text, author?.pubkey ?? null, options)
  return webhookBody({
    relay: options.serverId,
    agent,
    webhook: id,
    isOfChannel: source.startsWith('#'),
    seq,
    text,
    signature,
    provenance: provenanceOf(JSON.parse(text) as object, signature, author),
    isThin: thin === 1,
  })
}
