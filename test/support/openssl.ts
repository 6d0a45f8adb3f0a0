// Certificates as an operator makes them, by the openssl of the machine.

import { execFileSync, spawnSync } from 'node:child_process'

/** Why a test that needs openssl is skipped; false where it is there. */
export const noOpenssl: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl on the path'

/**
 * Writes a certificate that signs itself, and its key.
 * @param names as subjectAltName has them
 */
export function makeCertificate(cert: string, key: string, names = 'DNS:localhost'): void {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
}
