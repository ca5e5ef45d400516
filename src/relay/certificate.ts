// What is to be said of a TLS certificate before its clients say it.
import { X509Certificate } from 'node:crypto'

const soonMs = 14 * 24 * 60 * 60_000

/** Why clients will refuse the certificate (PEM) now or soon; undefined: nothing is wrong with its dates. */
export const certificateProblem = (pem: string | Buffer, now: number): string | undefined => {
  const { validFrom, validTo, subject } = new X509Certificate(pem)
  const name = `the TLS certificate of ${subject?.replaceAll('\n', ', ') || 'no name'}`
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  if (now < from) return `${name} is not valid before ${new Date(from).toISOString()}`
  if (now > to) return `${name} expired on ${new Date(to).toISOString()}: clients refuse it`
  return to - now < soonMs ? `${name} expires on ${new Date(to).toISOString()}` : undefined
}
