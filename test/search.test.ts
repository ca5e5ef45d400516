// Searching messages: who finds what, that pages lose and double nothing, that work is bounded, and what the command line shows of it.
import { describe, expect, test } from 'vitest'
import type { Frame } from '../lib/protocol/index.ts'
import { matchIn, snippetOf } from '../src/features/talk/search/match.ts'
import { parseQuery } from '../src/features/talk/search/query.ts'
import { planOf, termsOf } from '../src/features/talk/search/plan.ts'
import { bounds, inTurns, look } from '../src/features/talk/search/walk.ts'
import { migrations } from '../src/app.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { marks, partEvents, type FoundMessage, type SearchReader, type Sought } from '../src/store/search-index.ts'
import { wordsIn } from '../src/store/words.ts'
import { Cli } from './kit/cli.ts'
import { bring } from './kit/files.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const alone = { channels: ['#general', '#vault'], autoJoin: [], verifiedChannels: ['#vault'] }
const say = (wire: Wire, to: string, content: string, more: object = {}) => wire.ask({ type: 'MSG', to, content, ...more }, 'ACK')
const search = (wire: Wire, text: string, more: object = {}) => wire.ask({ type: 'SEARCH', text, ...more }, 'FOUND')
const snippets = async (wire: Wire, text: string, more: object = {}) =>
  (await search(wire, text, more)).results.map(({ snippet }) => snippet)
/** What a sweep does, until there is no more to do. */
const indexed = async ({ store }: TestRelay) => {
  while (await store.write(tx => tx.search!.advance()));
}

/** Asked twice: of messages as they came, and of the index. */
const both = async (relay: TestRelay, check: () => Promise<void>) => {
  await check()
  await indexed(relay)
  await check()
}

