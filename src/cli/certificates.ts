// Files of certificates that the user trusts.
import { X509Certificate } from 'node:crypto'
import { readTextFile } from '../../lib/node/text-file.ts'
import { CliError } from './exit.ts'

/** @throws CliError that names the file */
export const readCertificates = (file: string): string => {
  let text: string
  try {
    text = readTextFile(file)
  } catch (error) {
    throw new CliError('notFound', `Cannot read the certificates in ${file}: ${(error as Error).message}`,
      'Name another with --ca, or keep it in the context: agentchat context add NAME URL --ca FILE', error)
  }
  try {
    const blocks = text.split('-----BEGIN CERTIFICATE-----').slice(1)
    if (blocks.length === 0) throw new Error('there is none')
    for (const block of blocks) new X509Certificate(`-----BEGIN CERTIFICATE-----${block}`)
    return text
  } catch (error) {
    throw new CliError('usage', `${file} holds no certificate in PEM: ${(error as Error).message}`,
      'It begins with -----BEGIN CERTIFICATE-----; a key, or a certificate in another form, is none.', error)
  }
}
