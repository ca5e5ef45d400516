import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/kit/folder.ts'
import { resolveTarget, serverUrl, type Contexts, type Wanted } from './target.ts'

const contexts: Contexts = {
  current: 'home',
  contexts: { home: { url: 'ws://home:1', identity: '/keys/home.json', name: 'homer' }, work: { url: 'wss://work' } },
}
const env = { AGENTCHAT_URL: 'ws://env:2' }
const resolve = (wanted: Wanted, env: Record<string, string> = {}, known = contexts) =>
  resolveTarget(wanted, { HOME: '/nowhere', ...env }, () => known)

test.each<[string, Wanted, Record<string, string>, string]>([
  ['the argument, before everything', { server: 'ws://arg:3' }, env, 'ws://arg:3'],
  ['a context named by option, before the environment', { context: 'work' }, env, 'wss://work'],
  ['AGENTCHAT_URL, before the current context', {}, env, 'ws://env:2'],
  ['AGENTCHAT_CONTEXT, before the current context', {}, { AGENTCHAT_CONTEXT: 'work' }, 'wss://work'],
  ['the current context', {}, {}, 'ws://home:1'],
  ['an empty variable is none', {}, { AGENTCHAT_URL: '', AGENTCHAT_CONTEXT: '' }, 'ws://home:1'],
])('%s', (_, wanted, env, url) => {
  expect(resolve(wanted, env).url).toBe(url)
})

test('a context lends its key only to its own relay, or where it was asked for', () => {
  expect(resolve({})).toEqual({ url: 'ws://home:1', identity: '/keys/home.json', isDefaultIdentity: false, name: 'homer' })
  expect(resolve({ server: 'ws://arg:3' })).toEqual({
    url: 'ws://arg:3',
    identity: undefined,
    isDefaultIdentity: true,
    name: undefined,
  })
  expect(resolve({}, env).identity).toBeUndefined()
  expect(resolve({ server: 'ws://arg:3', context: 'home' }).identity).toBe('/keys/home.json')
})

test('the rule for keys: -i, AGENTCHAT_IDENTITY, the context, the default file, none; --guest is none', () => {
  using home = newFolder()
  const keyOf = (wanted: Wanted, env: Record<string, string> = {}, known = contexts) => {
    const { identity, isDefaultIdentity } = resolve(wanted, { HOME: home.path, ...env }, known)
    return [identity, isDefaultIdentity]
  }
  const named = { AGENTCHAT_IDENTITY: 'env.json' }
  const bare: Contexts = { current: 'home', contexts: { home: { url: 'ws://home:1' } } }
  expect(keyOf({}, {}, bare)).toEqual([undefined, true])
  mkdirSync(home.at('.agentchat'))
  writeFileSync(home.at('.agentchat/identity.json'), '')
  expect(keyOf({ identity: 'mine.json' }, named)).toEqual(['mine.json', false])
  expect(keyOf({}, named)).toEqual(['env.json', false])
  expect(keyOf({})).toEqual(['/keys/home.json', false])
  expect(keyOf({}, {}, bare)).toEqual([home.at('.agentchat/identity.json'), true])
  expect(keyOf({ guest: true, identity: 'mine.json' }, named)).toEqual([undefined, false])
})

test('options go before the context, and the environment fills what is left', () => {
  expect(resolve({ identity: 'mine.json', name: 'me' })).toMatchObject({ identity: 'mine.json', name: 'me' })
  expect(resolve({ context: 'work' }, { AGENTCHAT_IDENTITY: 'e.json', AGENTCHAT_NAME: 'eve' })).toMatchObject({
    identity: 'e.json',
    name: 'eve',
  })
})

test('no relay named: an error that says how to name one', () => {
  expect(() => resolve({}, {}, { contexts: {} })).toThrow(
    expect.objectContaining({ exit: 'usage', hint: expect.stringContaining('AGENTCHAT_URL') }),
  )
})

test.each(['nope', '__proto__', 'constructor'])('there is no context %s', name => {
  expect(() => resolve({ context: name })).toThrow(expect.objectContaining({ exit: 'notFound', hint: 'Known: home, work' }))
})

test('relay URLs have one spelling, and what is none is refused', () => {
  expect(serverUrl('WS://LocalHost:6667/')).toBe('ws://localhost:6667')
  expect(serverUrl('wss://relay.example/path?x=1')).toBe('wss://relay.example/path?x=1')
  for (const word of ['http://relay', 'localhost:6667', 'ws://', 'ws://a b'])
    expect(() => serverUrl(word)).toThrow(expect.objectContaining({ exit: 'usage' }))
})
