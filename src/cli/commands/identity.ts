// agentchat identity: keys on disk. Subcommands, and the single-letter flags that existing scripts use.
import { fingerprintOf } from '../../../lib/identity/index.ts'
import { command, type Call } from '../command.ts'

const file = { short: 'f', value: 'FILE', doc: 'Identity file (default: as for every command, see -i of `agentchat send --help`)' } as const
const identityFile = { short: 'i', value: 'FILE', doc: 'Same as -f' } as const
const yes = { short: 'y', doc: 'Do not ask' } as const
const force = { doc: 'Replace a file that is there; its key is lost' } as const
const server = { value: 'URL', doc: 'Tell this relay too' } as const

type FileCall = Pick<Call, 'io' | 'out'> & { readonly options: { readonly file?: string, readonly identity?: string } }

/** The module with the work, and the file it is about. */
const opened = async ({ io, options }: FileCall) => {
  const [files, { identityPath }] = await Promise.all([import('../../../lib/node/identity-file.ts'), import('../contexts.ts')])
  return { ...files, path: identityPath(options.file ?? options.identity, io.env) }
}

/** Whose key a file holds, as far as it can be read. */
const keyIn = async (path: string): Promise<string> => {
  const { loadIdentityFile } = await import('../../../lib/node/identity-file.ts')
  try {
    return `@${loadIdentityFile(path).agentId}`
  } catch {
    return 'somebody'
  }
}

/** What cannot be undone is asked about. */
const sure = async (call: Pick<Call, 'io' | 'out'> & { readonly options: { readonly yes?: true } }, what: string): Promise<void> => {
  const { confirm } = await import('../trade.ts')
  await confirm(call, what)
}

const shown = (
  path: string,
  { agentId, name, created, publicKey, rotations = [] }: {
    agentId: string
    name: string
    created: string
    publicKey: string
    rotations?: readonly unknown[]
  },
) => ({
  agent_id: `@${agentId}`,
  name,
  file: path,
  created,
  rotations: rotations.length,
  fingerprint: fingerprintOf(publicKey),
  public_key: publicKey,
})

const card = (value: ReturnType<typeof shown>): string =>
  `${value.agent_id}  ${value.name}\n  file     ${value.file}\n  created  ${value.created}${
    value.rotations === 0 ? '' : `\n  rotated  ${value.rotations} times`
  }\n  key      ${value.fingerprint}\n${value.public_key.trimEnd()}`

const generate = command({
  name: 'generate',
  summary: 'Make a new key pair and keep it in a file',
  arguments: {},
  options: {
    file,
    identity: identityFile,
    yes,
    name: { short: 'n', value: 'NAME', doc: 'Name of the agent (default: agent-XXXX)' },
    force,
  },
  examples: [
    { command: 'agentchat identity generate -n alice', doc: 'The default identity of this account' },
    { command: 'agentchat identity generate -n builder -f ~/.agentchat/identities/builder.json', doc: 'One of several' },
  ],
  async run(call) {
    const { io, out, options } = call
    const [{ path, newIdentityFile, saveIdentityFile }, { agentName }, { existsSync }] = await Promise.all([
      opened(call),
      import('../agent-name.ts'),
      import('node:fs'),
    ])
    const lost = options.force === true && existsSync(path) ? await keyIn(path) : undefined
    if (lost !== undefined) await sure(call, `The key of ${lost} in ${path} is lost`)
    const identity = newIdentityFile(agentName(options.name, io), io.now())
    saveIdentityFile(path, identity, { overwrite: options.force === true })
    out.one(shown(path, identity), card)
    out.say(`Use it with -i ${path}, or for all commands: export AGENTCHAT_IDENTITY=${path}`)
  },
})

const show = command({
  name: 'show',
  summary: 'Who the file says you are; never the private key',
  arguments: {},
  options: { file, identity: identityFile },
  examples: [{ command: 'agentchat identity show --json', doc: 'As JSON' }],
  async run(call) {
    const { path, loadIdentityFile, identityFileWarning } = await opened(call)
    call.out.one(shown(path, loadIdentityFile(path)), card)
    const warning = identityFileWarning(path)
    if (warning !== undefined) call.out.say(`warning: ${warning}`)
  },
})

const exportPublic = command({
  name: 'export',
  summary: 'The public half, for others to keep; as JSON',
  arguments: {},
  options: { file, identity: identityFile },
  examples: [{ command: 'agentchat identity export > alice.pub.json', doc: 'Something to hand out' }],
  async run(call) {
    const { path, loadIdentityFile } = await opened(call)
    const { privateKey: _, ...rest } = loadIdentityFile(path)
    call.out.one(rest, value => JSON.stringify(value, null, 2))
  },
})

const rotate = command({
  name: 'rotate',
  summary: 'Change to a new key, signed over by the old one, and keep the standing of the old one',
  arguments: {},
  options: { file, identity: identityFile, server, yes },
  examples: [
    { command: 'agentchat identity rotate --server ws://localhost:6667', doc: 'Change the key and tell a relay at once' },
    { command: 'agentchat identity rotate', doc: 'Change the key; every relay learns of it at the next connect' },
  ],
  async run(call) {
    const { io, out, options } = call
    const { path, loadIdentityFile, saveIdentityFile, rotated } = await opened(call)
    const old = loadIdentityFile(path)
    await sure(call, `@${old.agentId} in ${path} gets a new key, and the old one can never log in again`)
    const next = rotated(old, io.now())
    saveIdentityFile(path, next, { overwrite: true })
    out.say(`@${old.agentId} is now @${next.agentId}. Each relay is told at the next connect with this file.`)
    // Opening the connection presents the newest rotation.
    if (options.server !== undefined) await call.connect({ server: options.server, identity: path })
    out.one({ ...shown(path, next), old_agent_id: `@${old.agentId}` }, card)
  },
})

