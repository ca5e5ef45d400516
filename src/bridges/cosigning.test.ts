import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { RelayError } from '../../lib/client/errors.ts'
import { Cosigning } from './cosigning.ts'

const cosigned = (size: number, by = 'me') => ({
  size,
  root: new Uint8Array(32),
  text: `head ${size}\n\n— its AA==\n— ${by} AA==\n`,
  isFollowed: true,
})

/** What is handed, and what of it is refused, by channel: `refused` may change. */
const handing = (refused: Record<string, ConstructorParameters<typeof RelayError>[0]>) => {
  const handed: string[] = []
  const cosigning = new Cosigning({
    own: 'me',
    hand: (channel, text) => {
      handed.push(`${channel} ${text.slice(0, text.indexOf('\n'))}`)
      return refused[channel] === undefined ? Promise.resolve() : Promise.reject(new RelayError(refused[channel], 'no'))
    },
    now: () => 0,
  })
  for (const [i, channel] of ['#a', '#b', '#c'].entries()) cosigning.set(channel, cosigned(i + 1))
  cosigning.opened()
  return { cosigning, handed }
}

test('what the other relay has of a channel is looked for once in a session, and anew where the channel begins anew', () => {
  const cosigning = new Cosigning({ own: 'me', hand: () => Promise.resolve(), now: () => 0 })
  cosigning.opened()
  expect([cosigning.looks('#a'), cosigning.looks('#a'), cosigning.looks('#b')]).toEqual([true, false, true])
  cosigning.forget('#a')
  expect([cosigning.looks('#a'), cosigning.looks('#b')]).toEqual([true, false])
  cosigning.opened()
  expect(cosigning.looks('#b')).toBe(true)
})

test('what was cosigned under a former key is handed to nobody, and holds nothing back', async () => {
  const handed: string[] = []
  const cosigning = new Cosigning({ own: 'me', hand: (_, text) => Promise.resolve(void handed.push(text)), now: () => 0 })
  cosigning.set('#a', cosigned(1, 'former'))
  cosigning.set('#b', cosigned(2, 'me'))
  cosigning.opened()
  await cosigning.handOn()
  expect(handed).toEqual([cosigned(2, 'me').text])
  cosigning.set('#a', cosigned(3, 'me'))
  await cosigning.handOn()
  expect(handed).toEqual([cosigned(2, 'me').text, cosigned(3, 'me').text])
})

const forGood = ['INVALID_MSG', 'NOT_INVITED', 'CHANNEL_NOT_FOUND'] as const

test.each(forGood)('one that is refused for good (%s) is passed over, and holds back no other channel', async code => {
  const refused: Parameters<typeof handing>[0] = { '#a': code }
  const { cosigning, handed } = handing(refused)
  await turn()
  expect(handed).toEqual(['#a head 1', '#b head 2', '#c head 3'])
  cosigning.set('#b', cosigned(4))
  await turn()
  expect(handed.slice(3)).toEqual(['#b head 4'])
  delete refused['#a']
  cosigning.set('#a', cosigned(5))
  await turn()
  expect(handed.slice(4)).toEqual(['#a head 5'])
})

test('a relay that keeps none is asked once in a session', async () => {
  const { cosigning, handed } = handing({ '#a': 'NOT_ALLOWED' })
  await turn()
  cosigning.set('#b', cosigned(4))
  await turn()
  expect(handed).toEqual(['#a head 1'])
  cosigning.opened()
  await turn()
  expect(handed).toEqual(['#a head 1', '#a head 1'])
})
