// @ts-check
// The plot of a cluster's figures as an SVG: what a delivery costs at each process, and how many messages are stored, by processes.

const width = 420
const height = 260
const margin = { left: 62, right: 18, top: 38, bottom: 48 }

/** @typedef {{ readonly name: string, readonly points: readonly (readonly [number, number])[] }} Line */

/** @param {string} title @param {string} unit @param {readonly Line[]} lines @param {number} left */
const panel = (title, unit, lines, left) => {
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)))
  const step = 10 ** Math.floor(Math.log10(most)) / (most / 10 ** Math.floor(Math.log10(most)) < 3 ? 2 : 1)
  const top = Math.ceil(most / step) * step
  const across = (/** @type {number} */ x) => margin.left + (x - 0.7) / 2.6 * (width - margin.left - margin.right)
  const down = (/** @type {number} */ y) => height - margin.bottom - y / top * (height - margin.top - margin.bottom)
  const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ words, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${words}</text>`
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step)
  return [
    `<g transform="translate(${left} 0)">`,
    text(width / 2, 20, title, 'text-anchor="middle" font-weight="bold"'),
    ...ticks.flatMap(y => [
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${down(y).toFixed(1)}" y2="${down(y).toFixed(1)}" class="grid"/>`,
      text(margin.left - 8, down(y) + 4, String(Number(y.toPrecision(3))), 'text-anchor="end"'),
    ]),
    ...[1, 2, 3].map(x => text(across(x), height - margin.bottom + 18, String(x), 'text-anchor="middle"')),
    text((width + margin.left - margin.right) / 2, height - 10, 'processes', 'text-anchor="middle"'),
    text(16, height / 2, unit, `text-anchor="middle" transform="rotate(-90 16 ${height / 2})"`),
    ...lines.flatMap(({ name, points }, i) => [
      `<polyline points="${points.map(([x, y]) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`).join(' ')}" class="line l${i}"/>`,
      ...points.map(([x, y]) => `<circle cx="${across(x).toFixed(1)}" cy="${down(y).toFixed(1)}" r="3" class="dot l${i}"/>`),
      text(across(3) - 4, down(points[points.length - 1][1]) + (i === 0 ? -8 : 18), name, 'text-anchor="end"'),
    ]),
    '</g>',
  ].join('\n')
}

/** @param {Record<string, readonly import('./questions.mjs').Row[]>} found */
export const clusterPlot = ({ c, d }) => {
  const meanOf = (/** @type {unknown} */ cells) => {
    const values = String(cells).split(' ').map(Number)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  const cost = ['members grow', 'rooms grow'].map(name => ({
    name, points: c.filter(row => row[''] === name).map(row => /** @type {const} */ ([Number(row.processes), meanOf(row['CPU µs/delivery, each process'])])),
  }))
  const stored = [{ name: 'messages/s on this machine', points: d.map(row => /** @type {const} */ ([Number(row.processes), Number(row['messages/s'])])) }]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${height}" font-family="sans-serif" font-size="12">
<style>.grid{stroke:#ddd}.line{fill:none;stroke-width:2}.line.l0{stroke:#2463eb}.line.l1{stroke:#d9480f}.dot.l0{fill:#2463eb}.dot.l1{fill:#d9480f}</style>
<rect width="${2 * width}" height="${height}" fill="#fff"/>
${panel('What a delivery costs, at each process', 'CPU µs/delivery', cost, 0)}
${panel('What is stored', 'messages/s', stored, width)}
</svg>
`
}
