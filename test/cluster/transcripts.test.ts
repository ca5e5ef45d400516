// Two processes are one relay to whoever talks to them: every transcript, with those who come coming to one and the other in turns, while what
// the processes tell each other takes its time, and one thing overtakes another. Here a scene of every third file; all of them with
// TRANSCRIPTS=all.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, test } from 'vitest'
import { Random } from '../chaos/random.ts'
import { playSceneApart } from '../transcripts/runner.ts'
import { parseScript } from '../transcripts/script.ts'

/** What each process counts for itself. */
const ofOne = ['too many connections of one address']
/** What is said of a direct message has no order with it where one thing overtakes another. */
const inOrder = ['the answers of two that take turns are stopped']
const folder = new URL('../transcripts/', import.meta.url)
const isAll = process.env['TRANSCRIPTS'] === 'all'

describe.each(isAll ? [0, 25] : [25])('%i ms apart', delayMs => {
  // Bytes of files want a bucket.
  const files = readdirSync(folder).filter(name => name.endsWith('.txt') && name !== 'files.txt').sort()
  for (const file of isAll ? files : files.filter((_, i) => i % 3 === 0)) {
    const scenes = parseScript(readFileSync(new URL(file, folder), 'utf8')).filter(({ title }) =>
      !ofOne.some(each => title.startsWith(each)) && (delayMs === 0 || !inOrder.some(each => title.startsWith(each)))
    )
    for (const [i, scene] of scenes.entries()) {
      if (!isAll && i !== Math.min(1, scenes.length - 1)) continue
      const chance = new Random(delayMs, scene.title)
      test(`${file}: ${scene.title}`, () => playSceneApart(scene, 2, delayMs, () => chance.next()))
    }
  }
})
