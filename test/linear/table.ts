// THE TABLE: whose text is read by every file that takes texts apart. What peers wrote is read in time that grows with its length
// and no faster: every pattern of those files is attacked by the test beside this one, and so is every function that is named here.
import { createHash } from 'node:crypto'
import {
  canonicalJson,
  canonicalPem,
  changeTextOf,
  cosignersOf,
  entryOf,
  cut,
  markBeyond,
  provenanceOf,
  publicKeyBytes,
  readCheckpoint,
  readProof,
  readSubmission,
  readWitnessKey,
  renderEvent,
  TranscriptRange,
  visible as shownVisible,
  witnessedBy,
  witnessPolicy,
  word,
  receiptText,
  signedTextOf,
  verify,
  verifyCompletion,
  verifyReceipt,
  verifyRevocation,
  readHttpSignature,
  readKeyHeader,
} from '../../lib/identity/index.ts'
import {
  AgentAddress,
  AgentId,
  AgentName,
  ChannelAddress,
  ChannelName,
  RequestId,
  Target,
  TargetAddress,
} from '../../lib/protocol/fields.ts'
import { readLogKey } from '../../lib/identity/transcripts/index.ts'
import { Nick } from '../../lib/protocol/request-fields.ts'
import { isSameHost, refusalOf } from '../../lib/client/hosts.ts'
import { storedTextOf } from '../../lib/client/transcript-checks.ts'
import { decodeFrame, decodeRequest } from '../../lib/protocol/index.ts'
import { safeFileName } from '../../lib/protocol/file-name.ts'
import { minorOf } from '../../lib/protocol/money.ts'
import { mentionsIn } from '../../lib/protocol/mentions.ts'
import { rawField, rawItems } from '../../lib/protocol/raw.ts'
import { messagesText } from '../../src/cli/message-text.ts'
import { visible, visibleJson, visibleLines } from '../../src/cli/terminal.ts'
import { fromCardSkills, toCardSkills } from '../../src/domain/a2a-skills.ts'
import { urlKey } from '../../src/domain/directory/sightings.ts'
import { readTicket } from '../../src/domain/file-ticket.ts'
import { readPaymentCode } from '../../src/domain/payment/code.ts'
import { cookieOf } from '../../src/doors/account/cookie.ts'
import { localeOf } from '../../src/doors/account/texts/index.ts'
import { accepts, isKnown } from '../../src/doors/console/door.ts'
import { hookText } from '../../src/doors/http/hook-text.ts'
import { resourceAt } from '../../src/doors/http/resources.ts'
import { reOf } from '../../src/relay/local-session.ts'
import { redact } from '../../src/domain/redaction.ts'
import { Reply } from '../../src/doors/mcp/reply.ts'
import { escapedMarkup } from '../../src/base/markup.ts'
import { atomFeed, jsonFeed } from '../../src/features/operate/announcements/feeds.ts'
import { captchaAnswer } from '../../src/features/talk/session/captcha.ts'
import { matchIn, snippetOf } from '../../src/features/talk/search/match.ts'
import { parseQuery } from '../../src/features/talk/search/query.ts'
import { checkFiles } from '../../src/features/trade/proposals/deliverable.ts'
import { anywhere, addressGuard } from '../../src/outbound/guard.ts'
import { isSigned } from '../../src/outbound/signing.ts'
import { Addresses } from '../../src/relay/address.ts'
import { parseMsgId } from '../../src/store/log.ts'
import { wordsOf } from '../../src/store/postgres/dialect.ts'
import { wordsIn } from '../../src/store/words.ts'
import { keyHere, keyThere, storableOf } from '../../src/store/postgres/text.ts'
import { partsOf, tokensOf } from '../../web/kit/markdown-tokens.ts'

const sought = [{ words: [{ raw: 'a', word: 'a' }], isPrefix: true }]

