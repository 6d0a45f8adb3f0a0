// All files of test vectors, as text, by name: for scripts/vectors.ts and for the test that compares.

import { keyVectors } from './keys.ts'
import { localVectors } from './local.ts'
import { messageVectors } from './messages.ts'
import { toHex } from './octets.ts'
import { pairingVectors } from './pairing.ts'
import { remoteVectors } from './remote.ts'

const source = 'Written by `npm run vectors` from packages/protocol and packages/eap; test/interop/python verifies it.'

/** The text of each file in docs/vectors, by its name. The same on every run: there is no clock and no chance in it. */
export function vectorFiles(): Map<string, string> {
  return new Map([
    file('keys.json', 'Identities, keys and RAND_Server: docs/protocol.md sections 2 and 5.', keyVectors()),
    file(
      'messages.json',
      'Each message as fields and body, and bodies and lengths that must be refused: sections 3 and 4.',
      messageVectors(),
    ),
    file('local.json', 'Whole flows of the local case: section 1.1.', localVectors()),
    file('remote.json', 'Whole flows of the remote case: sections 1.2 and 1.3.', remoteVectors()),
    file('pairing.json', 'A whole pairing, and pairing URIs: section 4.3.', pairingVectors()),
  ])
}

function file(name: string, description: string, vectors: object): [string, string] {
  return [name, `${JSON.stringify(toHex({ description, source, ...vectors }), null, 2)}\n`]
}
