// A receiver of webhooks that writes down what it was posted before it says so, fails now and then, and ends by SIGKILL only.
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Random } from './random.ts'

export interface ReceiverStart {
  readonly port: number
  readonly log: string
  readonly seed: number
}

const failChance = 0.02

const { port, log, seed } = JSON.parse(process.argv[2]!) as ReceiverStart
const random = new Random(seed, 'receiver')
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
createServer((request, response) => {
  let text = ''
  request.on('data', (part: Buffer) => text += part.toString())
  request.on('end', () => {
    const { data } = JSON.parse(text) as { readonly data: { readonly event?: { readonly seq?: number } } }
    if (random.chance(failChance)) return void response.writeHead(503).end()
    if (data.event?.seq !== undefined) appendFileSync(log, `${data.event.seq}\n`)
    response.writeHead(204).end()
  })
}).listen(port, '127.0.0.1', () => process.send!('ready'))