describe('finds', () => {
  test('what the asker may read, and nothing else: what history would refuse is not there', async () => {
    await using relay = await startTestRelay(alone)
    const [annKey, bobKey, eveKey] = [newKey(), newKey(), newKey()]
    await using ann = await relay.login('ann', { key: annKey })
    await using bob = await relay.login('bob', { key: bobKey })
    await using eve = await relay.login('eve', { key: eveKey })
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#ours', invite_only: true }, 'JOINED')
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    for (const [to, content] of [['#general', 'word open'], ['#ours', 'word closed'], [bobKey.id, 'word direct']] as const)
      await say(ann, to, content)
    await both(relay, async () => {
      expect(await snippets(ann, 'word')).toEqual(['word direct', 'word closed', 'word open'])
      expect(await snippets(bob, 'word')).toEqual(['word direct', 'word open'])
      expect(await snippets(eve, 'word')).toEqual(['word open'])
      expect(await snippets(eve, 'word', { with: annKey.id })).toEqual([])
      expect((await eve.refusal({ type: 'SEARCH', text: 'word', channel: '#ours' })).code).toBe('CHANNEL_NOT_FOUND')
      expect((await eve.refusal({ type: 'SEARCH', text: 'word', channel: '#vault' })).code).toBe('NOT_INVITED')
    })
    await ann.ask({ type: 'INVITE', channel: '#ours', agent: eveKey.id }, 'OK')
    await eve.ask({ type: 'JOIN', channel: '#ours' }, 'JOINED')
    expect(await snippets(eve, 'word')).toEqual(['word closed', 'word open'])
    await eve.ask({ type: 'LEAVE', channel: '#ours' }, 'LEFT')
    expect(await snippets(eve, 'word')).toEqual(['word open'])
    await eve.ask({ type: 'BLOCK', agent: annKey.id }, 'OK')
    expect(await snippets(eve, 'word')).toEqual(['word open'])
    await ann.ask({ type: 'DELETE_CHANNEL', channel: '#ours' }, 'OK')
    await both(relay, async () => expect(await snippets(ann, 'word')).toEqual(['word direct', 'word open']))
  })

  test('nothing of what was erased, or redacted', async () => {
    await using relay = await startTestRelay(alone)
    await using ann = await relay.login('ann', { key: newKey() })
    await using bob = await relay.login('bob')
    for (const wire of [ann, bob]) await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await say(ann, '#general', 'my secret')
    await say(ann, '#general', 'token ghp_abcdefghijklmnopqrstuvwxyz0123456789')
    await say(bob, '#general', 'your secret')
    await indexed(relay)
    expect(await snippets(bob, 'secret')).toEqual(['your secret', 'my secret'])
    expect(await snippets(bob, 'ghp*')).toEqual([])
    await ann.ask({ type: 'ERASE' }, 'ERASED')
    await both(relay, async () => expect(await snippets(bob, 'secret')).toEqual(['your secret']))
  })

  test('by place, author, time, kind and order', async () => {
    await using relay = await startTestRelay(alone)
    await using ann = await relay.login('ann', { key: newKey() })
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    relay.clock.stop()
    const first = await say(ann, '#general', `plan ${'and so on '.repeat(60)}plan`)
    relay.clock.advance(60_000)
    await say(ann, '#general', 'the plan', { in_reply_to: first.msg_id })
    relay.clock.advance(60_000)
    const files = [await bring(relay, ann, 'all of it')]
    await say(ann, '#general', 'plan at https://example.com of somebody else, and more words about it', { files })
    const { results } = await search(ann, 'plan')
    const [third, second] = results.map(({ ts }) => ts)
    await both(relay, async () => {
      const seqs = async (more: object) => (await search(ann, 'plan', more)).results.map(({ seq }) => seq)
      expect(await seqs({})).toEqual([3, 2, 1])
      expect(await seqs({ sort: 'best' })).toEqual([2, 3, 1])
      expect(await seqs({ before: third })).toEqual([2, 1])
      expect(await seqs({ after: second })).toEqual([3])
      expect(await seqs({ has: 'link' })).toEqual([3])
      expect(await seqs({ has: 'reply' })).toEqual([2])
      expect(await seqs({ has: 'file' })).toEqual([3])
      expect(await seqs({ from: '@nobody' })).toEqual([])
      expect(await seqs({ from: results[0]!.from, channel: '#general' })).toEqual([3, 2, 1])
    })
  })

  test('behind HTTP, with the next page as a link', async () => {
    await using relay = await startTestRelay(alone)
    const key = newKey()
    await using ann = await relay.login('ann', { key })
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    for (const content of ['word one', 'word two']) await say(ann, '#general', content)
    const { token } = await ann.ask({ type: 'TOKEN_CREATE', scopes: ['read'] }, 'TOKEN_CREATED') as Frame & { readonly token: string }
    const headers = { authorization: `Bearer ${token}` }
    const page = await fetch(`${relay.httpUrl}/v1/search?text=word&limit=1`, { headers })
    expect(await page.json()).toMatchObject({ items: [{ snippet: 'word two' }] })
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')![1]!
    expect(await (await fetch(`${relay.httpUrl}${next}`, { headers })).json()).toMatchObject({ items: [{ snippet: 'word one' }] })
  })
})

