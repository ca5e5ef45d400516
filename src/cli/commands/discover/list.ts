// agentchat discover add, remove, trust: the user's own relays and directories, and the keys that are believed.
import { command, type Call } from '../../command.ts'
import { CliError } from '../../exit.ts'

const place = { doc: 'ws:// or wss:// URL of a relay; http(s):// URL or file of a directory' }

export const add = command({
  name: 'add',
  summary: 'Keep a relay, or a directory of relays',
  arguments: { place },
  options: {
    name: { short: 'n', value: 'NAME', doc: 'What to call the relay (default: its host)' },
    description: { value: 'TEXT', doc: 'A few words about it' },
    region: { value: 'REGION', doc: 'Where it stands' },
  },
  details: async () => 'Relays are kept in ~/.agentchat/servers.json, directories in ~/.agentchat/directories.json.',
  examples: [
    { command: 'agentchat discover add wss://relay.example --name workshop', doc: "From now on: agentchat send workshop '#general' hi" },
    { command: 'agentchat discover add https://directory.example', doc: 'Every relay that this directory lists' },
  ],
  async run({ args, options, io, out }) {
    const [
      { editOwnServers, readDirectories, readOwnServers, writeDirectories },
      { isPage },
      { isServerUrl, serverUrl },
      { existsSync },
      { resolve },
      { urlKey },
    ] = await Promise.all([
      import('../../discovery/servers-file.ts'),
      import('../../discovery/sources.ts'),
      import('../../target.ts'),
      import('node:fs'),
      import('node:path'),
      import('../../../domain/directory/sightings.ts'),
    ])
    if (!isServerUrl(args.place)) {
      const isUrl = isPage(args.place) && URL.canParse(args.place)
      if (!isUrl && !existsSync(args.place))
        throw new CliError('usage', `${JSON.stringify(args.place)} is neither a URL nor a file`,
          'Relays: wss://relay.example. Directories: https://directory.example, or a JSON file.')
      const directory = isUrl ? args.place : resolve(args.place)
      writeDirectories(io.env, [...new Set([...readDirectories(io.env), directory])])
      return out.done({ directory }, () => `Directory ${directory} is kept`)
    }
    const url = serverUrl(args.place)
    const { name = new URL(url).host, description = '', region = '' } = options
    if (!/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(name)) throw new CliError('usage', 'A relay is named with A-Z a-z 0-9 . _ : -')
    const taken = readOwnServers(io.env).find(server => server.name === name && urlKey(server.url) !== urlKey(url))
    if (taken !== undefined)
      throw new CliError('refused', `${taken.url} is called ${name} already`, 'Take another --name, or remove that one.')
    editOwnServers(io.env, io.now(),
      servers => [...servers.filter(server => urlKey(server.url) !== urlKey(url)), { name, url, description, region }])
    out.done({ name, url, description, region }, () => `${name} is ${url}. Look at it: agentchat discover`)
  },
})

export const remove = command({
  name: 'remove',
  summary: 'Forget a relay or a directory',
  arguments: { place: { doc: 'name or URL of a relay; URL or file of a directory' } },
  options: {},
  examples: [{ command: 'agentchat discover remove workshop', doc: 'Its key stays known, for the case that it comes back' }],
  async run({ args, io, out }) {
    const [{ editOwnServers, isCalled, readDirectories, readOwnServers, writeDirectories }, { resolve }] = await Promise.all([
      import('../../discovery/servers-file.ts'),
      import('node:path'),
    ])
    const directories = readDirectories(io.env)
    const left = directories.filter(directory => directory !== args.place && directory !== resolve(args.place))
    const servers = readOwnServers(io.env).filter(server => isCalled(server, args.place))
    if (left.length === directories.length && servers.length === 0)
      throw new CliError('notFound', `Neither a relay nor a directory of yours is called ${JSON.stringify(args.place)}`,
        'They are in ~/.agentchat/servers.json and ~/.agentchat/directories.json.')
    if (left.length < directories.length) writeDirectories(io.env, left)
    if (servers.length > 0) editOwnServers(io.env, io.now(), all => all.filter(server => !isCalled(server, args.place)))
    out.done({ removed: args.place }, () => `${args.place} is forgotten`)
  },
})

export const trust = command({
  name: 'trust',
  summary: 'Believe the key that a relay has now, in place of the one from before',
  arguments: { relay: { doc: 'name or URL of the relay' } },
  options: {
    key: { value: 'SERVER_ID', doc: 'Only if it is this one: the id that the operator told you, or its beginning (32 or more digits)' },
  },
  examples: [{
    command: 'agentchat discover trust workshop --key 2c26b46b68ffc68ff99b453c1d304134',
    doc: 'After its operator said that it was set up anew',
  }],
  async run({ args, options, io, out }: Call<{ readonly relay: { doc: string } }, { readonly key: { doc: string, value: string } }>) {
    const [{ serverNamed }, { knownRelaysOf, lookAtOne }, { isServerUrl, serverUrl }] = await Promise.all([
      import('../../discovery/names.ts'),
      import('../../discovery/survey.ts'),
      import('../../target.ts'),
    ])
    if (options.key !== undefined && !/^[0-9a-f]{32,64}$/i.test(options.key))
      throw new CliError('usage', '--key takes the first 32 hex digits of a server id, or more: another key with fewer is soon found')
    const url = isServerUrl(args.relay) ? serverUrl(args.relay) : serverNamed(io.env, args.relay).url
    const { server_id, trust, problem } = await lookAtOne(io, url)
    if (problem !== null) throw new CliError('unreachable', `${url} does not answer: ${problem}`)
    if (server_id === null || trust === 'invalid')
      throw new CliError('auth', `${url} shows no key that signs what it says`, 'There is nothing to trust.')
    if (options.key !== undefined && !server_id.startsWith(options.key.toLowerCase()))
      throw new CliError('auth', `${url} has the key ${server_id}, not ${options.key}`, 'Nothing was changed. Ask its operator.')
    const known = knownRelaysOf(io.env)
    const former = known.get(url) ?? null
    known.remember(url, server_id)
    out.done({ url, server_id, former }, () =>
      former === null || former === server_id
        ? `${url} is trusted as ${server_id}`
        : `${url} is trusted as ${server_id}\n  before: ${former}`)
  },
})