const revoke = command({
  name: 'revoke',
  summary: 'A signed notice that the key must not be trusted any more; prints it as JSON',
  arguments: { reason: { doc: 'why, for others to read', optional: true } },
  options: { file, identity: identityFile, server, yes },
  examples: [
    {
      command: 'agentchat identity revoke "laptop lost" --server ws://localhost:6667 > revocation.json',
      doc: 'Tell a relay, and keep the notice for others',
    },
  ],
  async run(call) {
    const { args, io, out, options } = call
    const { path, loadIdentityFile, revocationOf } = await opened(call)
    const revoked = loadIdentityFile(path)
    await sure(call, `The key of @${revoked.agentId} in ${path} is revoked for good`)
    const notice = revocationOf(revoked, args.reason ?? 'revoked', io.now())
    out.one(notice, value => JSON.stringify(value, null, 2))
    if (options.server === undefined) return out.say('No relay knows yet. Tell one: agentchat identity revoke --server URL')
    // Anyone may present it: the key itself need not log in.
    const client = await call.connect({ server: options.server, anonymous: true })
    const { rotations, ...body } = notice
    await client.request('REVOCATION', { ...body, ...(rotations !== undefined && { rotations: [...rotations] }) })
    out.say(`${options.server} has closed @${notice.agent_id} out`)
  },
})

const verify = command({
  name: 'verify',
  summary: 'Check the rotations of an identity file, or a revocation notice',
  arguments: {},
  options: { file, identity: identityFile, revocation: { value: 'FILE', doc: 'Check this notice instead' } },
  examples: [
    { command: 'agentchat identity verify', doc: 'Does each key hand over to the next?' },
    { command: 'agentchat identity verify --revocation revocation.json', doc: 'Did the key itself sign this notice?' },
  ],
  async run(call) {
    const { out, options } = call
    const { path, loadIdentityFile, rotationProblem } = await opened(call)
    if (options.revocation !== undefined) {
      const [{ readJson }, { verifyRevocation }] = await Promise.all([import('../home.ts'), import('../../../lib/identity/index.ts')])
      const notice = readJson(options.revocation)
      const valid = notice !== undefined && verifyRevocation(notice as never)
      out.one({ file: options.revocation, agent_id: notice?.['agent_id'] ?? null, valid }, ({ agent_id, valid }) =>
        valid ? `The notice is good: ${agent_id} is revoked` : 'The notice is NOT good: do not act on it')
      return valid ? 'ok' : 'error'
    }
    const identity = loadIdentityFile(path)
    const problem = rotationProblem(identity)
    out.one({
      file: path,
      agent_id: `@${identity.agentId}`,
      rotations: identity.rotations?.length ?? 0,
      valid: problem === undefined,
      ...(problem !== undefined && { problem }),
    }, ({ agent_id, rotations, problem }) => problem ?? `${agent_id}: ${rotations} rotations, each signed by the key before it`)
    return problem === undefined ? 'ok' : 'error'
  },
})

export const identity = command({
  name: 'identity',
  summary: 'Keys: make, show, export, rotate, revoke, verify',
  arguments: {},
  options: {
    generate: { short: 'g', doc: 'Same as `identity generate`' },
    show: { short: 's', doc: 'Same as `identity show`' },
    export: { short: 'e', doc: 'Same as `identity export`' },
    rotate: { short: 'r', doc: 'Same as `identity rotate`' },
    revoke: { value: '[REASON]', doc: 'Same as `identity revoke`' },
    verifyChain: { doc: 'Same as `identity verify`' },
    verifyRevocation: { value: 'FILE', doc: 'Same as `identity verify --revocation FILE`' },
    file,
    identity: identityFile,
    name: { short: 'n', value: 'NAME', doc: 'Name of the agent' },
    force,
    server,
    yes,
  },
  commands: [generate, show, exportPublic, rotate, revoke, verify],
  examples: [
    { command: 'agentchat identity generate -n alice', doc: 'Make the default identity' },
    { command: 'agentchat identity -g -n alice -f alice.json', doc: 'The same by flags, into another file' },
  ],
  async run(call) {
    const { options } = call
    if (options.generate) return generate.run({ ...call, args: {} })
    if (options.export) return exportPublic.run({ ...call, args: {} })
    if (options.rotate) return rotate.run({ ...call, args: {} })
    if (options.revoke !== undefined) return revoke.run({ ...call, args: { reason: options.revoke === true ? undefined : options.revoke } })
    if (options.verifyChain) return verify.run({ ...call, args: {} })
    if (options.verifyRevocation !== undefined)
      return verify.run({ ...call, args: {}, options: { ...options, revocation: options.verifyRevocation } })
    return show.run({ ...call, args: {} })
  },
})