describe('a query', () => {
  test('is words, phrases and beginnings, and whatever else it holds is nothing', () => {
    const read = (text: string) =>
      parseQuery(text).map(({ words, isPrefix }) => words.map(({ word }) => word).join(' ') + (isPrefix ? '*' : ''))
    expect(read('Two  Wörds')).toEqual(['two', 'words'])
    expect(read('"a phrase" and more*')).toEqual(['a phrase', 'and', 'more*'])
    expect(read('e-mail it@example.com')).toEqual(['e mail', 'it example com'])
    expect(read('said:x (NOT y) OR -z ^w {a}')).toEqual(['said x', 'not', 'y', 'or', 'z', 'w', 'a'])
    expect(read('** "" word ""')).toEqual(['word'])
  })

  test('of any shape is answered or refused, never more', async () => {
    await using relay = await startTestRelay(alone)
    await using ann = await relay.login('ann')
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    const pieces = [
      '"',
      '*',
      ' ',
      'a',
      'ab',
      'AND',
      'NEAR(',
      ')',
      ':',
      '-',
      '^',
      '{',
      "'",
      '\\',
      '\u0000',
      '\ud800',
      '\u0301',
      'ß',
      '漢字',
      '🙂',
      'said',
      ';',
      '%',
      '_',
      ':*',
      '&',
      '|',
      '!',
      '<->',
    ]
    let seed = 5
    const next = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
    const texts = Array.from({ length: 150 },
      () => Array.from({ length: 1 + Math.floor(next() * 8) }, () => pieces[Math.floor(next() * pieces.length)]).join(''))
    for (const text of texts.slice(0, 75)) if (text.trim() !== '') await ann.answer({ type: 'MSG', to: '#general', content: text })
    await indexed(relay)
    for (const text of [...texts, 'x'.repeat(300), '\u0301'.repeat(300), '"'.repeat(300), 'a* '.repeat(100), `${'ab '.repeat(9)}ab*`]) {
      const answer = await ann.answer({ type: 'SEARCH', text })
      expect(answer.type === 'FOUND' || (answer.type === 'ERROR' && answer.code === 'INVALID_MSG'),
        `${JSON.stringify(text)} ${JSON.stringify(answer)}`).toBe(true)
    }
    for (const cursor of ['zzzzzzzzzzz', '0', '-1', 'A', '', '1'.repeat(12)]) {
      const answer = await ann.answer({ type: 'SEARCH', text: 'ab', cursor })
      expect(answer.type === 'FOUND' || (answer.type === 'ERROR' && answer.code === 'INVALID_MSG'), cursor).toBe(true)
    }
  })
})

describe('a text', () => {
  test('is matched by words, and told by places that lie in the piece that is shown', () => {
    const shown = (text: string, query: string) => {
      const match = matchIn(text, parseQuery(query))
      if (match === undefined) return undefined
      const { snippet, at, marks } = snippetOf(text, match.ranges)
      expect(text.slice(at, at + snippet.length)).toBe(snippet)
      return marks.map(([from, length]) => snippet.slice(from, from! + length!))
    }
    expect(shown('No deploy on Friday; DEPLOYED monday', 'deploy* "on friday"')).toEqual(['deploy', 'on Friday', 'DEPLOYED'])
    expect(shown('friday on', '"on friday"')).toBeUndefined()
    expect(shown('<b>word</b> **word** \u001b[1m word', 'word')).toEqual(['word', 'word', 'word'])
    expect(shown(`${'🙂'.repeat(200)} café ${'🙂'.repeat(300)}`, 'CAFE')).toEqual(['café'])
    expect(shown('one two three', '"one two" "two three"')).toEqual(['one two three'])
    const { snippet } = snippetOf(`${'🙂'.repeat(200)} word ${'🙂'.repeat(300)}`, [[401, 405]])
    expect(snippet).not.toMatch(/\p{Surrogate}/u)
    expect(snippet.length).toBeLessThanOrEqual(242)
  })
})

test('what matches is the same where a text is plain and where it is not', () => {
  const pieces = ['ab', 'abc', 'AB', '7', ' ', ' ', '-', '.', 'b', 'x'.repeat(199), 'x']
  let seed = 5
  const next = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
  const made = (length: number) => Array.from({ length }, () => pieces[Math.floor(next() * pieces.length)]).join('')
  let hits = 0
  for (let i = 0; i < 2_000; i++) {
    const text = made(12)
    const words = Array.from({ length: 1 + Math.floor(next() * 3) }, () => made(2).trim() || 'ab').join(' ')
    const query = i % 2 === 0 ? `"${words}"` : `${words}ab*`
    if (!/[a-z0-9]/i.test(query)) continue
    const sought = parseQuery(query)
    const match = matchIn(text, sought)
    expect(match?.ranges, `${query} in ${text}`).toEqual(matchIn(`${text} \u0416`, sought)?.ranges)
    if (match !== undefined) hits++
  }
  expect(hits).toBeGreaterThan(100)
})

