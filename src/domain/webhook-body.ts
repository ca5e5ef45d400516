// The JSON that a webhook posts: what happened, where it is counted, what was said as it is stored, and where it comes from.

export interface WebhookEvent {
  /** The `server_id` of the relay. */
  readonly relay: string
  /** Whose webhook it is, and which: so a body that one address was sent serves no other. */
  readonly agent: string
  readonly webhook: string
  /** Whether it posts what is said in a channel; else what is in its agent's inbox. */
  readonly isOfChannel: boolean
  readonly seq: number
  /** As it is stored: JSON. */
  readonly text: string
  /** What its signature is worth. */
  readonly signature: string
  readonly provenance: {
    /** The fingerprint of the key that signed it, where that holds: ids are short, keys are not. */
    readonly signedBy: string | null
    readonly keyAgeMs: number | null
    readonly trust: string
    readonly hops: number
  }
  /** Only what names the event. */
  readonly isThin: boolean
}

interface Said {
  readonly type: string
  readonly ts: number
  readonly msg_id?: string
  readonly from?: string
  readonly to?: string
  readonly edit?: unknown
  readonly retract?: unknown
}

/** What a receiver chooses by: who is meant, and what was done. */
const typeOf = ({ type, to, edit, retract }: Said, isOfChannel: boolean): string => {
  if (type !== 'MSG') return `event.${type.toLowerCase()}`
  if (edit !== undefined) return 'message.edited'
  if (retract !== undefined) return 'message.retracted'
  return isOfChannel ? 'message.posted' : to?.startsWith('#') === true ? 'mention.received' : 'message.received'
}

export const webhookBody = (event: WebhookEvent): string => {
  const { relay, agent, webhook, isOfChannel, seq, text, signature, provenance, isThin } = event
  const said = JSON.parse(text) as Said
  const { msg_id, from, to, ts } = said
  const head = JSON.stringify({ type: typeOf(said, isOfChannel), timestamp: new Date(ts).toISOString() })
  const { signedBy: key, keyAgeMs: key_age_ms, trust, hops } = provenance
  const signed_by = key === null ? null : { agent: from, key }
  const data = JSON.stringify({ relay, agent, webhook, seq, msg_id, from, to, signature, signed_by, key_age_ms, trust, hops })
  return `${head.slice(0, -1)},"data":${isThin ? data : `${data.slice(0, -1)},"event":${text}}`}}`
}

/** What a test posts. */
export const webhookTest = ({ relay, agent, webhook }: Pick<WebhookEvent, 'relay' | 'agent' | 'webhook'>, now: number): string =>
  JSON.stringify({ type: 'webhook.test', timestamp: new Date(now).toISOString(), data: { relay, agent, webhook } })
