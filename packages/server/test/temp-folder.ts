// A folder that is gone after the test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function temporaryFolder(t: { after(act: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-server-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