test('words are the same where a text is plain and where it is not', () => {
  const letters = ['a', 'B', '7', ' ', '-', '_', '.', '\n', '\u0000', '"', 'Zz', '0x', "'", '~', '\u007f']
  let seed = 3
  const next = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
  for (let i = 0; i < 200; i++) {
    const text = Array.from({ length: 30 }, () => letters[Math.floor(next() * letters.length)]).join('')
    expect([...wordsIn(text)]).toEqual([...wordsIn(`${text} \u0416`)].slice(0, -1))
  }
  expect([...wordsIn('x'.repeat(500))]).toMatchObject([{ word: 'x'.repeat(200), end: 500 }])
})

describe('a plan', () => {
  const shares = new Map([['the', 0.6], ['of', 0.3], ['often', 0.03], ['ze*', 0.001], ['po*', 0.1], ['th*', 0.7], ['=c', 0.9], [
    '=here',
    0.004,
  ]])
  const asked = (text: string, lists: Sought['marks'] = [['dme', 'c']], known: ReadonlyMap<string, number> | 'unknown' = shares) => {
    const sought = { words: parseQuery(text), marks: lists }
    expect(termsOf(sought)).toEqual([
      ...sought.words.flatMap(({ words, isPrefix }) => words.map(({ word }, n) => isPrefix && n === words.length - 1 ? `${word}*` : word)),
      ...lists.flat().map(mark => `=${mark}`),
    ])
    const shown = ({ words, marks }: Sought) => [
      ...words.map(({ words, isPrefix }) => words.map(({ word }) => word).join(' ') + (isPrefix ? '*' : '')),
      ...marks.map(oneOf => oneOf.join('|')),
    ]
    const { first, more } = planOf(sought, known === 'unknown' ? undefined : known)
    return [shown(first.sought), shown(more.sought)]
  }

  test('asks the rarest word, and of the others those that spare more than they cost', () => {
    expect(marks.channels).toBe('c')
    expect(asked('the zebra of')).toEqual([['zebra', 'of'], ['zebra', 'of']])
    expect(asked('the zebra stripes of')).toEqual([['zebra', 'stripes'], ['zebra', 'stripes', 'of']])
    expect(asked('the of often')).toEqual([['the', 'of', 'often'], ['the', 'of', 'often']])
    expect(asked('zebra', [['here'], ['dme', 'c']])).toEqual([['zebra', 'here'], ['zebra', 'here']])
  })

  test('always asks something', () => {
    expect(asked('the', [])).toEqual([['the'], ['the']])
    expect(asked('ze*', [])).toEqual([['ze*'], ['ze*']])
  })

  test('keeps a phrase where all of its words are asked, and leaves beginnings to those who read where little is found', () => {
    expect(asked('"zebra stripes"')).toEqual([['zebra stripes'], ['zebra stripes']])
    expect(asked('"the zebra" stripes')).toEqual([['zebra', 'stripes'], ['zebra', 'stripes']])
    expect(asked('zebra stripes ze*')).toEqual([['zebra', 'stripes'], ['zebra', 'stripes', 'ze*']])
    expect(asked('often ze*')).toEqual([['often', 'ze*'], ['often', 'ze*']])
  })

  test('puts the lists of a beginning together where that is cheaper than to read texts, and never where one statement would cost more than an answer', () => {
    expect(asked('of po*', [])).toEqual([['of'], ['of', 'po*']])
    expect(asked('of th*', [])).toEqual([['of'], ['of']])
    expect(asked('th*', [['here']])).toEqual([['here'], ['here']])
    expect(asked('th*', [])).toEqual([['th*'], ['th*']])
    const fixed = (text: string) => Math.round(planOf({ words: parseQuery(text), marks: [] }, shares).more.fixed / partEvents * 1_000)
    // Five for each place that is known, and for those of words that nobody counts.
    expect([fixed('often zebra'), fixed('often ze*'), fixed('often po*'), fixed('often th*')]).toEqual([0, 5 * 21, 5 * 120, 0])
  })

  test('asks everything where nobody counted', () => {
    expect(asked('the zebra', [['dme', 'c']], 'unknown')).toEqual([['the', 'zebra', 'dme|c'], ['the', 'zebra', 'dme|c']])
  })
})

