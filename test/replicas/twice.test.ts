// Every request of a gateway may be sent again, to the same server or another: the second answer is as good as the first, and what it
// changes is changed once (docs/protocol.md section 4.4). That is what lets a gateway ask another server without knowing what
// became of the first request.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { GpskPeer } from '@opencpns/eap'
import { openServerLink, type ResponseMessage, type ServerLink } from '@opencpns/gateway'
import type { Address } from '@opencpns/io'
import {
  Case,
  ChallengeRequest,
  ChallengeResponse,
  deriveGpskPsk,
  encode,
  ForwardedRequest,
  ForwardedResponse,
  KeyAssignmentRequest,
  KeyAssignmentResponse,
  KeyConfirmationRequest,
  KeyConfirmationResponse,
  KeyRetirementRequest,
  KeyRetirementResponse,
  type MessageOf,
  peerIdentity,
  RegistrationKind,
  RegistrationReport,
  RegistrationsRequest,
  RegistrationsResponse,
  Result,
  RevocationsRequest,
  RevocationsResponse,
} from '@opencpns/protocol'
import { Hub, type ServerPart } from '@opencpns/server'
import { operate, registered } from '../end-to-end/operator.ts'
import { REALM, Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

let stage: Stage
let replica: ServerPart
/** Of one gateway, with either server. */
let links: [ServerLink, ServerLink]

before(async () => {
  const hub = new Hub()
  stage = await Stage.open({ bus: hub.join() })
  const other = await stage.replica(hub.join())
  replica = other
  const { identity, secret } = await stage.register('home-gw')
  const to = (server: Address) =>
    openServerLink({
      server,
      credential: { identity, secret, realm: REALM },
      signal: new AbortController().signal,
      listener,
    })
  links = [await to(stage.server.addresses.cpns), await to(other.cpns)]
})

after(async () => {
  for (const link of links ?? []) link.close()
  await replica?.close({ graceMs: 0 })
  await stage?.close()
})

const listener = {
  onRevocationNotice: () => {},
  onPolicyNotice: () => {},
  onTicketRequest: () => ({ result: Result.busy }),
  onRotationNotice: () => {},
}

/** Sends a request to both servers at once, and then to the first again; gives the one answer that all of them gave. */
async function ask<R extends ResponseMessage>(make: (id: number) => Uint8Array, expected: R): Promise<MessageOf<R>> {
  const both = await Promise.all(links.map((link) => link.request(make, expected)))
  const answers = [...both, await links[0].request(make, expected)] as MessageOf<R>[]
  const [first = assert.fail(), ...others] = answers
  for (const other of others) assert.deepEqual(comparable(other), comparable(first))
  return first
}

/** Octets as text, and no id. */
function comparable({ id: _, ...answer }: { id: number }): unknown {
  const entries = Object.entries(answer).map(([name, value]) => {
    return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]
  })
  return Object.fromEntries(entries)
}

/** Pairs a device, each request at both servers. */
async function paired() {
  const secondSeed = randomBytes(32)
  const assignment = await ask(
    (id) => encode(KeyAssignmentRequest, { id, secondSeed, name: 'watch' }),
    KeyAssignmentResponse,
  )
  const { euKey = assert.fail(), pneId = assert.fail() } = assignment
  const confirmation = await ask((id) => encode(KeyConfirmationRequest, { id, secondSeed }), KeyConfirmationResponse)
  assert.equal(confirmation.result, Result.success)
  return { secondSeed, euKey: Uint8Array.from(euKey), pneId }
}

/** Authenticates at both servers with one answer to one challenge, which came from `issuer`. */
async function authenticate({ secondSeed, euKey }: { secondSeed: Uint8Array; euKey: Uint8Array }, issuer: ServerLink) {
  const issued = await issuer.request((id) => encode(ChallengeRequest, { id, count: 1 }), ChallengeResponse)
  const challenge = Uint8Array.from(issued.challenges?.[0] ?? assert.fail())
  const peer = new GpskPeer({ idPeer: peerIdentity(secondSeed, REALM), psk: deriveGpskPsk(euKey) })
  const step = peer.receive(challenge, Date.now())
  assert.ok(step.do === 'send')
  const fields = { secondSeed, challenge, eap: step.packet }
  return ask((id) => encode(ForwardedRequest, { id, ...fields }), ForwardedResponse)
}

