import { expect, test } from 'vitest'
import { UndoneError } from '../store.ts'
import { isRefusal, problemOf } from './problems.ts'

const failed = (code: string) => Object.assign(new Error('it failed'), { code })

test('what the system says of a line is no refusal of the server, however short its code is', () => {
  for (const code of ['EPIPE', 'EPERM', 'EBUSY', 'ECONNRESET', 'ETIMEDOUT']) {
    expect([code, isRefusal(failed(code))]).toEqual([code, false])
    expect([code, problemOf(failed(code))?.hint]).toEqual([code, expect.stringContaining('No PostgreSQL answers there')])
  }
})

test('what the server says is one, unless it ends the line with it', () => {
  for (const code of ['53100', '42501', '0A000', 'XX001', '40P01']) expect([code, isRefusal(failed(code))]).toEqual([code, true])
  for (const code of ['57P01', '08006', '25006', '25P03', '25P04']) expect([code, isRefusal(failed(code))]).toEqual([code, false])
  expect(problemOf(failed('40P01'))).toBeInstanceOf(UndoneError)
  expect(problemOf(failed('23505'))).toBeUndefined()
})