export interface PeerText {
  /** What comes from others here. */
  readonly peer: string
  /** Functions of the file that read it, or its patterns in the wild. May throw. */
  readonly run?: Readonly<Record<string, (text: string) => unknown>>
  /** Functions of lists that are as long as the text: what is in it matters little, so that few texts do. */
  readonly lists?: Readonly<Record<string, (text: string) => unknown>>
  /** Patterns that only ever see so many characters, by their source. */
  readonly atMost?: Readonly<Record<string, number>>
}

/** Text of whoever runs the program, on the same machine: it may be slow for himself. */
export interface OwnText {
  readonly own: string
}

const announcement = (text: string) => ({ id: 'ann_0', title: text, text, url: text, at: 0, withdrawn: 0, digest: '' }) as never
const feed = { serverName: 'relay', serverId: '0', base: '' }
/** Of the vectors. */
const witnessPem = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=\n-----END PUBLIC KEY-----\n'
const witnessText = 'witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR'
const addresses = new Addresses(['127.0.0.1'], 64)
const guard = addressGuard(anywhere)
const message = (content: string) => ({ ts: 0, from: '@a', from_name: content, to: '#a', content })
const fieldOf = (text: string) => rawField(text, 'a')
const plain = (_style: unknown, text: string) => text
const requestWith = (text: string) => ({
  method: 'GET',
  authority: text,
  path: text,
  query: text,
  header: () => text,
  body: Buffer.from(text),
})
/** A list that grows with the text: every part of it is one item. */
const list = <T>(text: string, item: (part: string) => T): readonly T[] =>
  Array.from({ length: text.length / 10 }, (_, i) => item(text.slice(0, 3) + (i % 7)))

