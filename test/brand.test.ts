// A relay under a name of its own: what brand.json may hold, what is refused at the start, and what is served of it.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBrand } from '../src/config/brand.ts'
import { ConfigError } from '../src/config/load.ts'
import { exits } from '../src/cli/exit.ts'
import { consoleHeaders } from '../src/doors/console/door.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

const folder = newFolder()
const web = join(folder.path, 'web')
const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#0b6e4f"/></svg>'
const whole = {
  name: 'Acme & <Sons>',
  shortName: 'Acme',
  logo: 'logo.svg',
  tokens: {
    light: { accent: '#0b6e4f', 'on-accent': '#fff', rail: '#0B3D2E', 'on-rail': '#fff' },
    dark: { accent: '#7fe0b8', 'on-accent': '#04140d' },
  },
  links: [{ label: 'Help "now"', url: 'https://acme.example/help?a="b' }],
}
let written = 0
const write = (brand: unknown): string => {
  const file = join(folder.path, `brand-${written++}.json`)
  writeFileSync(file, typeof brand === 'string' ? brand : JSON.stringify(brand))
  return file
}

beforeAll(() => {
  writeFileSync(join(folder.path, 'logo.svg'), svg)
  // What the console is made of, as its sources have it; the one that was built: test/web/brand.test.ts.
  mkdirSync(web)
  cpSync('web/index.html', join(web, 'index.html'))
  cpSync('web/public', web, { recursive: true })
})
afterAll(() => folder[Symbol.dispose]())

test('is read whole, with what is left out by its default', () => {
  expect(readBrand(write(whole))).toEqual({
    name: 'Acme & <Sons>',
    shortName: 'Acme',
    logo: { bytes: Buffer.from(svg), type: 'image/svg+xml', size: 'any' },
    tokens: whole.tokens,
    links: [{ label: 'Help "now"', url: 'https://acme.example/help?a=%22b' }],
  })
  expect(readBrand(write({ name: 'Acme Agents International' }))).toEqual({
    ...{ name: 'Acme Agents International', shortName: 'Acme Agents', logo: undefined, tokens: {}, links: [] },
  })
})