describe('a walk', () => {
  const filled = async (count: number, upto: number) => {
    const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch: () => 'e', search: true })
    for (let n = 1; n <= count; n++) {
      await store.write(tx =>
        tx.log.append({ stream: '#a', author: '@a' }, n, ({ ts, seq, msgId }) =>
          Buffer.from(
            JSON.stringify({
              type: 'MSG',
              ts,
              from: '@a',
              from_name: 'a',
              to: '#a',
              content: n % 3 === 0 ? `word ${n}` : `other ${n}`,
              msg_id: msgId,
              seq,
            }),
          ))
      )
      if (n === upto) { while (await store.write(tx => tx.search!.advance())); }
    }
    return store
  }
  /** Counts what it asks. */
  const counted = (search: SearchReader) => {
    const asked: number[] = []
    const count = (rows: Promise<readonly FoundMessage[]>) =>
      rows.then(found => {
        asked.push(found.length)
        return found
      })
    return {
      asked,
      search: {
        standing: (...args: Parameters<SearchReader['standing']>) => search.standing(...args),
        within: (...args: Parameters<SearchReader['within']>) => count(search.within(...args)),
        unindexed: (...args: Parameters<SearchReader['unindexed']>) => count(search.unindexed(...args)),
      },
    }
  }
  const words = parseQuery('word')
  const walk = {
    sought: { words, marks: [] },
    since: 0,
    until: Infinity,
    accept: ({ seq, text }: FoundMessage) => matchIn((JSON.parse(text!) as { content: string }).content, words) && seq,
    elapsed: () => 0,
    turn: () => Promise.resolve(),
  }

  test('finds each message once, however short its pages and however few of them', async () => {
    const store = await filled(60, 45)
    const all = Array.from({ length: 20 }, (_, n) => 60 - 3 * n)
    for (
      const [wanted, statements, limit, maxBytes] of [[100, 64, 100, 1e6], [3, 64, 4, 1e6], [2, 1, 3, 1e6], [7, 2, 100, 200], [
        1,
        3,
        1,
        1,
      ]] as const
    ) {
      const found: number[] = []
      let before = Number.MAX_SAFE_INTEGER
      for (let requests = 0; requests < 200; requests++) {
        const { search, asked } = counted(store.aside.search!)
        const { hits, next, behind } = await look(search, { ...walk, before, wanted }, { ...bounds, statements, page: { limit, maxBytes } })
        expect(asked.length).toBeLessThanOrEqual(statements)
        expect(hits.length).toBeLessThanOrEqual(wanted)
        expect(behind).toBe(0)
        found.push(...hits as number[])
        if (next === undefined) break
        expect(next).toBeLessThan(before)
        before = next
      }
      expect(found).toEqual(all)
    }
    await store.close()
  })

  test('begins no statement after its work: each costs something, each text more, and each list as far as it is walked', async () => {
    const store = await filled(60, 60)
    const begun = async (work: number, page: { limit: number, maxBytes: number }) => {
      const { search, asked } = counted(store.aside.search!)
      const { next } = await look(search, { ...walk, before: Number.MAX_SAFE_INTEGER, wanted: 100 }, { ...bounds, work, page })
      expect(next === undefined).toBe(asked.reduce((sum, rows) => sum + rows, 0) === 20)
      return asked.length
    }
    expect(await begun(0, { limit: 4, maxBytes: 1e6 })).toBe(0)
    expect(await begun(1, { limit: 4, maxBytes: 1e6 })).toBe(1)
    expect(await begun(15_001, { limit: 4, maxBytes: 1e6 })).toBe(1)
    expect(await begun(2 * (15_000 + 4 * 800), { limit: 4, maxBytes: 1e6 })).toBe(2)
    expect(await begun(1e6, { limit: 4, maxBytes: 1e6 })).toBe(6)
    // However far it is walked: a whole part costs more than all of the others together.
    const far = {
      standing: () =>
        Promise.resolve({
          upto: 3 * 2 ** 20 - 1,
          newest: 3 * 2 ** 20 - 1,
          parts: [2, 1, 0].map(n => ({ n, since: 0, until: 9 })),
          shares: undefined,
        }),
    }
    let asked = 0
    const { next } = await look({ ...far, unindexed: () => Promise.resolve([]), within: () => Promise.resolve((asked++, [])) }, {
      ...walk,
      before: Number.MAX_SAFE_INTEGER,
      wanted: 1,
    }, { ...bounds, work: 400_000 })
    expect([asked, next]).toEqual([2, 2 ** 20])
    await store.close()
  })

  test('reads long texts a piece in a turn, in its own turns whoever else searches; and what it read counts by its length', async () => {
    const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch: () => 'e', search: true })
    const content = `word ${'\u00e9 '.repeat(8_000)}`
    for (let n = 0; n < 20; n++)
      await store.write(tx => tx.log.append({ stream: '#a', author: '@a' }, n, () => Buffer.from(JSON.stringify({ type: 'MSG', content }))))
    let [turns, read] = [0, 0]
    const most: number[] = []
    const turn = inTurns(() => {
      most.push(read)
      read = 0
      turns++
      return new Promise(resolve => setImmediate(resolve))
    })
    const accept = ({ text }: FoundMessage) => (read++, matchIn((JSON.parse(text!) as { content: string }).content, words))
    const search = () => look(store.aside.search!, { ...walk, accept, turn, before: Number.MAX_SAFE_INTEGER, wanted: 100 })
    const both = await Promise.all([search(), search()])
    // A text of 16,000 signs that have to be folded counts as much as a whole turn.
    expect(Math.max(...most)).toBe(2)
    expect(turns).toBeGreaterThanOrEqual(2 * 3)
    for (const { hits, next } of both) {
      expect(hits.length).toBeLessThan(20)
      expect(next).toBeDefined()
    }
    await store.close()
  })

  test('begins no statement after its time, reads no more of the unindexed than it may, and says so', async () => {
    const store = await filled(60, 0)
    let ms = 0
    const late = await look(store.aside.search!, { ...walk, before: Number.MAX_SAFE_INTEGER, wanted: 100, elapsed: () => ms += 300 }, {
      ...bounds,
      page: { limit: 5, maxBytes: 1e6 },
    })
    expect(late).toMatchObject({ hits: [60, 57], next: 56 })
    const few = await look(store.aside.search!, { ...walk, before: Number.MAX_SAFE_INTEGER, wanted: 100 }, { ...bounds, unindexed: 12 })
    expect(few).toEqual({ hits: [60, 57, 54, 51], next: undefined, behind: 48 })
    await store.close()
  })
})

