// TLS handshakes cost the relay more than whoever asks for them: a few of an address at once, and so many of its work.
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { expect, test } from 'vitest'
import { newCertificate } from './kit/certificate.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

/** A socket that is open and says nothing. */
const silent = (port: number, from: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from }, () => resolve(socket))
    socket.on('error', reject)
  })

const secured = (port: number, from: string): Promise<boolean> =>
  new Promise(resolve => {
    const options = { host: '127.0.0.1', port, localAddress: from, rejectUnauthorized: false }
    const socket = connectTls(options as ConnectionOptions, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
  })

test('an address that has eight under way waits with the ninth; others do not, and it goes on when one is over', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ ...newCertificate(folder, 'one') })
  const port = Number(new URL(relay.url).port)
  const stranger = '127.0.0.8'
  const silents: Socket[] = []
  for (let i = 0; i < 8; i++) silents.push(await silent(port, stranger))
  // An honest handshake comes behind those sockets: they are accepted.
  expect(await secured(port, '127.0.0.9')).toBe(true)
  let isThrough = false
  const ninth = secured(port, stranger).then(through => isThrough = through)
  for (let i = 0; i < 5; i++) expect(await secured(port, '127.0.0.9')).toBe(true)
  expect(isThrough).toBe(false)
  silents[0]!.destroy()
  expect(await ninth).toBe(true)
  for (const socket of silents) socket.destroy()
})

test('handshakes are paid from the work of the address', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ ...newCertificate(folder, 'one'), addressFrameRate: 100, addressFrameBurst: 100 })
  relay.clock.stop()
  const port = Number(new URL(relay.url).port)
  const stranger = '127.0.0.8'
  for (let i = 0; i < 6; i++) expect(await secured(port, stranger)).toBe(true)
  let isThrough = false
  const late = secured(port, stranger).then(through => isThrough = through)
  for (let i = 0; i < 4; i++) expect(await secured(port, '127.0.0.9')).toBe(true)
  expect(isThrough).toBe(false)
  relay.clock.advance(10_000)
  expect(await late).toBe(true)
})
