// Two processes are one relay to whoever talks to them: every transcript, with those who come coming to one and the other in turns, while what
// the processes tell each other takes its time, and one thing overtakes another. Here a scene of every third file, and what only counts where
// several count it; all of them with TRANSCRIPTS=all.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, test } from 'vitest'
import { Random } from '../chaos/random.ts'
import { playSceneApart } from '../transcripts/runner.ts'
import { parseScript, type Scene } from '../transcripts/script.ts'

/** Whatever else is played. */
const always = [
  'too many connections of one address',
  'a file that was brought is named',
  'two workers get different entries',
  'kick and ban',
]
/** What is said of a direct message has no order with it where one thing overtakes another, nor have a claim and who yields to it. */
const inOrder = ['the answers of two that take turns are stopped', 'the floor goes to the earliest claim']
const folder = new URL('../transcripts/', import.meta.url)
const isAll = process.env['TRANSCRIPTS'] === 'all'

const isOne = (titles: readonly string[], { title }: Scene): boolean => titles.some(each => title.startsWith(each))

describe.each(isAll ? [0, 25] : [25])('%i ms apart', delayMs => {
  const files = readdirSync(folder).filter(name => name.endsWith('.txt')).sort()
  for (const [n, file] of files.entries()) {
    const scenes = parseScript(readFileSync(new URL(file, folder), 'utf8')).filter(scene => delayMs === 0 || !isOne(inOrder, scene))
    for (const [i, scene] of scenes.entries()) {
      if (!isAll && !isOne(always, scene) && (n % 3 !== 0 || i !== Math.min(1, scenes.length - 1))) continue
      const chance = new Random(delayMs, scene.title)
      test(`${file}: ${scene.title}`, () => playSceneApart(scene, 2, delayMs, () => chance.next()))
    }
  }
})