test('assignment and confirmation: one device, one key', async () => {
  const { pneId } = await paired()
  const { items } = await operate(stage, 'GET', '/v1/pnes?limit=1000')
  assert.deepEqual(
    items.map(({ id, state }: Record<string, string>) => [id, state]),
    [[pneId, 'active']],
  )
})

test('authentication: either server finishes what either began, with the same proof and the same TK', async () => {
  const watch = await paired()
  for (const issuer of links) {
    const { result, transientKey, eap, pneId } = await authenticate(watch, issuer)
    assert.deepEqual([result, pneId, transientKey?.length], [Result.success, watch.pneId, 32])
    assert.ok(eap)
  }
})

test('rotation: the further key, its confirmation and the retirement of the old one', async () => {
  const watch = await paired()
  const secondSeed = randomBytes(32)
  const replaces = watch.secondSeed
  const next = await ask((id) => encode(KeyAssignmentRequest, { id, secondSeed, replaces }), KeyAssignmentResponse)
  assert.deepEqual([next.result, next.pneId], [Result.success, watch.pneId])
  const euKey = Uint8Array.from(next.euKey ?? assert.fail())
  await ask((id) => encode(KeyConfirmationRequest, { id, secondSeed }), KeyConfirmationResponse)
  for (const key of [watch, { secondSeed, euKey }]) {
    assert.equal((await authenticate(key, links[1])).result, Result.success, 'both are active')
  }
  const retired = await ask((id) => encode(KeyRetirementRequest, { id, secondSeed: replaces }), KeyRetirementResponse)
  assert.equal(retired.result, Result.success)
  assert.equal((await authenticate(watch, links[0])).result, Result.authenticationFailed)
  assert.equal((await authenticate({ secondSeed, euKey }, links[0])).result, Result.success)
})

test('registrations: each number counts once and in order, whichever link it comes by, and however late a copy is', async () => {
  const { secondSeed, pneId } = await paired()
  const sessions = [randomBytes(16), randomBytes(16), randomBytes(16)]
  const body = (kind: RegistrationKind, at: number) =>
    encode(RegistrationReport, {
      kind,
      sessionId: sessions[at] ?? assert.fail(),
      secondSeed,
      atMs: 1000 + at,
      case: Case.local,
    })
  const { began, ended } = RegistrationKind
  // 1 the first begins, 2 and ends, 3 the second begins, 4 and ends, 5 the third begins
  const reports = [body(began, 0), body(ended, 0), body(began, 1), body(ended, 1), body(began, 2)]
  const send = async (link: ServerLink, first: number, last: number) => {
    const batch = reports.slice(first - 1, last)
    const make = (id: number) => encode(RegistrationsRequest, { id, first, reports: batch })
    const { result, upTo } = await link.request(make, RegistrationsResponse)
    return [result, upTo]
  }
  const [one, other] = links
  assert.deepEqual(await send(one, 2, 3), [Result.malformedMessage, undefined], 'a gap')
  const together = await Promise.all([send(one, 1, 3), send(other, 1, 3), send(other, 1, 2)])
  for (const [result, upTo] of together) assert.deepEqual([result, Number(upTo) >= 2], [Result.success, true])
  assert.deepEqual(await send(other, 3, 5), [Result.success, 5])
  assert.deepEqual(await send(one, 1, 3), [Result.success, 5], 'a copy that was on its way for long')
  assert.deepEqual(await send(one, 4, 4), [Result.success, 5])
  assert.deepEqual(await registered(stage, 'home-gw'), { [pneId]: sessions[2]?.toString('base64url') })
  let logged: string[] = []
  const expected = ['began', 'began', 'began', 'ended', 'ended']
  // Each server writes its lines a moment after its answer: one more than expected would be found when all are there.
  await until(async () => {
    const { items } = await operate(stage, 'GET', '/v1/events?type=registration&limit=100')
    logged = items.map(({ result }: Record<string, string>) => result).sort()
    return logged.length >= expected.length
  })
  assert.deepEqual(logged, expected)
})

test('the revocation log is the same at both', async () => {
  const { pneId, secondSeed } = await paired()
  await stage.revoke({ pneId })
  const { tags, upTo } = await ask((id) => encode(RevocationsRequest, { id, since: 0 }), RevocationsResponse)
  assert.deepEqual([tags?.length, upTo], [1, 1])
  const again = await ask((id) => encode(KeyAssignmentRequest, { id, secondSeed }), KeyAssignmentResponse)
  assert.equal(again.result, Result.notPermitted)
})
