// Certificates for a test, made by openssl, and which of them a relay shows.
import { execFileSync } from 'node:child_process'
import { get } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Folder } from './folder.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Two PEM files in the folder, self-signed for `name`. */
export const newCertificate = (folder: Folder, name: string): Certificate => {
  const [cert, key] = [folder.at(`${name}.crt`), folder.at(`${name}.key`)]
  execFileSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    key,
    '-out',
    cert,
  ], { stdio: 'ignore' })
  return { cert, key }
}

/** The name on the certificate that the next connection is shown. */
export const nameShown = (url: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    get(`${url.replace(/^ws/, 'http')}/healthz`, { rejectUnauthorized: false, agent: false }, response => {
      resolve((response.socket as TLSSocket).getPeerCertificate().subject.CN)
      response.resume()
    }).on('error', reject)
  })
