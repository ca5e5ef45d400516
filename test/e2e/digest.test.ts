// A busy channel, one listener that is sent everything and one that asked for a digest, in processes of their own: what each is sent is
// counted on its line. The second line is cut in the middle, and nothing is missing all the same.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentChatClient, type AgentId, type ChannelName } from '../../lib/index.ts'
import { createVerify, identityOf, newIdentityFile, saveIdentityFile, wsTransport } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { builtBin, Program, ServeProgram } from '../kit/process.ts'

/** A line to the relay on which what it sends is counted. */
const countedLine = async (target: () => number) => {
  const sockets = new Set<Socket>()
  let bytes = 0
  const server = createServer(near => {
    const far = connect(target(), '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from.setNoDelay(true))
      from.on('error', () => undefined).on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', chunk => {
        if (from === far) bytes += chunk.length
        to.write(chunk)
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.dispose]() {
      server.close()
      this.cut()
    },
  }
}

let home: Folder
let port = 0
let plainLine: Awaited<ReturnType<typeof countedLine>>
let digestLine: Awaited<ReturnType<typeof countedLine>>
let talkLine: Awaited<ReturnType<typeof countedLine>>
let relay: ServeProgram

beforeAll(async () => {
  home = newFolder()
  plainLine = await countedLine(() => port)
  digestLine = await countedLine(() => port)
  talkLine = await countedLine(() => port)
  const urls = [plainLine, digestLine, talkLine].map(({ url }) => url).join()
  const flags = ['--port', '0', '--data', ':memory:', '--msg-rate', '0', '--public-urls', urls]
  relay = new ServeProgram(builtBin(), flags, { env: { HOME: home.path } })
  port = Number(new URL(await relay.url).port)
})
afterAll(async () => {
  for (const line of [plainLine, digestLine, talkLine]) line[Symbol.dispose]()
  await relay[Symbol.asyncDispose]()
  home[Symbol.dispose]()
})

const channels: ChannelName[] = ['#work', '#work-2', '#work-3']
const people = 6
const messages = 600
/** One in so many is for the listeners. */
const each = 100
const text = (i: number) =>
  `Step ${i} of the build: compiled the parser, ran its tests, looked at the log and went on with the next part of it.`

test('a digest cuts what is sent to a fifth at most, and no message for the agent is missed', async () => {
  const channel = channels.shift()!
  const clients = Array.from({ length: people }, (_, i) =>
    new AgentChatClient({
      server: talkLine.url,
      identity: identityOf(newIdentityFile(`worker-${i}`, Date.now())),
      verify: createVerify(),
      transport: wsTransport,
      inbox: 'none',
    }))
  const [first] = clients as [AgentChatClient]
  for (const client of clients) {
    await client.connect()
    if (client === first) await client.createChannel(channel)
    await client.join(channel, { limit: 0 })
  }
  const listener = (name: string, url: string, flags: readonly string[]) => {
    const file = home.at(`${name}-${channel.slice(1)}.json`)
    const identity = newIdentityFile(name, Date.now())
    saveIdentityFile(file, identity)
    const args = ['listen', url, channel, '--follow-dm', '--since', 'now', '--json', '-i', file, ...flags]
    // Each knows the relay by its own address.
    const program = new Program(process.execPath, [builtBin(), ...args], { env: { HOME: home.at(name) } })
    return { id: `@${identity.agentId}` as AgentId, program }
  }
  const plain = listener('plain', plainLine.url, [])
  const digest = listener('digest', digestLine.url, ['--digest', '1s'])
  await using _plain = plain.program
  await using _digest = digest.program
  try {
    for (const { program } of [plain, digest]) await program.prints(/Connected as/)
    const both = [plain.id, digest.id]
    const areHere = async () => {
      const ids = new Set((await first.listAgents(channel)).map(({ id }) => id))
      return both.every(id => ids.has(id))
    }
    while (!await areHere()) await new Promise(resolve => setTimeout(resolve, 50))
    const [plainBefore, digestBefore] = [plainLine.bytes(), digestLine.bytes()]

    const directed: string[] = []
    let head = 0
    for (let i = 1; i <= messages; i++) {
      if (i === messages / 2) digestLine.cut()
      const client = clients[i % people]!
      const isDirected = i % each === 0
      const calls = i % (2 * each) === 0 ? '@here' : both.join(' ')
      const { msgId: id, seq } = await client.send(channel, isDirected ? `${calls}: ${text(i)}` : text(i))
      head = seq
      if (!isDirected) continue
      directed.push(id)
      for (const agent of both) directed.push((await client.dm(agent, `Between us: ${text(i)}`)).msgId)
    }
    /** What came of the channel: by messages, and by what digests tell of. */
    const told = ({ program }: { readonly program: Program }) => {
      const seqs: number[] = []
      for (const { type, to, seq, from_seq: from, to_seq: last } of program.jsonLines) {
        if (type === 'DIGEST') { for (let n = from as number; n <= (last as number); n++) seqs.push(n) }
        else if (to === channel) seqs.push(seq as number)
      }
      return seqs
    }
    for (const { program } of [plain, digest]) await program.until('the last one', () => told({ program }).includes(head))
    const all = Array.from({ length: head }, (_, i) => i + 1).slice(-messages)
    expect(told(plain)).toEqual(all)
    expect(told(digest)).toEqual(all)
    const idsIn = ({ program }: { readonly program: Program }) => new Set(program.jsonLines.map(line => line['msg_id']))
    const mine = ({ id }: { readonly id: AgentId }, program: Program) =>
      new Set(program.jsonLines.filter(({ to }) => to === id).map(line => line['msg_id'])).size
    const inChannel = directed.filter((_, i) => i % 3 === 0)
    for (const who of [plain, digest]) {
      const ids = idsIn(who)
      await who.program.until('the direct ones', () => mine(who, who.program) === messages / each)
      expect(inChannel.filter(id => !ids.has(id))).toEqual([])
    }
    const digests = digest.program.jsonLines.filter(({ type }) => type === 'DIGEST')
    const [sentPlain, sentDigest] = [plainLine.bytes() - plainBefore, digestLine.bytes() - digestBefore]
    if (process.env['DIGEST_COUNTS'] !== undefined) {
      const ratio = (sentPlain / sentDigest).toFixed(1)
      console.log(
        `${messages} messages, ${inChannel.length} for both, ${
          messages / each
        } direct to each: ${sentPlain} bytes plain, ${sentDigest} by ${digests.length} digests: ${ratio} times fewer`,
      )
    }
    // What each says when it comes back is among it.
    expect(sentPlain / sentDigest).toBeGreaterThanOrEqual(5)
  } finally {
    await Promise.all(clients.map(client => client.close()))
  }
}, 60_000)
