// brand.json: a relay's own name, logo, colours and links on the pages for people. It is read once, at the start, and is all there or none of it.
import { readFileSync, statSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import * as z from 'zod'
import { coloursOf, contrastProblems, schemesOf, tokenNames, type Brand, type BrandLogo } from '../domain/brand.ts'
import { pngSize, svgProblem } from '../domain/logo.ts'
import { ConfigError } from './load.ts'
import { line } from './schema.ts'

const maxBytes = { brand: 16 * 1_024, logo: 64 * 1_024 }

const Colour = z.string().regex(/^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i, 'a colour like #1f5fd0')
const Tokens = z.strictObject(Object.fromEntries(tokenNames.map(name => [name, Colour.optional()])))
const Link = z.strictObject({
  label: line(30).min(1),
  url: z.url({ protocol: /^https$/, error: 'an address like https://acme.example/help' }).max(500).refine(url => {
    // What is no address at all is refused above.
    if (!URL.canParse(url)) return true
    const { username, password } = new URL(url)
    return username === '' && password === ''
  }, 'an address without a name and a password').transform(url => new URL(url).href),
})
const File = z.strictObject({
  name: line(40).min(1),
  shortName: line(12).min(1).optional(),
  logo: z.string().min(1).max(500).optional(),
  tokens: z.strictObject({ light: Tokens.optional(), dark: Tokens.optional() }).default({}),
  links: z.array(Link).max(6).default([]),
})

const keys: Readonly<Record<string, readonly string[]>> = { '': Object.keys(File.shape), links: Object.keys(Link.shape) }

/** @throws ConfigError, which names the file and what stands where in it */
export const readBrand = (file: string): Brand => {
  const fail = (problems: readonly string[]) => new ConfigError(problems.map(message => ({ where: `brand ${file}`, message })))
  const text = bytesOf(file, maxBytes.brand, problem => fail([problem])).toString('utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw fail([`is no JSON: ${(error as Error).message}`])
  }
  const read = File.safeParse(json)
  if (!read.success) throw fail(read.error.issues.map(problemOf))
  const { name, shortName = [...name].slice(0, 12).join('').trim(), logo, tokens, links } = read.data
  const brand: Brand = {
    ...{ name, shortName, links, tokens: tokens as Brand['tokens'] },
    logo: logo === undefined ? undefined : readLogo(resolve(dirname(file), logo), problem => fail([`logo: ${problem}`])),
  }
  const problems = schemesOf(brand).flatMap(scheme => contrastProblems(coloursOf(brand, scheme)).map(each => `tokens.${scheme}: ${each}`))
  if (problems.length > 0) throw fail(problems)
  return brand
}

const problemOf = (issue: z.core.$ZodIssue): string => {
  const where = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return `${where === '' ? 'all of it' : where}: ${issue.message}`
  const known = issue.path.length > 1 && where.startsWith('tokens') ? tokenNames : where === 'tokens' ? ['light', 'dark'] : keys[where]
  return `${[...issue.path, issue.keys[0]].join('.')}: there is none${known === undefined ? '' : `; there are ${known.join(', ')}`}`
}

const readLogo = (file: string, fail: (problem: string) => ConfigError): BrandLogo => {
  const type = extname(file).toLowerCase()
  if (type !== '.svg' && type !== '.png') throw fail(`${file} is neither .svg nor .png`)
  const bytes = bytesOf(file, maxBytes.logo, fail)
  if (type === '.svg') {
    const problem = svgProblem(bytes.toString('utf8'))
    if (problem !== undefined) throw fail(`${file} ${problem}`)
    return { bytes, type: 'image/svg+xml', size: 'any' }
  }
  const size = pngSize(bytes)
  if ('problem' in size) throw fail(`${file} ${size.problem}`)
  return { bytes, type: 'image/png', size: `${size.side}x${size.side}` }
}

/** All of a file that is no larger. */
const bytesOf = (file: string, most: number, fail: (problem: string) => ConfigError): Buffer => {
  let size: number | undefined
  try {
    const stat = statSync(file)
    if (stat.isFile() && stat.size <= most) return readFileSync(file)
    size = stat.isFile() ? stat.size : undefined
  } catch (error) {
    throw fail(`${file} cannot be read: ${(error as Error).message}`)
  }
  throw fail(size === undefined ? `${file} is no file` : `${file} has ${size} bytes; at most ${most} are read`)
}
