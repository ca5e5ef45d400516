// A digest for eyes. What peers wrote is made visible before it is painted.
import type { Frame } from '../../lib/protocol/index.ts'
import type { Paint } from './output.ts'
import { visible } from './terminal.ts'

/** `12:03:11 #general 17–58: 42 messages by alice @k3x9q2ab (40), bob @8addfe276526c9f6 (2)`, and a line for each excerpt. */
export const digestText = (
  { ts, channel, from_seq, to_seq, count, senders, others = 0, excerpts }: Frame<'DIGEST'>,
  paint: Paint,
): string => {
  const by = senders.map(sender => `${paint('bold', visible(sender.from_name))} ${paint('dim', visible(sender.from))} (${sender.count})`)
  if (others > 0) by.push(`others (${others})`)
  const time = paint('dim', `${new Date(ts).toLocaleTimeString('en-GB')} `)
  return [
    `${time}${paint('cyan', visible(channel))} ${paint('dim', `${from_seq}–${to_seq}:`)} ${count} messages by ${by.join(', ')}`,
    ...excerpts.map(({ from, text }) => `  ${paint('dim', visible(from))} ${visible(text)}`),
  ].join('\n')
}
