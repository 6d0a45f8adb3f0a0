import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError } from '../src/errors.ts'
import { Exit, exitOf } from '../src/exit.ts'

const expected: [code: string, exit: number][] = [
  ['BAD_PAIRING_URI', Exit.usage],
  ['USER_EXISTS', Exit.usage],
  ['AUTHENTICATION_FAILED', Exit.authenticationFailed],
  ['TICKET_EXPIRED', Exit.authenticationFailed],
  ['UNREACHABLE', Exit.unreachable],
  ['DEADLINE_EXCEEDED', Exit.unreachable],
  ['PORT_TAKEN', Exit.unreachable],
  ['CREDENTIAL_TOO_OPEN', Exit.unusable],
  ['DATA_FOLDER_NOT_INITIALISED', Exit.unusable],
  ['MASTER_KEY_WRONG', Exit.unusable],
  ['STORE_CORRUPT', Exit.unusable],
  ['OUT_EXISTS', Exit.unusable],
  ['ERR_SOMETHING_OF_NODE', Exit.internal],
]

for (const [code, exit] of expected) {
  test(`${code} ends with exit code ${exit}`, () => assert.equal(exitOf(new CliError(code, 'x')), exit))
}

test('what has no code is an internal error', () => {
  assert.equal(exitOf(new TypeError('x')), Exit.internal)
  assert.equal(exitOf('x'), Exit.internal)
  assert.equal(exitOf({ code: 'UNREACHABLE' }), Exit.internal)
})
