// What axe finds on a page of the console, in each theme and at both sizes, and whether the page is as wide as its window.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { desktop, phone, type Size } from './browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Those that can be chosen, and the one that is dark where the system is. */
export const themes = ['brutalist', 'neon', 'plain', 'plain dark', 'contrast'] as const

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

type Theme = (typeof themes)[number]

const wear = async (page: Page, theme: Theme): Promise<void> => {
  await page.emulateMedia({ colorScheme: theme === 'plain dark' ? 'dark' : 'light' })
  await page.evaluate(`document.documentElement.dataset.theme = '${theme.split(' ')[0]}'`)
}

/** What scrolls sideways because it means to: a board, tabs, a table, what is written in a field. */
const sideways = '.board, .tabs, .wide-table, .rail, input, textarea, pre'

/** What is wider than there is room for it: the page, or a box of it that then has to be scrolled sideways. */
export const overflowing = (page: Page): Promise<readonly string[]> =>
  page.evaluate(`[document.documentElement, ...document.querySelectorAll('body *')]
    .filter(box => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 1)
    .filter(box => box === document.documentElement || /auto|scroll/.test(getComputedStyle(box).overflowX))
    .filter(box => !box.matches('${sideways}'))
    .map(box => box.tagName + '.' + box.className + ' is ' + box.scrollWidth + ' wide, in ' + box.clientWidth)`)

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
    found.push(...(await overflowing(page)).map(each => `${name} ${size.width}: ${each}`))
  }
  await page.setViewportSize(desktop)
  return found
}
