// agentchat deploy wallet: the wallet that pays on Akash.
import { command } from '../../../command.ts'
import { CliError } from '../../../exit.ts'
import { newPrompt, passwordOf, walletFile, walletOptions, withAkash } from './parts.ts'

interface Card {
  readonly address: string
  readonly created: string
  readonly file: string
}

const cardText = ({ address, created, file }: Card): string => `${address}\n  file     ${file}\n  created  ${created}`
const loadKeystore = () => import('../../../../deploy/akash/keystore.ts')

const create = command({
  name: 'create',
  summary: 'Make a new wallet, under a password',
  arguments: {},
  options: walletOptions,
  examples: [
    { command: 'agentchat deploy wallet create', doc: 'Asks for a password' },
    { command: 'agentchat deploy wallet create --password-file /run/secrets/akash', doc: 'Where nobody can be asked' },
  ],
  run: call =>
    withAkash(async () => {
      const [{ saveKeystore }, { newPhrase }, { randomBytes }, file] = await Promise.all([
        loadKeystore(),
        import('../../../../deploy/akash/wallet.ts'),
        import('node:crypto'),
        walletFile(call, call.options),
      ])
      using prompt = await newPrompt(call)
      const password = await passwordOf(call, call.options, prompt, true)
      call.out.one(await saveKeystore(file, await newPhrase(randomBytes), password, call.io.now()), cardText)
      call.out.say('Its 24 words are the only copy: write them down, agentchat deploy wallet export. Then send AKT to the address.')
    }),
})

const maxPhraseBytes = 4 * 1_024

const importWallet = command({
  name: 'import',
  summary: 'Keep a wallet that exists: its words are typed unseen, or read from standard input',
  arguments: {},
  options: walletOptions,
  examples: [
    { command: 'agentchat deploy wallet import', doc: 'Asks for the words and a password' },
    {
      command: 'agentchat deploy wallet import --password-file /run/secrets/akash < words.txt',
      doc: 'From a file that is removed afterwards',
    },
  ],
  run: call =>
    withAkash(async () => {
      const [{ saveKeystore }, { normalized }, file] = await Promise.all([
        loadKeystore(),
        import('../../../../deploy/akash/wallet.ts'),
        walletFile(call, call.options),
      ])
      using prompt = await newPrompt(call)
      let phrase = ''
      if (prompt.canAsk) phrase = await prompt.secret('The words of the wallet: ')
      else {
        if (call.options.passwordFile === undefined || call.options.passwordFile === '-') throw new CliError('usage',
            'Standard input holds the words', 'Give the password with --password-file FILE.')
        for await (const chunk of call.io.stdin) if ((phrase += Buffer.from(chunk).toString('utf8')).length > maxPhraseBytes) break
      }
      const password = await passwordOf(call, call.options, prompt, true)
      call.out.one(await saveKeystore(file, normalized(phrase), password, call.io.now()), cardText)
    }),
})

const show = command({
  name: 'show',
  summary: "The wallet's address; needs no password and shows no secret",
  arguments: {},
  options: { wallet: walletOptions.wallet },
  examples: [{ command: 'agentchat deploy wallet show --json | jq -r .address', doc: 'Where to send AKT' }],
  run: call =>
    withAkash(async () => {
      const [{ readKeystoreCard }, file] = await Promise.all([loadKeystore(), walletFile(call, call.options)])
      call.out.one(readKeystoreCard(file), cardText)
    }),
})

const exportWallet = command({
  name: 'export',
  summary: 'Show the words of the wallet, once, on a terminal',
  arguments: {},
  options: walletOptions,
  details: async () =>
    'Whoever has the words has the money. Not into a pipe or a file: to copy a wallet to another machine, copy '
    + 'its file; it is encrypted.',
  examples: [{ command: 'agentchat deploy wallet export', doc: 'To write them on paper' }],
  run: call =>
    withAkash(async () => {
      const { io, options } = call
      const [{ openPhrase, readKeystoreCard }, file] = await Promise.all([loadKeystore(), walletFile(call, options)])
      readKeystoreCard(file)
      using prompt = await newPrompt(call)
      if (!prompt.canAsk || io.stdout.isTTY !== true || call.out.isJson) throw new CliError('usage',
          'The words are shown on a terminal only', 'To copy the wallet elsewhere, copy its file: it is encrypted.')
      if (!await prompt.confirm('Show the words? Nobody else should see this screen.')) throw new CliError('refused', 'Nothing was shown')
      const phrase = await openPhrase(file, await passwordOf(call, options, prompt))
      call.out.raw(`${
        phrase.split(' ').map((word, index) => `${String(index + 1).padStart(2)} ${word.padEnd(9)}${index % 6 === 5 ? '\n' : '  '}`).join(
          '',
        )
      }`)
    }),
})

export const wallet = command({
  name: 'wallet',
  summary: 'Akash: the wallet that pays: create, import, show, export',
  arguments: {},
  options: { wallet: walletOptions.wallet },
  commands: [create, importWallet, show, exportWallet],
  examples: [{ command: 'agentchat deploy wallet create', doc: 'A new one' }],
  run: call => show.run({ ...call, args: {} }),
})
