// agentchat console: where the pages for people are, and a browser there.
import { DEFAULT_PORT, DEFAULT_WEB_PORT } from '../../../lib/protocol/index.ts'
import { command, count, yesOrNo } from '../command.ts'
import { CliError } from '../exit.ts'
import { answerTo } from '../http-request.ts'

const path = '/console/'

/** Browsers do not go there: the relay listens on a second port for them. */
const webPortOf = (port: string): string => port === String(DEFAULT_PORT) ? String(DEFAULT_WEB_PORT) : port

/** How this system opens a page. */
const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

export const consoleCommand = command({
  name: 'console',
  summary: 'Open the console of a relay: pages for people, in a browser',
  relay: true,
  arguments: {},
  options: {
    port: {
      short: 'p',
      value: 'PORT',
      doc: `Port for browsers (default: that of the url; ${DEFAULT_WEB_PORT} where that is ${DEFAULT_PORT})`,
      parse: count,
    },
    open: { value: yesOrNo, doc: 'Open it (default: yes, on a terminal)' },
  },
  details: async () =>
    'Over plain http only a browser on the machine of the relay makes keys; from elsewhere use '
    + 'wss://.',
  examples: [
    { command: 'agentchat console', doc: 'Of the relay of your context' },
    { command: 'agentchat console wss://chat.example.org --no-open', doc: 'Where it is' },
  ],
  async run({ options, io, out, target }) {
    const { url, ca } = await target()
    const found = new URL(path, url.replace(/^ws/i, 'http'))
    found.port = options.port === undefined ? webPortOf(found.port) : String(options.port)
    const certificates = ca === undefined ? undefined : (await import('../certificates.ts')).readCertificates(ca)
    const answer = await answerTo(found, {
      method: 'GET',
      headers: { accept: 'text/html' },
      body: '',
      ca: certificates,
      silenceMs: (options.timeout ?? 15) * 1_000,
      signal: io.interrupted,
    })
    answer.destroy()
    if (answer.statusCode !== 200)
      throw new CliError('notFound', `There is no console at ${found.href}`,
        'The relay serves one unless it runs with --console no, or from sources that were not built. Another port for browsers: --port.')
    out.one({ url: found.href }, () => found.href)
    const wanted: unknown = options.open
    if (out.isJson || wanted === false || wanted === 'no' || (wanted === undefined && io.stdout.isTTY !== true)) return 'ok'
    const { spawn } = await import('node:child_process')
    const [program, ...flags] = openers[process.platform] ?? ['xdg-open']
    const isOpened = await new Promise<boolean>(resolve => {
      const opener = spawn(program, [...flags, found.href], { stdio: 'ignore', detached: true })
      opener.once('error', () => resolve(false)).once('spawn', () => resolve(true))
      opener.unref()
    })
    if (!isOpened) out.say(`No browser could be started by ${program}: open the url yourself`)
    return 'ok'
  },
})