/** A file, or a folder for all files in it that have no row of their own; the longest that fits counts. */
export const table: Readonly<Record<string, PeerText | OwnText>> = {
  'lib/client/hosts.ts': { peer: 'hosts of addresses, and urls of relays', run: { refusalOf, isSameHost: text => isSameHost(text, text) } },
  'lib/client/known-relays.ts': { own: 'urls of relays, which the user names' },
  'lib/client/resolving.ts': { own: 'urls that the program names' },
  'lib/client/session.ts': { peer: 'reasons of the relay for closing' },
  'lib/identity/base64url.ts': { peer: 'closed keys, and halves of keys, at most 2,048 characters' },
  'lib/identity/recovery-code.ts': { own: 'a code, as its owner types it, at most 100 characters' },
  'lib/identity/canonical.ts': {
    peer: 'documents, profiles and receipts of others',
    run: {
      canonicalJson,
      receiptText: text => receiptText({ text } as never),
    },
    lists: { canonicalJson: text => canonicalJson(Object.fromEntries(list(text, part => part).map((key, i) => [key + i, key]))) },
  },
  'lib/client/growing.ts': { own: 'what the program writes' },
  'lib/client/transcript-checks.ts': { peer: 'stored events as they come', run: { storedTextOf } },
  'lib/client/message-signer.ts': { own: 'what the program says' },
  'lib/identity/change-texts.ts': {
    peer: 'edits and retractions',
    run: {
      'changeTextOf an edit': text =>
        changeTextOf({ from: text, content: text, edit: { of: text, prev: text, relay: text, sig_ts: 1, nonce: 'a'.repeat(32) } }),
      'changeTextOf a nonce': text => changeTextOf({ from: '', content: '', retract: { of: '', relay: '', sig_ts: 1, nonce: text } }),
    },
  },
  'lib/identity/fence.ts': {
    peer: 'what agents wrote, as programs and models are shown it',
    run: {
      visible: shownVisible,
      word,
      cut: text => cut(text, text.length / 2),
      markBeyond: text => markBeyond([text], () => text.slice(0, 6).padEnd(6, '0') + Math.random()),
    },
  },
  'lib/identity/provenance.ts': {
    peer: 'messages and other events',
    run: {
      renderEvent: text =>
        renderEvent({ type: 'MSG', ts: 0, from: text, to: text, content: text, files: [{ name: text }] }, 'none',
          provenanceOf({}, 'none', undefined)),
    },
  },
  'lib/identity/http-signature.ts': {
    peer: 'headers of HTTP requests',
    run: {
      'readHttpSignature of an input': text => readHttpSignature(requestWith(text), 0),
      'readHttpSignature of components': text => readHttpSignature(requestWith(`sig=(${text});created=1`), 0),
      'readHttpSignature of parameters': text => readHttpSignature(requestWith(`sig=("@method")${text}`), 0),
    },
  },
  'lib/identity/key-header.ts': { peer: 'headers of HTTP requests', run: { readKeyHeader: text => readKeyHeader(`:${text}`) } },
  'lib/identity/message-signatures.ts': {
    peer: 'messages',
    run: {
      signedTextOf: text =>
        signedTextOf({ from: text, to: text, content: text, sig_v: 2, sig_ts: 1, nonce: 'a'.repeat(32), relay: text, pub_id: text }),
      'signedTextOf of a nonce': text => signedTextOf({ from: '', to: '', content: '', sig_v: 2, sig_ts: 1, nonce: text, relay: '' }),
    },
  },
  'lib/identity/pem.ts': { peer: 'keys and signatures', run: { canonicalPem, publicKeyBytes, verify: text => verify(text, text, text) } },
  'lib/identity/records.ts': {
    peer: 'rotations, revocations and receipts',
    run: {
      verifyRevocation: text =>
        verifyRevocation({ type: 'REVOCATION', agent_id: text, pubkey: text, fingerprint: text, signature: text } as never),
      verifyReceipt: text => verifyReceipt({ receipt_id: text, receipt: text, signatures: text }),
      verifyCompletion: text => verifyCompletion({ proposal_id: text, proof: text, completed_by: text, sig: text }, () => text),
    },
  },
  'lib/identity/transcripts/checkpoint.ts': {
    peer: 'signed heads of relays',
    run: {
      readCheckpoint,
      'readCheckpoint with many lines': text => readCheckpoint(`agentchat/\n0\n\n\n${text}\n`),
    },
  },
  'lib/identity/transcripts/entry.ts': {
    peer: 'stored events of relays',
    run: {
      entryOf,
      'entryOf names': text => entryOf(JSON.stringify({ type: text, ts: 0, seq: 0, from: text, msg_id: text })),
      'entryOf a blank': text => entryOf(JSON.stringify({ type: 'MSG', ts: 0, seq: 0, erased: true, hash: text, content: text })),
    },
  },
  'lib/identity/transcripts/single.ts': {
    peer: 'proofs of messages',
    run: {
      readProof,
      'readProof of a long text': text => readProof(`c2sp.org/tlog-proof@v1\nextra ${btoa('a'.repeat(text.length))}\nindex 0\n\n${text}`),
      'readProof of many hashes': text => readProof(`c2sp.org/tlog-proof@v1\nextra \nindex 0\n${'AA==\n'.repeat(text.length / 5)}\n`),
    },
  },
  'lib/identity/transcripts/submission.ts': {
    peer: 'heads that are brought to be cosigned',
    run: {
      readSubmission,
      'readSubmission of many hashes': text => readSubmission(`old 0\n${'AA==\n'.repeat(text.length / 5)}\n`),
      'readSubmission of a long head': text => readSubmission(`old 0\n\n${text}`),
    },
  },
  'lib/identity/transcripts/witness.ts': {
    peer: 'cosignatures of witnesses, and keys of such and of logs',
    run: {
      readWitnessKey,
      readLogKey,
      'readLogKey with an origin': text => readLogKey(`${text} ${text}`),
      'cosignersOf a head with much under it': text =>
        cosignersOf(`a\n\n${text.slice(0, 8_000)}\n— a ${text.slice(0, 8_000)}\n`, [readWitnessKey(witnessText)]),
      'witnessedBy many heads': text => witnessedBy([text], witnessPolicy([witnessText], 1), witnessPem),
    },
  },
  'lib/identity/transcripts/tree.ts': {
    peer: 'ranges as clients keep them',
    run: { 'TranscriptRange.from': text => TranscriptRange.from(text) },
  },
  'lib/identity/texts.ts': { peer: 'nonces, ids and names that are signed' },
  'lib/node/': { own: 'files of the user' },
  'lib/protocol/': {
    peer: 'every field of every frame',
    run: {
      decodeRequest,
      'decodeRequest of a content': text => decodeRequest(`{"type":"MSG","to":"#a","content":${JSON.stringify(text)}}`),
      'decodeRequest of a raw field': text => decodeRequest(`{"type":"MSG","to":"#a","content":${text}}`),
      'decodeRequest of names': text => decodeRequest(JSON.stringify({ type: 'JOIN', channel: text, id: text, epoch: text })),
      'decodeRequest of a search': text => decodeRequest(JSON.stringify({ type: 'SEARCH_SKILLS', query: { text, language: text } })),
      decodeFrame,
      'decodeFrame of a message': text =>
        decodeFrame(JSON.stringify({ type: 'MSG', from: text, from_name: text, to: text, content: text, ts: 1 })),
    },
    lists: {
      decodeRequest: text => decodeRequest(JSON.stringify({ type: 'WATCH', agents: list(text, part => part) })),
      'decodeRequest of skills': text =>
        decodeRequest(JSON.stringify({ type: 'REGISTER_SKILLS', sig: text, skills: list(text, capability => ({ capability })) })),
    },
  },
  'lib/protocol/describe.ts': { own: 'the protocol table' },
  'lib/protocol/fields.ts': {
    peer: 'names, ids and targets',
    run: Object.fromEntries(
      Object.entries({ AgentId, AgentAddress, ChannelName, ChannelAddress, Target, TargetAddress, AgentName, Nick, RequestId }).map((
        [name, schema],
      ) => [
        name,
        (text: string) => schema.safeParse(text),
      ]),
    ),
  },
  'lib/protocol/file-name.ts': { peer: 'names of files that were delivered, or come with messages', run: { safeFileName } },
  'lib/protocol/mentions.ts': { peer: 'messages', run: { mentionsIn } },
  'lib/protocol/raw.ts': {
    peer: 'frames as they came',
    run: {
      rawItems,
      rawField: text => fieldOf(`{${text}}`),
      'rawField of a content': text => fieldOf(JSON.stringify({ [text]: text, a: 1 })),
    },
  },
  'lib/protocol/money.ts': { peer: 'amounts', run: { minorOf: text => minorOf(text, text) }, atMost: { '0+$': 12 } },
  'src/cli/': { own: 'what the user types, and what the program says of itself' },
  'src/cli/commands/transcript-cosign.ts': { peer: 'answers of witnesses, 16 KiB at most' },
  'src/cli/commands/webhook.ts': { own: 'where the user posts to' },
  'src/cli/commands/who.ts': { peer: 'keys as a relay tells them' },
  'src/cli/connection.ts': { peer: 'a question of the relay' },
  'src/cli/receipt-file.ts': { peer: 'files of receipts' },
  'src/cli/terminal.ts': {
    peer: 'everything that is shown',
    run: {
      visible,
      visibleLines: text => visibleLines(text, '  | '),
      visibleJson,
      messagesText: text => messagesText(0)(message(text), plain),
    },
  },
  'src/bus/nats.ts': { own: 'addresses of servers, a setting' },
  'src/processes.ts': { own: 'the name of the machine' },
  'src/store/standing.ts': { own: 'addresses that admins banned' },
  'src/config/': { own: 'settings' },
  'src/deploy/': { own: 'the deployment as it is described, and programs that are run for it' },
  'src/dev-cluster/': { own: 'what the programs that it starts say' },
  'src/deploy/akash/chain-reader.ts': { peer: 'answers of a chain node' },
  'src/deploy/akash/chain-writer.ts': { peer: 'answers of a chain node' },
  'src/deploy/akash/provider.ts': { peer: 'answers of a provider' },
  'src/domain/a2a-skills.ts': {
    peer: 'cards and skill lists',
    lists: {
      toCardSkills: text => toCardSkills(list(text, capability => ({ capability, tags: [capability] }))),
      fromCardSkills: text => fromCardSkills({ skills: list(text, id => ({ id, name: id, description: id, tags: [id] })) }),
    },
  },
  'src/domain/own-origins.ts': { own: 'the public URLs of the relay' },
  'src/domain/directory/sightings.ts': { peer: 'URLs of relays', run: { urlKey: text => urlKey(`ws://a/${text}`) } },
  'src/domain/payment/code.ts': { peer: 'payment codes', run: { readPaymentCode } },
  'src/domain/redaction.ts': { peer: 'messages', run: { redact } },
  'src/doors/http/hook-text.ts': {
    peer: 'what services post to hooks, and templates of at most 2,000 characters',
    run: {
      bare: text => hookText(text, null),
      templated: text => hookText(JSON.stringify({ a: text }), '{{a}}'),
      template: text => hookText('{"a":{}}', text.slice(0, 2_000)),
    },
  },
  'src/base/markup.ts': { peer: 'names and texts, as pages and feeds show them', run: { escapedMarkup } },
  'src/domain/brand.ts': { own: 'colours, which the operator names' },
  'src/domain/logo.ts': { own: 'the logo of the relay, at most 64 KiB' },
  'src/domain/file-ticket.ts': { peer: 'tickets of HTTP requests', run: { readTicket: text => readTicket('secret', text, 0) } },
  'src/domain/passkey.ts': { peer: 'what is wrong with the answer of a passkey, at most 200 characters' },
  'src/domain/sites.ts': { own: 'urls of the relay, which its operator names' },
  'src/doors/account/page.ts': { own: 'the name and links of the relay' },
  'src/doors/account/': {
    peer: 'cookies, paths and bodies of HTTP requests',
    run: {
      localeOf: text => localeOf([text, text], text),
      'localeOf of weights': text => localeOf([null], `de;q=${text}`),
      cookieOf: text => cookieOf({ headers: { cookie: text } } as never, ['https://a.example']),
      'cookieOf of one name': text => cookieOf({ headers: { cookie: `__Host-agentchat=${text}` } } as never, ['https://a.example']),
    },
  },
  'src/doors/console/brand.ts': { own: 'the name of the relay, and files that the package brings' },
  'src/doors/console/files.ts': { own: 'names of the files that the package brings' },
  'src/doors/console/': {
    peer: 'headers of HTTP requests',
    run: {
      accepts: text => accepts(text, 'br'),
      'accepts with parameters': text => accepts(`br;${text}`, 'br'),
      isKnown: text => isKnown(text, '"x"'),
    },
  },
  'src/features/account/': {
    peer: 'what browsers call themselves, at most 200 characters, codes of at most 40, and what a provider calls them, in at most 256 KiB',
  },
  'src/doors/files/': { peer: 'paths and headers of HTTP requests' },
  'src/files/': { own: 'what the operator configures, and what his bucket says' },
  'src/doors/http/': {
    peer: 'paths, queries and headers of HTTP requests',
    run: {
      resourceAt: text => resourceAt('GET', `/v1/${text}`),
      'resourceAt of a channel': text => resourceAt('GET', `/v1/channels/${text}/messages`),
    },
  },
  'src/doors/mcp/': {
    peer: 'what agents wrote, as tools show it; what a host gives to a tool',
    run: {
      reply: text => {
        const reply = new Reply()
        reply.add('said: ', { text })
        return reply.text(() => text.slice(0, 6).padEnd(6, '0') + Math.random())
      },
    },
  },
  'src/features/operate/admin/handlers.ts': { peer: 'keys of agents, in their one spelling' },
  'src/features/operate/announcements/feeds.ts': {
    peer: 'announcements, as feed readers and the Markdown of other places take them',
    run: { atomFeed: text => atomFeed([announcement(text)], feed), jsonFeed: text => jsonFeed([announcement(text)], feed) },
  },
  'src/features/operate/announcements/handlers.ts': { own: 'what the operator announces' },
  'src/features/operate/description/feature.ts': { own: 'the public URLs of the relay' },
  'src/features/operate/directory/listing.ts': { peer: 'queries of the directory' },
  'src/features/talk/reactions/handlers.ts': { peer: 'kinds of reactions, at most 32 bytes' },
  'src/features/talk/hooks/handlers.ts': { peer: 'secrets of hooks, at most 128 characters' },
  'src/features/talk/witness/feature.ts': { peer: 'heads of other logs, 16 KiB at most' },
  'src/features/talk/tokens/handlers.ts': { own: 'scopes as they were stored' },
  'src/features/talk/identity/handlers.ts': { peer: 'ids' },
  'src/features/talk/profiles/handlers.ts': { peer: 'ids in paths' },
  'src/features/talk/session/captcha.ts': { peer: 'answers of newcomers', run: { captchaAnswer } },
  'src/features/talk/session/handlers.ts': { peer: 'resume tokens' },
  'src/features/talk/search/': {
    peer: 'messages, and what they are searched by',
    run: {
      parseQuery,
      matchIn: text => matchIn(text, sought),
      'matchIn by itself': text => matchIn(text, [{ words: [...wordsIn(text)].slice(0, 10), isPrefix: true }]),
      snippetOf: text => snippetOf(text, matchIn(text, sought)?.ranges ?? []),
    },
  },
  'src/features/trade/proposals/deliverable.ts': {
    peer: 'files that are delivered',
    run: {
      'checkFiles of a name': text => checkFiles({ files: [{ name: text, bytes: 1, sha256: '0', content: 'AA==' }] }),
      'checkFiles of a content': text => {
        const data = Buffer.from(text)
        checkFiles({
          files: [{
            name: 'a',
            bytes: data.length,
            sha256: createHash('sha256').update(data).digest('hex'),
            content: data.toString('base64'),
          }],
        })
      },
    },
  },
  'src/features/trade/proposals/reading.ts': { peer: 'positions in pages' },
  'src/keeping/files.ts': { own: 'names of files in a directory of the relay' },
  'src/keeping/': { peer: 'archives, which may come from elsewhere' },
  'src/bridges/open.ts': { own: 'the name of the relay' },
  'src/features/links/bridge/ferry.ts': {
    peer: 'what another relay says of a message that it refused, at most 300 characters, and its id for it',
  },
  'src/linking.ts': { own: 'the url that an operator gave a link' },
  'src/outbound/discovery.ts': { own: 'URLs that the operator or the user named' },
  'src/outbound/guard.ts': { peer: 'addresses that names resolve to', run: { mayReach: text => guard.mayReach(text) } },
  'src/outbound/moltbook.ts': { peer: 'answers of a place, and errors' },
  'src/outbound/oidc.ts': { peer: 'who a provider says somebody is, in at most 256 KiB' },
  'src/outbound/request.ts': { peer: 'host names' },
  'src/outbound/resolve.ts': { peer: 'host names in addresses of webhooks' },
  'src/outbound/webhooks.ts': { peer: 'addresses of webhooks, at most 1,000 characters, and Retry-After of their receivers' },
  'src/outbound/signing.ts': { peer: 'signatures of webhooks', run: { isSigned: text => isSigned('secret', text, text, 0) } },
  'src/relay/view.ts': { own: 'names of streams' },
  'src/relay/local-session.ts': { peer: 'frames, with what agents wrote in them', run: { reOf: text => reOf(Buffer.from(text)) } },
  'src/relay/address.ts': {
    peer: 'X-Forwarded-For',
    run: { ofRequest: text => addresses.ofRequest('127.0.0.1', text), ofPeer: text => addresses.ofPeer(text) },
  },
  'src/relay/browser-origin.ts': { peer: 'the headers Origin and Host' },
  'src/relay/certificate.ts': { own: 'certificate files' },
  'src/relay/http.ts': { peer: 'paths and headers' },
  'src/relay/receipts.ts': { peer: 'names of streams, made of ids' },
  'src/base/open-files.ts': { own: 'what the system says of its limits' },
  'src/store/by-token.ts': { own: 'numbers of an inbox, as they were stored' },
  'src/store/transcripts.ts': { own: 'hashes that it stored itself' },
  'src/store/words.ts': { peer: 'messages, and what they are searched by', run: { wordsIn: text => [...wordsIn(text)] } },
  'src/store/postgres/search.ts': { peer: 'messages, and names of streams' },
  'src/store/sqlite/search-file.ts': { own: 'the path of the data directory' },
  'src/store/sqlite/driver.ts': { own: 'what the installed driver says of itself' },
  'src/store/sqlite/store.ts': { own: 'names in the data directory' },
  'src/store/moving.ts': { own: 'names of our tables' },
  'src/store/postgres/client.ts': { own: 'our own statements' },
  'src/store/postgres/store.ts': { own: 'our own statements' },
  'src/store/postgres/problems.ts': { own: 'what the database server says' },
  'src/store/postgres/dialect.ts': { peer: 'skills and search terms', run: { wordsOf } },
  'src/store/postgres/text.ts': { peer: 'texts and ids of requests', run: { keyHere, keyThere, storableOf } },
  'src/store/sqlite/dialect.ts': { peer: 'search terms' },
  'src/store/log.ts': { peer: 'message ids', run: { parseMsgId: text => parseMsgId(text, text) } },
  // The engine's normalize() costs the square where combining marks stand in a row: the wire bounds this text to 200 characters.
  'src/store/people.ts': { peer: 'search terms', run: { normalize: text => text.slice(0, 200).normalize('NFC') } },
  'web/kit/amount.ts': { own: 'amounts, as a person types them' },
  'web/kit/markdown.tsx': { peer: 'messages, and where their links lead' },
  'web/kit/markdown-tokens.ts': { peer: 'messages', run: { tokensOf, partsOf } },
  'web/kit/visible-text.tsx': { peer: 'names, and whatever is shown in one line' },
  'web/pages/agents/between.tsx': { peer: 'tasks of deals' },
  'web/pages/anything/': { own: 'what a person types, and the protocol table' },
  'web/pages/chat/': { own: 'what a person types' },
  'web/pages/deals/overview.tsx': { peer: 'tasks of deals' },
  'web/pages/deals/propose.tsx': { own: 'what a person types' },
  'web/pages/settings/': { own: 'digits that a person types' },
  'web/shell/': { own: 'what a person types, and where the page is' },
  'web/state/carrying.ts': { own: 'names of files that a person brings' },
  'web/state/channels.ts': { own: 'ids that the page keeps' },
  'web/state/keep.ts': { own: 'what the page keeps' },
  'web/state/link-host.ts': { own: 'digits that a person types' },
  'web/state/metrics.ts': { peer: 'metrics, as a relay tells them' },
  'web/state/session.ts': { own: 'where the page is' },
  'web/state/vault.ts': { own: 'names of keys' },
  'web/text/': { own: 'our own texts' },
  'web/vite.config.ts': { own: 'names of our files' },
}
