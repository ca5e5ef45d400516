// @ts-check
// The curves of growth as an SVG: CPU per delivery over members and over stored messages, both axes logarithmic.
import { memberCounts, short, storedCounts } from './workloads/scale.mjs'

const width = 420
const height = 300
const margin = { left: 62, right: 18, top: 38, bottom: 48 }
const decades = (/** @type {readonly number[]} */ values) => [Math.floor(Math.log10(Math.min(...values)) + 1e-9), Math.ceil(Math.log10(Math.max(...values)) - 1e-9)]
const ticksOf = (/** @type {readonly number[]} */ [low, high]) => Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))

/** @typedef {{ readonly x: number, readonly y: number }} Point */

/** @param {string} title @param {string} label @param {readonly Point[]} points @param {number} left */
const panel = (title, label, points, left) => {
  const xs = decades(points.map(({ x }) => x))
  const ys = decades(points.map(({ y }) => y))
  const across = (/** @type {number} */ x) => margin.left + (Math.log10(x) - xs[0]) / Math.max(1, xs[1] - xs[0]) * (width - margin.left - margin.right)
  const down = (/** @type {number} */ y) => height - margin.bottom - (Math.log10(y) - ys[0]) / Math.max(1, ys[1] - ys[0]) * (height - margin.top - margin.bottom)
  const at = ({ x, y }) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`
  const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ words, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${words}</text>`
  return [
    `<g transform="translate(${left} 0)">`,
    text(width / 2, 20, title, 'text-anchor="middle" font-weight="bold"'),
    ...ticksOf(xs).flatMap(x => [
      `<line x1="${across(x)}" x2="${across(x)}" y1="${margin.top}" y2="${height - margin.bottom}" class="grid"/>`,
      text(across(x), height - margin.bottom + 18, short(x), 'text-anchor="middle"'),
    ]),
    ...ticksOf(ys).flatMap(y => [
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${down(y)}" y2="${down(y)}" class="grid"/>`,
      text(margin.left - 8, down(y) + 4, String(Number(y.toPrecision(1))), 'text-anchor="end"'),
    ]),
    text((width + margin.left - margin.right) / 2, height - 10, label, 'text-anchor="middle"'),
    text(16, height / 2, 'CPU µs/delivery', `text-anchor="middle" transform="rotate(-90 16 ${height / 2})"`),
    `<polyline points="${points.map(at).join(' ')}"/>`,
    ...points.flatMap(point => {
      const [x = 0, y = 0] = at(point).split(',').map(Number)
      return [`<circle cx="${x}" cy="${y}" r="3.5"/>`, text(x, y - 9, point.y.toPrecision(2), 'text-anchor="middle" class="value"')]
    }),
    '</g>',
  ].join('\n')
}

/** @param {import('./targets.mjs').Of} of @returns {string | undefined} nothing where a curve has less than two points */
export const scalingPlot = of => {
  const curve = (/** @type {string} */ prefix, /** @type {readonly number[]} */ counts) =>
    counts.map(x => ({ x, y: of(`${prefix}-${short(x)}`, 'agentchat', 'CPU µs/delivery') })).filter(({ y }) => y > 0)
  const members = curve('members', memberCounts)
  const stored = curve('stored', storedCounts)
  if (members.length < 2 || stored.length < 2) return undefined
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${height}" font-family="sans-serif" font-size="12" fill="#333">
<style>.grid{stroke:#ddd} polyline{fill:none;stroke:#0a6;stroke-width:2} circle{fill:#0a6} .value{fill:#0a6}</style>
<rect width="100%" height="100%" fill="#fff"/>
${panel('One room, 10 outstanding', 'members', members, 0)}
${panel('One room of 100, 10 outstanding', 'messages stored', stored, width)}
</svg>
`
}
