// The console under a relay's own name: the same files, but for those in which a name, a picture or a colour stands.
import { createHash } from 'node:crypto'
import { escapedMarkup } from '../../base/markup.ts'
import { brandStyle, coloursOf, schemesOf, type Brand } from '../../domain/brand.ts'
import { consoleFile, type ConsoleFile } from './files.ts'

type Files = ReadonlyMap<string, ConsoleFile>

const folder = 'brand/'
const selector = ':root[data-theme="brand"]'
const extensions = { 'image/svg+xml': 'svg', 'image/png': 'png' } as const

/** @throws Error it was built otherwise */
const put = (text: string, from: string, to: string): string => {
  if (!text.includes(from)) throw new Error(`the console that was built has no ${from}`)
  return text.replace(from, () => to)
}

/** A name that changes with what it names. */
const hashed = (stem: string, bytes: Buffer, extension: string): string =>
  `${folder}${stem}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}.${extension}`

/** @param files as the package brings them */
export const branded = (files: Files, brand: Brand): Files => {
  const own = new Map<string, ConsoleFile>()
  const { name, shortName, logo, links } = brand
  const [scheme] = schemesOf(brand)
  const style = Buffer.from(brandStyle(brand, selector))
  const styleName = scheme === undefined ? undefined : hashed('theme', style, 'css')
  const logoName = logo === undefined ? undefined : hashed('logo', logo.bytes, extensions[logo.type])
  if (styleName !== undefined) own.set(styleName, consoleFile(styleName, style))
  if (logo !== undefined) own.set(logoName!, consoleFile(logoName!, logo.bytes))
  const logoPath = logoName === undefined ? undefined : `/console/${logoName}`

  const textOf = (file: string): string => files.get(file)!.body.toString('utf8')
  const change = (file: string, text: string): void => void own.set(file, consoleFile(file, Buffer.from(text)))

  let index = put(textOf('index.html'), '<title>AgentChat</title>', `<title>${escapedMarkup(name)}</title>`)
  if (styleName !== undefined) index = put(index, 'data-theme="brutalist"', 'data-theme="brand"')
  if (logo !== undefined)
    index = put(index, '<link rel="icon" href="/console/icon.svg" type="image/svg+xml">',
      `<link rel="icon" href="${logoPath}" type="${logo.type}">`)
  const told = JSON.stringify({ name, logo: logoPath, links, hasTheme: scheme !== undefined }).replaceAll('<', '\\u003c')
  index = put(index, '</head>', [
    ...(styleName === undefined ? [] : [`<link rel="stylesheet" href="/console/${styleName}">`]),
    `<script type="application/json" id="brand">${told}</script>`,
    '</head>',
  ].join('\n'))
  change('index.html', index)

  const manifest = JSON.parse(textOf('manifest.webmanifest')) as Record<string, unknown>
  const colours = scheme === undefined ? undefined : coloursOf(brand, scheme)
  change('manifest.webmanifest', JSON.stringify({
    ...manifest,
    ...{ name, short_name: shortName },
    ...(colours !== undefined && { background_color: colours.paper, theme_color: colours.rail }),
    ...(logo !== undefined && { icons: [{ src: logoPath, sizes: logo.size, type: logo.type, purpose: 'any' }] }),
  }))

  // The worker that is installed is another one then, and keeps these too.
  const more = [...own.keys()].filter(each => each.startsWith(folder)).map(each => `${JSON.stringify(each)}, `)
  change('worker.js',
    `${put(textOf('worker.js'), 'const files = [', `const files = [${more.join('')}`)}// ${
      createHash('sha256').update(index).digest('hex').slice(0, 12)
    }\n`)
  return new Map([...files, ...own])
}
