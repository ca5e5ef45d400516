// What axe finds on a page of the console, in each theme and at both sizes, and whether the page is as wide as its window.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { desktop, phone, type Size } from './browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const themes = ['brutalist', 'neon', 'plain', 'contrast'] as const

/** What axe finds, each with where it is. `rules`: those alone. The page was opened with `bypassCsp`. */
export const findings = async (page: Page, rules?: readonly string[]): Promise<readonly string[]> => {
  if (!await page.evaluate("'axe' in window")) await page.evaluate(axe)
  const options = rules === undefined ? {} : { runOnly: rules }
  const { violations } = await page.evaluate<Findings>(`axe.run(${JSON.stringify(options)})`)
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${String(target)}: ${failureSummary}`)
  )
}

interface Findings {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: unknown, readonly failureSummary: string }[]
  }[]
}

const wear = (page: Page, theme: string): Promise<unknown> => page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)

type Theme = (typeof themes)[number]

/** What is found on the page that is shown now, in all themes and at both sizes. `onEach`: as long as it is so; `onPhone`: themes there. */
export const lookOver = async (
  page: Page,
  name: string,
  { onEach, onPhone = themes }: {
    readonly onEach?: (theme: Theme, size: Size) => Promise<void>
    readonly onPhone?: readonly Theme[]
  } = {},
): Promise<readonly string[]> => {
  const found: string[] = []
  for (const size of [desktop, phone]) {
    await page.setViewportSize(size)
    for (const theme of size === phone ? onPhone : themes) {
      await wear(page, theme)
      // What a theme changes are colours.
      const here = await findings(page, theme === 'brutalist' ? undefined : ['color-contrast'])
      found.push(...here.map(each => `${name} ${theme} ${size.width}: ${each}`))
      await onEach?.(theme, size)
    }
    await wear(page, 'brutalist')
    expect(await page.evaluate('document.documentElement.scrollWidth'), `${name} is as wide as the window`).toBeLessThanOrEqual(size.width)
  }
  await page.setViewportSize(desktop)
  return found
}
