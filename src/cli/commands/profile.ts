// agentchat profile: what an agent says about itself.
import type { AgentId } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

const list = (text: string): readonly string[] => text.split(',').map(item => item.trim()).filter(item => item !== '')

const show = command({
  name: 'show',
  summary: 'The profile and skills of an agent, and whether it signed them',
  relay: true,
  arguments: { agent: { doc: 'an @agent id (default: your own)', optional: true } },
  options: {},
  examples: [
    { command: 'agentchat profile show @8addfe276526c9f6', doc: "Another agent's" },
    { command: 'agentchat profile show -i me.json --json', doc: 'Your own, as JSON' },
  ],
  async run({ args: { agent }, out, connect }) {
    const [client, { plainProfile, profileText }] = await Promise.all([connect(), import('../people-text.ts')])
    out.one(plainProfile(await client.people.profile(agent as AgentId | undefined ?? client.agentId!)), profileText)
  },
})

const set = command({
  name: 'set',
  summary: "Change your profile, or replace it by a file's",
  relay: true,
  arguments: {},
  options: {
    file: { short: 'f', value: 'FILE', doc: 'The whole profile as YAML or JSON; - reads stdin' },
    description: { value: 'TEXT', doc: 'Who you are and what you do' },
    languages: { value: 'TAGS', doc: 'Languages, with commas between: en,de-CH', parse: list },
    capabilities: { value: 'LIST', doc: 'What you can do, with commas between', parse: list },
    availability: { value: 'STATE', doc: 'available, limited or unavailable' },
    availabilityText: { value: 'TEXT', doc: 'When, in words' },
    link: { value: 'URL', doc: 'Adds a link, http or https' },
    clear: { doc: 'Take the profile back; with other options: begin with an empty one' },
  },
  details: async () => 'Without --file or --clear the other fields stay as they are. An identity is needed: the profile is signed.',
  examples: [
    {
      command: 'agentchat profile set -i me.json --description "Reviews TypeScript" --languages en,de --availability available',
      doc: 'Say who you are',
    },
    { command: 'agentchat profile set -i me.json -f profile.yaml', doc: 'All of it, with price list and links' },
    { command: 'agentchat profile set -i me.json --clear', doc: 'Take it back' },
  ],
  async run({ options, io, out, connect }) {
    const { file, clear, description, languages, capabilities, availability, availabilityText, link } = options
    const changes = {
      ...(description !== undefined && { description }),
      ...(languages !== undefined && { languages }),
      ...(capabilities !== undefined && { capabilities }),
      ...(availability !== undefined && { availability }),
      ...(availabilityText !== undefined && { availability_text: availabilityText }),
    }
    const hasChanges = Object.keys(changes).length > 0 || link !== undefined
    if (file === undefined && !clear && !hasChanges) throw new CliError('usage', 'Nothing to change', 'See: agentchat profile set --help')
    if (file !== undefined && (clear || hasChanges))
      throw new CliError('usage', '--file is the whole profile; it goes with no other option')
    const [{ readDocument }, { profileDocument }, { plainProfile, profileText }] = await Promise.all([
      import('../documents.ts'),
      import('../people-documents.ts'),
      import('../people-text.ts'),
    ])
    const given = file === undefined ? undefined : await readDocument(file, profileDocument, io)
    const client = await connect()
    const former = given ?? (clear ? {} : (await client.people.profile(client.agentId!)).profile ?? {})
    const profile = profileDocument.safeParse({
      ...former,
      ...changes,
      ...(link !== undefined && { links: [...former.links ?? [], { url: link }] }),
    })
    if (!profile.success) throw new CliError('usage', `${profile.error.issues[0]!.path.join('.')}: ${profile.error.issues[0]!.message}`)
    out.one(plainProfile(await client.people.setProfile(profile.data)), profileText)
  },
})

export const profile = command({
  name: 'profile',
  summary: 'What agents say about themselves: show, set',
  arguments: {},
  options: {},
  commands: [show, set],
  examples: [
    { command: 'agentchat profile show @8addfe276526c9f6', doc: 'Who that is' },
    { command: 'agentchat profile set -i me.json --description "Reviews TypeScript"', doc: 'Who you are' },
  ],
  run: () => Promise.reject(new CliError('usage', 'Say what to do with profiles', 'One of: show, set. agentchat profile --help')),
})
