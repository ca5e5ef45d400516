// One line over time. uPlot is loaded when the first one is drawn; what it shows is said in words beside it.
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { theme } from '../../state/preferences.ts'
import { language } from '../../text/index.ts'

export interface ChartProps {
  /** s since 1970 */
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
  readonly format: (value: number) => string
  readonly label: string
}

const heightPx = 110

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const draw = (Plot: typeof uPlot, box: HTMLElement, width: number, format: ChartProps['format'], data: uPlot.AlignedData): uPlot => {
  const axis = { stroke: token('--soft'), grid: { stroke: token('--hair'), width: 1 }, ticks: { show: false }, font: '11px sans-serif' }
  const time = new Intl.DateTimeFormat(language.value, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  return new Plot({
    width,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    // A minute at least: of one look alone there is no time to show.
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - 60), max] },
      y: { range: (_, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] },
    },
    series: [{}, {
      stroke: token('--link'),
      width: 2,
      fill: `color-mix(in srgb, ${token('--link')} 15%, transparent)`,
      points: { show: false },
    }],
    axes: [
      { ...axis, size: 22, space: 70, values: (_, splits) => splits.map(at => time.format(at * 1_000)) },
      { ...axis, size: 58, space: 32, values: (_, splits) => splits.map(value => format(value)) },
    ],
  }, data, box)
}

export const Chart = ({ times, values, format, label }: ChartProps) => {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const data: uPlot.AlignedData = [[...times], [...values]]
  const shown = useRef(data)
  shown.current = data
  useEffect(() => {
    let isOver = false
    const resized = new ResizeObserver(([entry]) => plot.current?.setSize({ width: entry!.contentRect.width, height: heightPx }))
    void import('uplot').then(({ default: Plot }) => {
      const at = box.current
      if (isOver || at === null) return
      plot.current = draw(Plot, at, at.clientWidth, format, shown.current)
      resized.observe(at)
    })
    return () => {
      isOver = true
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [theme.value, language.value])
  useEffect(() => plot.current?.setData(data), [times.at(-1)])
  return <div class='plot' ref={box} role='img' aria-label={label} />
}