test('is refused with the file, the place in it, and what is wrong there', () => {
  const logo = (name: string, bytes: string | Buffer) => {
    writeFileSync(join(folder.path, name), bytes)
    return { ...whole, logo: name }
  }
  const tokens = (light: object) => ({ ...whole, tokens: { light } })
  const link = (url: string, label = 'Help') => ({ ...whole, links: [{ label, url }] })
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['{', /is no JSON/],
    [[], /all of it: /],
    [{}, /name: /],
    [{ name: '' }, /name: /],
    [{ name: 'a'.repeat(41) }, /name: /],
    [{ name: 'two\nlines' }, /name: one line/],
    [{ name: '\u202Eecma' }, /name: one line/],
    [{ ...whole, colour: '#fff' }, /colour: there is none; there are name, shortName, logo, tokens, links/],
    [{ ...whole, tokens: { sepia: {} } }, /tokens\.sepia: there is none; there are light, dark/],
    [tokens({ acent: '#000' }), /tokens\.light\.acent: there is none; there are paper, raised, .*accent/],
    [tokens({ accent: 'red' }), /tokens\.light\.accent: a colour like/],
    [tokens({ accent: '#12345' }), /tokens\.light\.accent: a colour like/],
    [tokens({ accent: '#fff;} body{display:none' }), /tokens\.light\.accent: a colour like/],
    [tokens({ accent: 'url(https://evil.example)' }), /tokens\.light\.accent: a colour like/],
    [tokens({ accent: '#ffd400' }), /tokens\.light: on-accent #fff on accent #ffd400 has a contrast of 1\.4 : 1; text needs 4\.5 : 1/],
    [{ ...whole, tokens: { dark: { ink: '#222' } } }, /tokens\.dark: ink #222 on paper #15181c/],
    [link('javascript:alert(1)'), /links\.0\.url: an address like https/],
    [link('http://acme.example'), /links\.0\.url: an address like https/],
    [link('https://user:secret@acme.example'), /links\.0\.url: an address without a name/],
    [link('/help'), /links\.0\.url: /],
    [link('https://acme.example', '<b>\u0007'), /links\.0\.label: one line/],
    [{ ...whole, links: [{ label: 'a', url: 'https://acme.example', html: '<b>' }] }, /links\.0\.html: there is none/],
    [{ ...whole, links: Array.from({ length: 7 }, () => whole.links[0]) }, /links: /],
    [{ ...whole, logo: 'none.svg' }, /logo: .*none\.svg cannot be read/],
    [{ ...whole, logo: '.' }, /logo: .* is neither \.svg nor \.png/],
    [logo('page.html', '<svg></svg>'), /is neither \.svg nor \.png/],
    [logo('runs.svg', '<svg><script>alert(1)</script></svg>'), /runs\.svg has <script>/],
    [logo('asks.svg', '<svg onload="alert(1)"></svg>'), /asks\.svg has <svg onload=/],
    [logo('large.svg', svg.replace('M0', `M${'0 '.repeat(33_000)}`)), /large\.svg has \d+ bytes; at most 65536 are read/],
    [logo('not.png', svg), /not\.png is no PNG/],
    [{ ...whole, padding: 'a'.repeat(17_000) }, /has \d+ bytes; at most 16384 are read/],
  ]
  mkdirSync(join(folder.path, 'folder.svg'))
  for (const [brand, problem] of [...cases, [{ ...whole, logo: 'folder.svg' }, /folder\.svg is no file/] as const]) {
    const file = write(brand)
    let thrown: unknown
    try {
      readBrand(file)
    } catch (error) {
      thrown = error
    }
    expect(thrown, JSON.stringify(brand).slice(0, 100)).toBeInstanceOf(ConfigError)
    const { problems } = thrown as ConfigError
    expect(problems.every(({ where }) => where === `brand ${file}`)).toBe(true)
    expect(problems.map(({ message }) => message).join('\n')).toMatch(problem)
  }
  expect(() => readBrand(join(folder.path, 'no.json'))).toThrow(/brand .*no\.json: .*no\.json cannot be read/)
})

test('a relay whose brand cannot be is not started, and the command says why', async () => {
  const file = write({ name: 'Acme', logo: 'none.svg' })
  await expect(startTestRelay({ brand: file })).rejects.toThrow(ConfigError)
  using cli = new Cli()
  const ran = await cli.run(['serve', '--port', '0', '--data', ':memory:', '--brand', file, '--json'])
  expect([ran.code, ran.stderr]).toEqual([exits.error.code, expect.stringContaining('none.svg cannot be read')])
})

test('name, logo, colours and links stand on the pages, in what is installed, and what holds for the pages still does', async () => {
  await using relay = await startTestRelay({ brand: write(whole), console: true, accounts: true }, { consoleFolder: web })
  const get = async (path: string, accept = '*/*') => {
    const response = await fetch(relay.httpUrl + path, { headers: { accept } })
    return {
      ...response,
      status: response.status,
      type: response.headers.get('content-type'),
      headers: response.headers,
      text: await response.text(),
    }
  }
  const index = await get('/console/', 'text/html')
  expect(index.text).toContain('<title>Acme &#38; &#60;Sons&#62;</title>')
  expect(index.text).toContain('<html lang="en" data-theme="brand">')
  expect(index.headers.get('content-security-policy')).toBe(consoleHeaders['content-security-policy'])
  const told = JSON.parse(/<script type="application\/json" id="brand">(.*)<\/script>/.exec(index.text)![1]!) as { logo: string }
  expect(told).toEqual({
    name: whole.name,
    logo: expect.stringMatching(/^\/console\/brand\/logo-[0-9a-f]{8}\.svg$/),
    links: [{ label: 'Help "now"', url: 'https://acme.example/help?a=%22b' }],
    hasTheme: true,
  })
  expect(index.text).not.toContain('<Sons>')
  const style = /href="(\/console\/brand\/theme-[0-9a-f]{8}\.css)"/.exec(index.text)![1]!
  expect(await get(style)).toMatchObject({
    status: 200,
    type: 'text/css; charset=utf-8',
    text: expect.stringContaining('--accent:#0b6e4f'),
  })
  const logo = await get(told.logo)
  expect([logo.status, logo.type, logo.text, logo.headers.get('cache-control')]).toEqual([
    200,
    'image/svg+xml',
    svg,
    'public, max-age=31536000, immutable',
  ])
  expect(JSON.parse((await get('/console/manifest.webmanifest')).text)).toMatchObject({
    ...{ name: whole.name, short_name: 'Acme', start_url: '/console/', background_color: '#fff', theme_color: '#0B3D2E' },
    icons: [{ src: told.logo, sizes: 'any', type: 'image/svg+xml' }],
  })
  const worker = (await get('/console/worker.js')).text
  for (const path of [told.logo, style]) expect(worker).toContain(JSON.stringify(path.slice('/console/'.length)))

  const account = await get('/account', 'text/html')
  expect(account.text).toContain('<h1><img src="/account/logo" alt="" width="40" height="40"> Acme &#38; &#60;Sons&#62;</h1>')
  expect(account.text).toContain(
    '<a href="https://acme.example/help?a=%22b" target="_blank" rel="noopener noreferrer">Help &#34;now&#34;</a>',
  )
  expect(account.text).toContain('@media (prefers-color-scheme:dark){:root{')
  expect(account.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  const own = await get('/account/logo')
  expect([own.status, own.type, own.text, own.headers.get('content-security-policy'), own.headers.get('x-content-type-options')]).toEqual([
    200,
    'image/svg+xml',
    svg,
    expect.stringMatching(/default-src 'none'.*sandbox/),
    'nosniff',
  ])
  // Programs know the relay by the name it had.
  expect(JSON.parse((await get('/health')).text)).toMatchObject({ server: 'agentchat' })
})

test('who has none has ours', async () => {
  await using relay = await startTestRelay({ console: true, accounts: true }, { consoleFolder: web })
  expect(await (await fetch(`${relay.httpUrl}/console/`, { headers: { accept: 'text/html' } })).text()).toBe(
    readFileSync('web/index.html', 'utf8'),
  )
  expect((await fetch(`${relay.httpUrl}/account/logo`)).status).toBe(404)
  expect(await (await fetch(`${relay.httpUrl}/account`)).text()).not.toMatch(/<img|<footer|--accent/)
})
