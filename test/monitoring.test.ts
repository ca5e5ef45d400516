// The alert rules and the dashboard that come with the relay ask for metrics that it has.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { startTestRelay } from './kit/relay.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const { groups } = parse(readFileSync('deploy/monitoring/alerts.yaml', 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(group => group.rules)
const { panels } = JSON.parse(readFileSync('deploy/monitoring/dashboard.json', 'utf8')) as {
  panels: { title: string, targets: { expr: string }[] }[]
}

/** Metrics of a query; `up` is Prometheus' own. */
const metricsOf = (query: string): string[] => query.match(/\b(?:agentchat|process)_\w+/g) ?? []

const isBalanced = (query: string): boolean => {
  const open: string[] = []
  const ends = new Map([['(', ')'], ['[', ']'], ['{', '}']])
  for (const char of query.replaceAll(/"[^"]*"/g, '')) {
    if (ends.has(char)) open.push(ends.get(char)!)
    else if ([...ends.values()].includes(char) && open.pop() !== char) return false
  }
  return open.length === 0
}

test('every metric that a rule or a panel asks for is one of the relay', async () => {
  await using relay = await startTestRelay()
  const text = await (await fetch(`${relay.url.replace(/^ws/, 'http')}/metrics`)).text()
  const known = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!]
  )
  const asked = [...rules.map(rule => rule.expr), ...panels.flatMap(panel => panel.targets.map(({ expr }) => expr))]
  expect(asked.length).toBeGreaterThan(20)
  expect(asked.flatMap(metricsOf).filter(name => !known.includes(name))).toEqual([])
  expect(asked.filter(query => !isBalanced(query))).toEqual([])
  expect(asked.filter(query => metricsOf(query).length === 0)).toEqual(['up{job="agentchat"} == 0'])
})

test.each(rules)('$alert says what is wrong, and what to do', ({ labels, annotations }) => {
  expect(['page', 'ticket']).toContain(labels.severity)
  expect(annotations['summary']).toMatch(/\w/)
  expect(annotations['action']).toMatch(/\w/)
})
