// What is delivered: a text, or files named by their hash, and what a small file carries with it has to be what its hash says.
import { createHash } from 'node:crypto'
import { limits, type RequestBody } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'

/** @throws Fail INVALID_MSG */
export const checkFiles = ({ text, files = [] }: Pick<RequestBody<'SUBMIT'>, 'text' | 'files'>): void => {
  if ((text === undefined || text === '') && files.length === 0)
    throw new Fail('INVALID_MSG', 'Nothing is delivered: give a text, or files')
  if (files.reduce((sum, file) => sum + (file.content?.length ?? 0), 0) > limits.maxInlineFileChars)
    throw new Fail('INVALID_MSG',
      `files: more than ${limits.maxInlineFileChars} characters of content; send the larger ones another way, and name them by their hash`)
  for (const { name, bytes, sha256, content } of files) {
    if (/[/\\\p{Cc}]/u.test(name) || name === '.' || name === '..') throw new Fail('INVALID_MSG', 'files: a name without folders')
    if (content === undefined) continue
    const data = Buffer.from(content, 'base64')
    if (data.toString('base64') !== content) throw new Fail('INVALID_MSG', 'files: the content is not base64')
    if (data.length !== bytes || createHash('sha256').update(data).digest('hex') !== sha256)
      throw new Fail('INVALID_MSG', `files: ${name} is not what its size and hash say`)
  }
}
