// A text of somebody else, as text: what would hide, reorder or drive something is written out.
import { visible } from '../../lib/identity/fence.ts'

/** On one line. */
export const plain = (text: string): string => visible(text).replaceAll('\n', ' ').replaceAll('\t', ' ')

/** A value as indented JSON, with what would hide in it written out. */
export const visibleJson = (value: unknown): string => visible(JSON.stringify(value, undefined, 2))

/** A name of somebody else: bounded, on one line, in a direction of its own. */
export const Name = ({ text }: { readonly text: string }) => <bdi class='name'>{plain(text).slice(0, 64)}</bdi>