describe('agentchat search', () => {
  test('shows what was sought, and obeys nothing that a peer wrote', async () => {
    await using relay = await startTestRelay(alone)
    using cli = new Cli()
    await using ann = await relay.login('ann')
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await say(ann, '#general', 'a \u001b[2J word\u202e and\nmore \u001b[1mbold')
    for (let n = 0; n < 60; n++) await say(ann, '#general', `number ${n}`)
    await indexed(relay)
    const env = { AGENTCHAT_URL: relay.url }
    const seen = await cli.run(['search', 'WORD', '-c', 'general'], { env, isTTY: true })
    expect(seen.stdout).toContain('a \\u001b[2J \u001b[1mword\u001b[22m\\u202e and\\nmore \\u001b[1mbold')
    const { json } = await cli.run(['search', 'number', '--limit', '55'], { env })
    expect(json.length).toBe(55)
    expect(json[0]).toMatchObject({ channel: '#general', snippet: 'number 59', marks: [[0, 6]] })
    expect((await cli.run(['search', 'nowhere'], { env })).stderr).toContain('Nothing found')
    expect((await cli.run(['search', 'a*'], { env })).stderr).toContain('a* stands for too many words')
    expect((await cli.run(['search', 'x', '--has', 'y'], { env })).stderr).toContain('--has: link, reply or file')
    expect((await cli.run(['search', 'x', '--after', 'never'], { env })).stderr).toContain('is not a time')
  })
})
