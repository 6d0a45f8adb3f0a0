// EAP-GPSK with fixed random values, for the flows of the remote case: the peer and the server of packages/eap.

import { GpskPeer, parseGpsk1, parseGpsk2, type Step, verifyGpsk2, writeGpsk1, writeGpsk3 } from '@opencpns/eap'
import * as protocol from '@opencpns/protocol'
import { ramp } from './octets.ts'
import { server, watch } from './parties.ts'

const ISSUED_AT = 1_800_000_000

/** The four packets of one authentication of the watch through `gateway`, and the keys of it. */
export function gpskConversation(gateway: string, csuite: number) {
  const psk = protocol.deriveGpskPsk(watch.euKey)
  const randPeer = ramp(0x40)
  const randServer = protocol.makeRandServer({ key: server.challengeKey, gateway }, ISSUED_AT, ramp(0xb0, 12))
  const peer = new GpskPeer({ idPeer: watch.identity, psk, csuites: [csuite], random: () => randPeer })

  const gpsk1 = writeGpsk1({ identifier: 1, idServer: Buffer.from(server.identity), randServer, csuiteList: [2, 1] })
  const gpsk2 = packetOf(peer.receive(gpsk1, 0))
  const answer = parseGpsk2(gpsk2)
  const keys = verifyGpsk2(answer, psk, parseGpsk1(gpsk1))
  const gpsk3 = writeGpsk3(answer, keys)
  const gpsk4 = packetOf(peer.receive(gpsk3, 0))
  const transientKey = protocol.deriveTransientKey({ msk: keys.msk, gateway })
  return {
    packets: { gpsk1, gpsk2, gpsk3, gpsk4 },
    given: { idServer: server.identity, challengeKey: server.challengeKey, randPeer, randServer, csuite },
    derived: {
      gpskPsk: psk,
      sk: keys.sk,
      msk: keys.msk,
      transientKey,
      transientKeyId: protocol.transientKeyId(transientKey),
    },
  }
}

function packetOf(step: Step): Buffer {
  if (step.do !== 'send') throw new TypeError(`the peer wants to ${step.do}, not to send`)
  return step.packet
}
