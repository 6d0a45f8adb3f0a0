// Credential files in a folder of their own.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { credential } from './gateway.ts'

const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64url')

/** The content of a confirmed credential file. */
export const confirmedFile = {
  type: 'opencpns-pne',
  version: 1,
  gateway: credential.gateway,
  pneId: credential.pneId,
  realm: credential.realm,
  secondSeed: text(credential.secondSeed),
  euKey: text(credential.euKey),
}

/** The content of a file of which the gateway has not said that it activated the key. */
export const unconfirmedFile = {
  ...confirmedFile,
  state: 'unconfirmed',
  ticketId: text(Buffer.alloc(16, 1)),
  deviceNonce: text(Buffer.alloc(32, 3)),
}

/** A folder that is gone after the test. */
export async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'opencpns-pne-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

/** A credential file with this content, mode 0600 unless told. */
export async function credentialFile(t: TestContext, content: unknown = unconfirmedFile, mode = 0o600) {
  const path = join(await folder(t), 'pne.json')
  const octets = typeof content === 'string' ? content : JSON.stringify(content)
  await writeFile(path, octets, { mode })
  const { ino, mtimeMs } = await stat(path)
  return {
    path,
    /** The same octets in the same file, not written since. */
    async assertUntouched(): Promise<void> {
      assert.equal(await readFile(path, 'utf8'), octets)
      const now = await stat(path)
      assert.deepEqual([now.ino, now.mtimeMs], [ino, mtimeMs])
    },
  }
}
