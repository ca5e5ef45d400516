// Plays every transcript, and shows that together they say everything the protocol can say.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { closeCodes, errors, frames, requests } from '../../lib/protocol/index.ts'
import { playScene, playSceneInside } from './runner.ts'
import { parseScript, type Scene, type Statement } from './script.ts'

const scripts = readdirSync(import.meta.dirname).filter(file => file.endsWith('.txt')).sort()
  .map(file => ({ file, scenes: parseScript(readFileSync(new URL(file, import.meta.url), 'utf8')) }))

/** Of a scene that is about sockets there may be too many. */
const isOfSockets = ({ relay }: Scene): boolean => 'maxConnections' in relay || 'maxConnectionsPerIp' in relay

for (const { file, scenes } of scripts) {
  describe(file, () => {
    // Of each file the longest leaves most to ask about.
    const longest = scenes.reduce((most, scene) => scene.statements.length > most.statements.length ? scene : most)
    for (const scene of scenes) test(scene.title, () => playScene(scene, scene === longest))
    // The same without a socket, but where sockets are what it is about.
    for (const scene of scenes.filter(scene => !isOfSockets(scene))) test(`inside: ${scene.title}`, () => playSceneInside(scene))
  })
}

describe('coverage', () => {
  const statements: readonly Statement[] = scripts.flatMap(({ scenes }) => scenes.flatMap(scene => scene.statements))
  const fields = (kind: 'send' | 'hear', field: string) =>
    new Set(
      statements.flatMap(statement =>
        statement.kind === kind || (kind === 'send' && statement.kind === 'sign')
          ? [(statement.frame as Record<string, unknown>)[field]]
          : []
      ),
    )

  test('every request occurs', () => {
    expect(Object.keys(requests).filter(type => !fields('send', 'type').has(type))).toEqual([])
  })

  test('everything that an admin has to say so occurs, in each request that takes it', () => {
    const said = new Set(
      statements.flatMap(statement =>
        statement.kind === 'send' || statement.kind === 'sign'
          ? Object.keys(statement.frame as object).map(field => `${String((statement.frame as Record<string, unknown>)['type'])}.${field}`)
          : []
      ),
    )
    const rights = ['admin', 'admin_key', 'all']
    const taken = Object.entries(requests).flatMap(([type, { body }]) =>
      Object.keys(body.shape).filter(field => rights.includes(field)).map(field => `${type}.${field}`)
    )
    expect(taken.length).toBeGreaterThan(20)
    expect(taken.filter(each => !said.has(each))).toEqual([])
  })

  test('every server frame occurs, but those that take two relays', () => {
    expect(Object.keys(frames).filter(type => !fields('hear', 'type').has(type))).toEqual(['SETTLED', 'HOME'])
  })

  test('every error occurs, but those of a failing or overloaded relay, and of a browser that shows a passkey', () => {
    const elsewhere = ['BUSY', 'STORAGE_UNAVAILABLE', 'INTERNAL', 'PASSKEY_ASKED']
    expect(Object.keys(errors).filter(code => !fields('hear', 'code').has(code)).sort()).toEqual(elsewhere.sort())
  })

  test('every close occurs, but those of a connection that does not read or answer pings, and of a browser whose sign-in ended', () => {
    const seen = new Set(statements.flatMap(statement => statement.kind === 'closed' ? [statement.code] : []))
    const elsewhere = ['TOO_SLOW', 'PING_TIMEOUT', 'SIGNED_OUT']
    expect(Object.entries(closeCodes).filter(([, { code }]) => !seen.has(code)).map(([name]) => name).sort()).toEqual(elsewhere.sort())
  })
})
