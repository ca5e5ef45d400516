import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { certificateProblem } from './certificate.ts'

const dayMs = 24 * 60 * 60_000

test('a certificate that is over, not begun or nearly over is told with its name and day', () => {
  const pem = execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=relay'],
    ...['-keyout', '/dev/null'],
  ], { stdio: ['ignore', 'pipe', 'ignore'] })
  const now = Date.now()
  expect(certificateProblem(pem, now)).toBeUndefined()
  expect(certificateProblem(pem, now + 20 * dayMs)).toMatch(/^the TLS certificate of CN=relay expires on \d{4}-/)
  expect(certificateProblem(pem, now + 31 * dayMs)).toMatch(/^the TLS certificate of CN=relay expired on \d{4}-.*: clients refuse it$/)
  expect(certificateProblem(pem, now - dayMs)).toMatch(/is not valid before \d{4}-/)
})
