// A real browser for tests of the console: one for a file, pages with a profile of their own, and what went wrong in them.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Config, RelayParts } from '../../src/app.ts'
import { chromiumPath, noBrowserVariable } from './chromium-run.ts'
import { startTestRelay, type TestRelay } from './relay.ts'

/** The console as it was built. */
export const builtConsole = join(import.meta.dirname, '../../dist/web')

/** Why there is no browser; undefined: there is one. */
export const noBrowser: string | undefined = process.env[noBrowserVariable]

export const desktop = { width: 1_280, height: 800 } as const
export const phone = { width: 390, height: 844 } as const
export type Size = typeof desktop | typeof phone

/** A window of somebody, and all that it complained of. */
export interface Visit extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** errors of its scripts, and what its rules forbade */
  readonly faults: string[]
}

export interface VisitOptions {
  readonly size?: Size
  /** behind /console/ */
  readonly path?: string
  /** What its browser asks pages to speak. */
  readonly locale?: string
  /** Whether its system wants less to move; tests are quicker and surer where it does. */
  readonly reducedMotion?: 'reduce' | 'no-preference'
  /** Whether its system wants more contrast. */
  readonly contrast?: 'more' | 'no-preference'
  /** For tools that bring scripts of their own. */
  readonly bypassCsp?: boolean
  /** What is done to the window before it goes there. */
  readonly before?: (page: Page) => Promise<unknown>
}

/** For what is to be seen on a page; a busy machine takes its time. */
const patienceMs = 15_000

const launch = async (): Promise<Browser> => {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error('There is no chromium: test/kit/chromium-run.ts says where it is looked for')
  // As root a browser has no sandbox of its own; tests show it nothing but their own relay.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
}

/** A browser for the tests of a file. @example const browser = useBrowser(); const { page } = await browser.visit(relay) */
export const useBrowser = () => {
  let browser: Browser | undefined
  beforeAll(async () => {
    if (noBrowser === undefined) browser = await launch()
  })
  afterAll(() => browser?.close())
  return {
    /** Somebody who was never here, at the console of a relay. */
    visit: async (
      site: Pick<ConsoleRelay, 'consoleUrl'>,
      { size = desktop, path = '', locale = 'en-US', reducedMotion = 'reduce', contrast = 'no-preference', bypassCsp = false, before }:
        VisitOptions = {},
    ): Promise<Visit> => {
      const context = await browser!.newContext({ viewport: size, locale, reducedMotion, contrast, bypassCSP: bypassCsp })
      context.setDefaultTimeout(patienceMs)
      const page = await context.newPage()
      const faults = watchFaults(page)
      await before?.(page)
      await page.goto(site.consoleUrl + path)
      return { page, context, faults, [Symbol.asyncDispose]: () => context.close() }
    },
  }
}

const docs = join(import.meta.dirname, '../../docs')
/** The pictures that docs/CONSOLE.md shows, by name. */
export const shownPictures: readonly string[] = [
  ...readFileSync(join(docs, 'CONSOLE.md'), 'utf8').matchAll(/\(console\/([a-z0-9-]+)\.png\)/g),
]
  .map(([, name]) => name!)

/** What a page complains of; requests that the relay was not there for are no fault of the page. */
export const watchFaults = (page: Page): string[] => {
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|WebSocket connection|Failed to load resource/.test(message.text()))
      faults.push(message.text())
  })
  return faults
}

/** A relay with its console. */
export interface ConsoleRelay extends AsyncDisposable {
  readonly relay: TestRelay
  readonly consoleUrl: string
}

export const startConsoleRelay = async (overrides: Partial<Config> = {}, parts: Omit<RelayParts, 'clock'> = {}): Promise<ConsoleRelay> => {
  if (!existsSync(builtConsole)) throw new Error(`${builtConsole} is not there: npm run build`)
  const relay = await startTestRelay({ console: true, webPort: 0, ...overrides }, parts)
  return { relay, consoleUrl: `http://localhost:${relay.webPort}/console/`, [Symbol.asyncDispose]: () => relay.drain() }
}

/** Pictures for docs/CONSOLE.md, where they are asked for: AGENTCHAT_SCREENSHOTS=docs/console. */
export const pictures = process.env['AGENTCHAT_SCREENSHOTS']

/** Takes a picture of what is shown, where they are asked for; the page of docs shows each that there is. */
export const photograph = async (page: Page, name: string): Promise<void> => {
  expect(shownPictures, 'pictures in docs/CONSOLE.md').toContain(name)
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) })
}

/** A passkey of the machine, whose owner says yes at once; it has a PRF. */
export const addPasskeys = async (page: Page): Promise<void> => {
  const tools = await page.context().newCDPSession(page)
  await tools.send('WebAuthn.enable')
  await tools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** As a browser that was never here: nothing of this site is kept. */
export const forgetAll = async (page: Page): Promise<void> => {
  await page.context().clearCookies()
  await page.evaluate(`(async () => {
    localStorage.clear()
    sessionStorage.clear()
    await new Promise(resolve => Object.assign(indexedDB.deleteDatabase('agentchat'), { onsuccess: resolve, onblocked: resolve, onerror: resolve }))
  })()`)
}

/** Comes in by a key that the browser makes. */
export const comeIn = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Make my key' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
}
