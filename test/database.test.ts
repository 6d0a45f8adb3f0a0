// The database that tests and benches start for themselves.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

const MODULE = JSON.stringify(new URL('support/postgres.ts', import.meta.url))

const endings = {
  'has nothing left to do': 'await postgres.stop(); process.exitCode = 3',
  'ends at once': 'process.exit(3)',
}

for (const [name, ending] of Object.entries(endings)) {
  test(`a program that ${name} after it has used the database ends with its own exit code, and nothing stays`, () => {
    const script = `import { startPostgres } from ${MODULE}
      const postgres = await startPostgres(); console.log(postgres.data); ${ending}`
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script])
    assert.equal(status, 3, `${stderr}`)
    assert.equal(existsSync(`${stdout}`.trim()), false)
  })
}
