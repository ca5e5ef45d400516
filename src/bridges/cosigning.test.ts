import { expect, test } from 'vitest'
import { Cosigning } from './cosigning.ts'

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
  const cosigned = (size: number, by: string) => ({
    size,
    root: new Uint8Array(32),
    text: `head\n\n— its AA==\n— ${by} AA==\n`,
    isFollowed: true,
  })
  cosigning.set('#a', cosigned(1, 'former'))
  cosigning.set('#b', cosigned(2, 'me'))
  cosigning.opened()
  await cosigning.handOn()
  expect(handed).toEqual([cosigned(2, 'me').text])
  cosigning.set('#a', cosigned(3, 'me'))
  await cosigning.handOn()
  expect(handed).toEqual([cosigned(2, 'me').text, cosigned(3, 'me').text])
})
