import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { brandStyle, contrastOf, contrastProblems, plainColours, tokenNames, type Brand, type ChosenColours, type Scheme } from './brand.ts'

const brandOf = (tokens: Partial<Record<Scheme, ChosenColours>>): Brand => ({
  name: 'a',
  shortName: 'a',
  logo: undefined,
  tokens,
  links: [],
})

test('what a brand begins as is what the theme `plain` of the console says', () => {
  const css = readFileSync('web/themes/themes.css', 'utf8')
  const blocks = [...css.matchAll(/data-theme="plain"\][^{]*\{([^}]*)\}/g)].map(([, block]) => block!)
  expect(blocks).toHaveLength(2)
  const told = blocks.map(block =>
    Object.fromEntries([...block.matchAll(/--([a-z-]+): (#[0-9a-f]+);/g)].map(([, name, colour]) => [name!, colour!])
      .filter(([name]) => (tokenNames as readonly (string | undefined)[]).includes(name)))
  )
  expect(told).toEqual([plainColours.light, plainColours.dark])
})

test('contrast is what WCAG says, and text that cannot be read is told with both colours', () => {
  expect(contrastOf('#000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrastOf('#abc', '#AABBCC')).toBe(1)
  // Values of the WebAIM contrast checker.
  expect(contrastOf('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  expect(contrastOf('#1f5fd0', '#ffffff')).toBeCloseTo(contrastOf('#ffffff', '#1f5fd0'), 9)
  // Half seen is grey.
  expect(contrastOf('#000', '#fff', 0.5)).toBeCloseTo(contrastOf('#808080', '#fff'), 1)
  for (const scheme of ['light', 'dark'] as const) expect(contrastProblems(plainColours[scheme])).toEqual([])
  expect(contrastProblems({ ...plainColours.light, 'on-accent': '#777', accent: '#fff' })).toEqual([
    'on-accent #777 on accent #fff has a contrast of 4.4 : 1; text needs 4.5 : 1',
  ])
  // What is a little faded on the page is so here.
  expect(contrastProblems({ ...plainColours.light, rail: '#fff', 'on-rail': '#707070' })).toHaveLength(1)
  expect(contrastOf('#707070', '#fff')).toBeGreaterThan(4.5)
})

test('colours are told whole, for the ground that is there, and for the other one only if it is', () => {
  expect(brandStyle(brandOf({}), ':root')).toBe('')
  const light = brandStyle(brandOf({ light: { accent: '#123456' } }), ':root')
  expect(light).toMatch(/^:root\{color-scheme:light;.*--accent:#123456;/)
  for (const name of tokenNames) expect(light).toContain(`--${name}:`)
  expect(light).not.toContain('@media')
  expect(brandStyle(brandOf({ dark: {} }), ':root')).toMatch(/^:root\{color-scheme:dark;[^@]*\}\n$/)
  const both = brandStyle(brandOf({ light: { accent: '#123456' }, dark: { accent: '#abcdef' } }), ':root')
  expect(both.split('@media (prefers-color-scheme:dark)').map(part => part.match(/--accent:(#\w+)/)?.[1])).toEqual(['#123456', '#abcdef'])
})
