// A relay's own name on the pages for people: what there is to choose, and whether it can be read.

/** Whether the ground is light or dark. */
export type Scheme = 'light' | 'dark'

/** Colours of the theme `plain`, which a brand's begin as; web/themes/themes.css has the same. */
const plain = {
  light: {
    ...{ paper: '#fff', raised: '#fff', sunken: '#f3f4f6', mine: '#eef4ff', ink: '#1b1f24', soft: '#57606a', line: '#c6ccd3' },
    ...{ hair: '#e3e6ea', accent: '#1f5fd0', 'on-accent': '#fff', link: '#0b57c2', mark: '#fff2a8', good: '#116329', warn: '#7d4e00' },
    ...{ bad: '#b3141f', 'on-bad': '#fff', focus: '#1f5fd0', rail: '#f3f4f6', 'on-rail': '#1b1f24', 'rail-mark': '#1f5fd0' },
    'on-rail-mark': '#fff',
  },
  dark: {
    ...{ paper: '#15181c', raised: '#1c2026', sunken: '#101316', mine: '#1b2b47', ink: '#e6e9ed', soft: '#a5afba', line: '#3a424c' },
    ...{ hair: '#2a3037', accent: '#7aaeff', 'on-accent': '#071226', link: '#8fbcff', mark: '#d9b13b', good: '#6fdc8c', warn: '#e8b65a' },
    ...{ bad: '#ff8f8f', 'on-bad': '#2a0000', focus: '#7aaeff', rail: '#101316', 'on-rail': '#e6e9ed', 'rail-mark': '#7aaeff' },
    'on-rail-mark': '#071226',
  },
} as const

/** A colour of the pages, by its name in web/themes. */
export type Token = keyof typeof plain.light
export const tokenNames = Object.keys(plain.light) as readonly Token[]
/** Each as `#rgb` or `#rrggbb`. */
export type Colours = Readonly<Record<Token, string>>
/** Those that are another colour than in `plain`. */
export type ChosenColours = Readonly<Partial<Colours>>

export const plainColours: Readonly<Record<Scheme, Colours>> = plain

export interface BrandLogo {
  readonly bytes: Buffer
  readonly type: 'image/svg+xml' | 'image/png'
  /** As a manifest says it: `any`, or `512x512`. */
  readonly size: string
}

export interface BrandLink {
  readonly label: string
  readonly url: string
}

export interface Brand {
  readonly name: string
  /** Below the picture of what is installed. */
  readonly shortName: string
  readonly logo: BrandLogo | undefined
  readonly tokens: Readonly<Partial<Record<Scheme, ChosenColours>>>
  readonly links: readonly BrandLink[]
}

/** Which colour stands on which, as the pages have it. `shown`: so much of it is, the rest is the ground. */
const texts: readonly { readonly text: Token, readonly on: readonly Token[], readonly shown?: number }[] = [
  { text: 'ink', on: ['paper', 'raised', 'sunken', 'mine'] },
  { text: 'soft', on: ['paper', 'raised', 'sunken', 'mine'] },
  { text: 'link', on: ['paper', 'raised', 'sunken', 'mine'] },
  { text: 'good', on: ['paper', 'raised', 'mine'] },
  { text: 'warn', on: ['paper', 'raised', 'mine'] },
  { text: 'bad', on: ['paper', 'raised', 'mine'] },
  { text: 'on-accent', on: ['accent'] },
  { text: 'on-bad', on: ['bad'] },
  { text: 'on-rail', on: ['rail'], shown: 0.85 },
  { text: 'on-rail-mark', on: ['rail-mark'] },
]
/** WCAG 2.2, level AA, 1.4.3. */
export const leastContrast = 4.5

type Rgb = readonly [number, number, number]

const rgbOf = (colour: string): Rgb => {
  const digits = colour.length === 4 ? [...colour.slice(1)].map(digit => digit + digit) : colour.slice(1).match(/../g)!
  return digits.map(each => Number.parseInt(each, 16)) as unknown as Rgb
}

/** Relative luminance, by WCAG 2.2. */
const luminanceOf = (rgb: Rgb): number => {
  const [r, g, b] = rgb.map(each => each / 255).map(each =>
    each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4
  ) as unknown as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** From 1 to 21. @param shown so much of the text's colour is seen, the rest is the ground's */
export const contrastOf = (text: string, ground: string, shown = 1): number => {
  const [front, back] = [rgbOf(text), rgbOf(ground)]
  const mixed = front.map((each, i) => each * shown + back[i]! * (1 - shown)) as unknown as Rgb
  const [low, high] = [luminanceOf(mixed), luminanceOf(back)].sort((a, b) => a - b) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** What could not be read in these colours, a sentence each. */
export const contrastProblems = (colours: Colours): readonly string[] =>
  texts.flatMap(({ text, on, shown }) =>
    on.flatMap(ground => {
      const contrast = contrastOf(colours[text], colours[ground], shown)
      if (contrast >= leastContrast) return []
      // Rounded down: what is refused does not read as enough.
      const told = `${Math.floor(contrast * 10) / 10} : 1`
      return [`${text} ${colours[text]} on ${ground} ${colours[ground]} has a contrast of ${told}; text needs ${leastContrast} : 1`]
    })
  )

/** All colours of a scheme. */
export const coloursOf = ({ tokens }: Brand, scheme: Scheme): Colours => ({ ...plainColours[scheme], ...tokens[scheme] })

/** In which it is shown; none: it has no colours of its own. The first whatever a browser prefers. */
export const schemesOf = ({ tokens }: Brand): readonly Scheme[] =>
  (['light', 'dark'] as const).filter(scheme => tokens[scheme] !== undefined)

/** Its colours as CSS. They are hexadecimal digits by now: nothing of them ends a declaration. */
export const brandStyle = (brand: Brand, selector: string): string => {
  const rule = (scheme: Scheme) => {
    const declared = Object.entries(coloursOf(brand, scheme)).map(([name, colour]) => `--${name}:${colour}`)
    return `${selector}{color-scheme:${scheme};${declared.join(';')}}`
  }
  const [first, second] = schemesOf(brand)
  if (first === undefined) return ''
  return second === undefined ? `${rule(first)}\n` : `${rule(first)}\n@media (prefers-color-scheme:${second}){${rule(second)}}\n`
}
