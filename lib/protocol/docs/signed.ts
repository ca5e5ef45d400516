// Signatures in the examples: of requests, and of the events that tell of them.

export const exampleSigned = {
  sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
  sig_v: 3 as const,
  sig_ts: 1_790_000_000_000,
  sig_nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f',
}

export const exampleSignedBy = {
  relay: '9f86d081…',
  ...exampleSigned,
  sig_origin: 'wss://chat.example',
  sig_relay_nonce: 'a0c3e5f7091b2d4f3f9c0e5a7b1d4826',
}
