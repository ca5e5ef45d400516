// Public surface of agentchat/node: what a program on Node needs beside the client.
export { createVerify, createVerifyAsync, nodeIdentity, type VerifyAsync, type VerifyOptions } from './crypto.ts'
export {
  identityFileWarning,
  identityOf,
  identityPath,
  loadIdentityFile,
  newIdentityFile,
  revocationOf,
  rotated,
  rotationProblem,
  saveIdentityFile,
  type IdentityFile,
} from './identity-file.ts'
export { getFile, putFile, type FileRef, type FileTransferOptions, type FoundFile } from './files.ts'
export { KnownRelays, knownRelaysPath } from './known-relays.ts'
export { onNode } from './on-node.ts'
export { PositionsFile, type PositionsFileOptions } from './positions-file.ts'
export { wsTransport, wsTransportWith, type WsTransportOptions } from './transport.ts'
