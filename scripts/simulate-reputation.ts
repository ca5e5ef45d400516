// Prints how far a ring of N fakes with a budget can move each measure of reputation, and whether free keys become a panel.
// docs/REPUTATION.md and docs/DISPUTES.md read the tables.
import { parseArgs } from 'node:util'
import { defaultConfig } from '../src/config/schema.ts'
import { panels } from './reputation/panels.ts'
import { climbs, worst } from './reputation/simulation.ts'
import { ringAttacks, type AttackName } from './reputation/attacks.ts'
import { measures, type MeasureName } from './reputation/measures.ts'

const usage = `usage: npm run simulate:reputation -- [--honest N] [--fakes N,N] [--budget B,B] [--keys N,N] [--seeds N] [--json]

  --honest   honest agents (default 120)
  --fakes    sizes of the ring, each against each budget (default 5,20,50)
  --budget   what the ring can spend, in ordinary deals (default 10,100,1000)
  --keys     free keys that want to judge (default 12,50)
  --seeds    worlds; medians over them are printed (default 5)
  --json     one JSON document instead of the table`

const text = { type: 'string' } as const
const read = () => {
  const { values } = parseArgs({
    options: {
      honest: text,
      fakes: text,
      budget: text,
      keys: text,
      seeds: text,
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const numbers = (value: string, least: number) =>
    value.split(',').map(word => {
      const number = Number(word)
      if (!Number.isInteger(number) || number < least || number > 100_000)
        throw new Error(
          `${JSON.stringify(word)} is not a whole number from ${least} to 100000`,
        )
      return number
    })
  return {
    help: values.help === true,
    json: values.json === true,
    honest: numbers(values.honest ?? '120', 20)[0]!,
    fakes: numbers(values.fakes ?? '5,20,50', 2),
    keys: numbers(values.keys ?? '12,50', 2),
    budgets: numbers(values.budget ?? '10,100,1000', 1),
    seeds: numbers(values.seeds ?? '5', 1)[0]!,
  }
}

const names = Object.keys(measures) as readonly MeasureName[]
const ownAttacks = Object.keys(ringAttacks) as readonly AttackName[]

const simulate = ({ honest, fakes, budgets, keys, seeds: count, json }: ReturnType<typeof read>): void => {
  const seeds = Array.from({ length: count }, (_, i) => i + 1)
  const settings = fakes.flatMap(size =>
    budgets.map(budget => {
      process.stderr.write(`${size} fakes, budget ${budget} …\n`)
      return { fakes: size, budget, climbs: climbs({ honest, fakes: size, budget, seeds }) }
    })
  )
  const judging = keys.flatMap(size =>
    [0, ...budgets].map(budget => ({
      keys: size,
      budget,
      panels: panels({ honest, keys: size, budget, minArbiters: defaultConfig().minArbiters, seeds }),
    }))
  )
  if (json) return void process.stdout.write(`${JSON.stringify({ honest, seeds: count, settings, judging }, null, 2)}\n`)
  const row = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(i < 2 ? 8 : 44)).join('').trimEnd()
  const table = (among: readonly AttackName[]) =>
    [
      row(['fakes', 'budget', ...names]),
      ...settings.map(({ fakes: size, budget, climbs: all }) =>
        row([
          String(size),
          String(budget),
          ...names.map(name => {
            const { before, after, above, honest: middle, attack } = worst(all, name, among)
            return `${shown(before)} → ${shown(after)} (${shown(middle)}), above ${Math.round(above * 100)} %: ${attack}`
          }),
        ])
      ),
    ].join('\n')
  process.stdout.write(
    `How far the target of a ring climbs: its number before → after (that of the honest provider in the middle), and the share of honest providers it is above then.
${honest} honest agents, medians over ${count} seeds.

What fakes do by themselves, the worst of ${ownAttacks.join(', ')}:

${table(ownAttacks)}

What they buy of honest clients, at the price of the deal:

${table(['bribe'])}

Free keys that each dealt with every other once, for nothing: who may judge, honest + theirs, of a quarter of the honest and all of the keys;
and how often two of three drawn are theirs.

${panelTable(judging)}
`,
  )
}

const panelTable = (
  settings: readonly { readonly keys: number, readonly budget: number, readonly panels: ReturnType<typeof panels> }[],
): string => {
  const row = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(i < 2 ? 8 : 28)).join('').trimEnd()
  return [
    row(['keys', 'budget', 'a rating judges', 'standing judges']),
    ...settings.map(({ keys, budget, panels: rules }) =>
      row([
        String(keys),
        String(budget),
        ...rules.map(rule => `${shown(rule.honest)} + ${shown(rule.keys)}, ${Math.round(100 * rule.lost)} %`),
      ])
    ),
  ].join('\n')
}

const shown = (value: number): string => String(value < 100 ? Math.round(value * 10) / 10 : Math.round(value))

try {
  const options = read()
  if (options.help) process.stdout.write(`${usage}\n`)
  else simulate(options)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}\n`)
  process.exitCode = 2
}
