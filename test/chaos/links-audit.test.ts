// What the reckoning of a run of linked relays has to find.
import { expect, test } from 'vitest'
import { entryOf, TranscriptRange } from '../../lib/identity/index.ts'
import { Heard } from './account.ts'
import { reckon, type StoredText, type Told } from './links-audit.ts'

type Scene = Omit<Told, 'host'>

const event = (seq: number, number: number, to = '#general'): StoredText => ({
  seq,
  text: JSON.stringify({ type: 'MSG', ts: seq, from: '@a', from_name: 'a', to, content: `${number} `, msg_id: `id-${seq}`, seq }),
})
const mirrored = (seq: number, number: number) => event(seq, number, '#general@a.example')

/** One agent said 10, 11 and 12; all of it is where it belongs. */
const sound = (): Scene => {
  const heard = new Heard()
  for (let n = 0; n < 3; n++) heard.add(n + 1, 10 + n)
  return {
    home: [event(1, 10), event(2, 11), event(3, 12)],
    mirrors: [{ at: 'b.example', events: [mirrored(1, 10), mirrored(2, 11), mirrored(3, 12)], checkpoint: '3' }],
    spoken: [{
      ...{ first: 10, isAway: true, issued: 3, refused: new Map(), heard },
      places: new Map([0, 1, 2].map(n => [n, { seq: n + 1, msgId: `id-${n + 1}` }])),
    }],
  }
}

const verdictOf = (scene: Scene) => {
  const { notes: _, ...counts } = reckon([{ host: 'a.example', ...scene }], size => {
    const tree = new TranscriptRange()
    for (const { text } of scene.home.slice(0, Number(size))) tree.add(entryOf(text).leaf)
    return { relay: '', epoch: '', stream: '#general', size: tree.size, root: tree.root }
  })
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}
const changed = (change: Partial<Scene> | ((scene: Scene) => Partial<Scene>)): Scene => {
  const scene = sound()
  return { ...scene, ...(typeof change === 'function' ? change(scene) : change) }
}
const spoken = (more: object) => (scene: Scene) => ({ spoken: [{ ...scene.spoken[0]!, ...more }] })
const mirror = (more: object) => (scene: Scene) => ({ mirrors: [{ ...scene.mirrors[0]!, ...more }] })
const heardOf = (...heard: readonly (readonly [number, number])[]) => {
  const made = new Heard()
  for (const [seq, number] of heard) made.add(seq, number)
  return made
}

test.each([
  ['nothing, where nothing is wrong', {}, {}],
  ['a message that is not at its home', spoken({ issued: 4, places: sound().spoken[0]!.places }), { lost: 1, unsettled: 1 }],
  ['one that stands there twice', { home: [...sound().home, event(4, 11)] }, { doubled: 1, lost: 2, misplaced: 1 }],
  ['an author whose messages changed places', { home: [event(1, 11), event(2, 10), event(3, 12)] }, {
    reordered: 1,
    misplaced: 2,
    lost: 2,
    unlike: 2,
    unfit: 1,
  }],
  ['one that was refused', spoken({ refused: new Map([[1, 'NOT_ALLOWED']]) }), { refused: 1 }],
  ['one that is told to stand elsewhere', spoken({ places: new Map([...sound().spoken[0]!.places, [1, { seq: 3, msgId: 'id-3' }]]) }), {
    misplaced: 1,
  }],
  ['one of which nothing is told', spoken({ places: new Map([...sound().spoken[0]!.places].slice(1)) }), { unsettled: 1 }],
  ['what is not in the mirror', mirror({ events: [mirrored(1, 10), mirrored(3, 12)] }), { lost: 1, unfit: 1 }],
  ['what is not the same there', mirror({ events: [mirrored(1, 10), mirrored(2, 12), mirrored(3, 12)] }), { unlike: 1, unfit: 1 }],
  ['what is in the mirror alone', mirror({ events: [mirrored(1, 10), mirrored(2, 11), mirrored(3, 12), mirrored(4, 13)] }), { unlike: 1 }],
  ['a head of less than there is', mirror({ checkpoint: '2' }), { unfit: 1 }],
  ['one that was not heard', spoken({ heard: heardOf([1, 10], [3, 12]) }), { lost: 1 }],
  ['one that was heard twice', spoken({ heard: heardOf([1, 10], [2, 11], [2, 11], [3, 12]) }), { doubled: 1 }],
  ['one that was heard late', spoken({ heard: heardOf([1, 10], [3, 12], [2, 11]) }), { reordered: 1 }],
] satisfies readonly (readonly [string, Partial<Scene> | ((scene: Scene) => Partial<Scene>), object])[])(
  'it finds %s',
  (_title, change, found) => {
    expect(verdictOf(changed(change))).toEqual(found)
  },
)
