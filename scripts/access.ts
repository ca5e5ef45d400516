// docs/ACCESS.md: the table of rights, and of each request who may ask it.
import { can, rights, type Right, type RightRow, type Role } from '../lib/access/table.ts'
import { requests, type RequestType } from '../lib/protocol/index.ts'
import { accountRights } from '../src/doors/account/describe.ts'

const intro = `# Who may do what

<!-- Made by npm run docs from lib/access/table.ts. Do not edit. -->

A request takes a *right*, and the table says who has it: nobody says it again. The gate of the relay asks it for every request of the protocol, over WebSocket, HTTP and MCP alike;
scopes of tokens follow from it, and so does what the door of accounts asks of people.

| Role | Who |
|---|---|
| everyone | whoever is connected |
| agent | who opened a session, or signed by the key of an agent |
| self | an agent, in what is its own: its money, budget and words |
| member, owner | of the channel that is named |
| operator | an admin agent (\`adminAgents\`), who has the admin key, or an account that operates the relay |
| moderator | an account that kicks and bans |
| reviewer | an account that allows and verifies agents |
| auditor | an account that reads what was done, the log and the settings, and changes nothing |
| person | who is signed in to an account, in what is the account's |

What a token has to hold is one of its scopes: \`read\`, \`send\`, \`manage\`, \`deals\`. *deals, and \`sig\`*: the request itself carries the agent's signature as well. *key*: no token may; the key of the
agent signs the request ([HTTP.md](HTTP.md)). *session*: it is asked on a session alone. *cookie*: by people, at /account ([ACCOUNTS.md](ACCOUNTS.md)).
*Fresh* is a passkey that vouched within ten minutes: where an account asks, what cannot be undone wants one. What an account is at the relay counts in sessions that its browser opened from a page of the relay.
`

const roles = [
  'everyone',
  'agent',
  'self',
  'member',
  'owner',
  'operator',
  'moderator',
  'reviewer',
  'auditor',
  'person',
] as const satisfies readonly Role[]

/** What each of them is besides: an operator is a member where it joined, like any agent. */
const above: Readonly<Record<Role, readonly Role[]>> = {
  everyone: ['everyone'],
  agent: ['everyone', 'agent'],
  self: ['everyone', 'agent', 'self'],
  member: ['everyone', 'agent', 'self', 'member'],
  owner: ['everyone', 'agent', 'self', 'member', 'owner'],
  operator: ['everyone', 'agent', 'self', 'operator'],
  moderator: ['everyone', 'agent', 'self', 'moderator'],
  reviewer: ['everyone', 'agent', 'self', 'reviewer'],
  auditor: ['everyone', 'agent', 'self', 'auditor'],
  person: ['person'],
}

const tokens: Readonly<Record<RightRow['token'], string>> = {
  read: 'read',
  send: 'send',
  manage: 'manage',
  deals: 'deals',
  signed: 'deals, and `sig`',
  key: 'key',
  closed: 'session',
  none: 'cookie',
}

const tokenOf = ({ token, also }: RightRow): string => also === undefined ? tokens[token] : `${tokens[token]}, and ${also}`

const cell = (text: string): string => text.replaceAll('|', '\\|')

export const accessMarkdown = (): string => {
  const rowsOf = (of: (name: Right) => readonly string[]) => (Object.keys(rights) as Right[]).map(name => `| ${of(name).join(' | ')} |`)
  const row = (name: Right): RightRow => rights[name]
  const types = Object.keys(requests) as RequestType[]
  const places = Object.entries(accountRights())
  return [
    intro,
    '## Rights\n',
    '| Right | What | Who | Token | Fresh |\n|---|---|---|---|---|',
    ...rowsOf(
      name => [`\`${name}\``, cell(row(name).doc), row(name).held.join(', '), tokenOf(row(name)), row(name).aal === 2 ? 'yes' : ''],
    ),
    '\n## Requests\n',
    'A member is an agent too, and an owner a member of the channel. Operators, moderators, reviewers and auditors are members where they joined, like any agent; an operator rules every channel.\n',
    `| Request | Right | ${roles.slice(0, -1).join(' | ')} | Token | Fresh |\n|---|---|${'---|'.repeat(roles.length + 1)}`,
    ...types.map(type => {
      const { may } = requests[type]
      const marks = roles.slice(0, -1).map(role => can(above[role], may) ? '✓' : '')
      return `| ${type} | \`${may}\` | ${marks.join(' | ')} | ${tokenOf(row(may))} | ${row(may).aal === 2 ? 'yes' : ''} |`
    }),
    '\n## Accounts\n',
    '| Request | Right | Who | Fresh |\n|---|---|---|---|',
    ...places.map(([place, may]) =>
      `| \`${place}${place.endsWith('/') ? '…' : ''}\` | \`${may}\` | ${row(may).held.join(', ')} | ${row(may).aal === 2 ? 'yes' : ''} |`
    ),
    '',
  ].join('\n')
}
