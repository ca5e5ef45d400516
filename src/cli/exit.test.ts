import { expect, test } from 'vitest'
import { ConnectionError, ProtocolError, RelayError, TimeoutError } from '../../lib/client/index.ts'
import { errors, type ErrorCode } from '../../lib/protocol/index.ts'
import { CliError, exitOfCode, exits } from './exit.ts'
import { failureOf } from './failure.ts'

test('every exit has a code of its own, and 7 to 10 are those to try again', () => {
  const codes = Object.values(exits).map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  for (const { code, retry, doc } of Object.values(exits)) {
    expect(retry).toBe(code >= 7 && code <= 10)
    expect(doc).toMatch(/\.$/)
  }
})

test.each(Object.keys(errors) as ErrorCode[])('%s ends with an exit that is as worth trying again as the error itself', code => {
  expect(exits[exitOfCode[code]].retry).toBe(errors[code].retry)
  expect(failureOf(new RelayError(code, 'because'))).toMatchObject({ exit: exitOfCode[code], code, message: `because (${code})` })
})

test.each([
  [new CliError('notFound', 'm', 'h'), { exit: 'notFound', message: 'm', hint: 'h' }],
  [new RelayError('FROM_THE_FUTURE', 'm'), { exit: 'refused' }],
  [new RelayError('constructor', 'm'), { exit: 'refused', hint: undefined }],
  [new TimeoutError('m'), { exit: 'timeout' }],
  [new ConnectionError('UNREACHABLE', 'm'), { exit: 'unreachable' }],
  [new ConnectionError('LOST', 'm', 1012), { exit: 'unreachable' }],
  [new ConnectionError('LOST', 'm', 4500), { exit: 'ended', hint: 'The same agent opened the same session elsewhere.' }],
  [new ProtocolError('NO_IDENTITY', 'm'), { exit: 'refused' }],
  [Object.assign(new Error('Port 1 is taken'), { hint: 'take another' }), {
    exit: 'error',
    message: 'Port 1 is taken',
    hint: 'take another',
  }],
  [new Error('m'), { exit: 'error', hint: undefined }],
  ['thrown text', { exit: 'error', message: 'thrown text' }],
])('%s: %o', (error, failure) => {
  expect(failureOf(error)).toMatchObject(failure)
})
