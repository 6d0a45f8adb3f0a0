// Reports of authentications for the server: exact in what they count, bounded in what they tell.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Trace } from '@opencpns/io'
import {
  AuthenticationReport,
  AuthenticationsReport,
  Case,
  decode,
  KeyUsed,
  REPORT_MAX_OCTETS,
  Result,
} from '@opencpns/protocol'
import type { AuthenticationFacts } from '../src/authenticate.ts'
import { Reporting } from '../src/reporting.ts'
import { startGateway, until } from './support/harness.ts'

function facts(of: Partial<AuthenticationFacts> = {}): AuthenticationFacts {
  return { trace: new Trace(), sessionId: randomBytes(16).toString('base64url'), serverRoundTrips: 0, ...of }
}

/** A Reporting whose time the test makes pass, and what it has sent. `link.up`: whether a link takes reports. */
function reporting(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const link = { up: true }
  const reports: AuthenticationsReport[] = []
  const send = (body: Uint8Array) => {
    if (link.up) reports.push(decode(body, AuthenticationsReport))
    return link.up
  }
  const pass = (ms: number) => {
    now += ms
    t.mock.timers.tick(ms)
  }
  return { it: new Reporting({ send, now: () => now }), reports, link, pass }
}

const told = ({ reports }: AuthenticationsReport) => reports.map((body) => decode(body, AuthenticationReport))
const countsOf = ({ type: _, reports: __, spanMs: ___, ...counts }: AuthenticationsReport) => counts
const none = { localAccepted: 0, localRefused: 0, remoteAccepted: 0, remoteRefused: 0, undecided: 0, untold: 0 }

test('each authentication is counted once, by case and result', (t) => {
  const { it, reports, pass } = reporting(t)
  it.note(facts({ case: 'local' }), Result.success)
  it.note(facts({ case: 'local' }), Result.authenticationFailed, 'tls-refused')
  for (let i = 0; i < 3; i++) it.note(facts({ case: 'remote' }), Result.success)
  it.note(facts({ case: 'remote' }), Result.serverUnreachable, 'server-silent')
  it.note(facts(), Result.busy, 'overloaded')
  pass(250)
  const [report] = reports
  assert.ok(report)
  const counts = { localAccepted: 1, localRefused: 1, remoteAccepted: 3, remoteRefused: 1, undecided: 1, untold: 0 }
  assert.deepEqual(countsOf(report), counts)
  assert.equal(report.spanMs, 250)
  assert.equal(told(report).length, 7)
})

test('there is at most one report in 250 ms, and none when there is nothing to tell', (t) => {
  const { it, reports, pass } = reporting(t)
  pass(10_000)
  assert.equal(reports.length, 0)
  for (let ms = 0; ms < 1000; ms += 10) {
    it.note(facts({ case: 'local' }), Result.success)
    pass(10)
  }
  assert.equal(reports.length, 4)
  pass(10_000)
  assert.equal(reports.length, 4)
  assert.equal(
    reports.reduce((sum, { localAccepted }) => sum + localAccepted, 0),
    100,
  )
})

test('of very many it tells 32 one by one, keeps room for refusals, and says how many it does not tell', (t) => {
  const { it, reports, pass } = reporting(t)
  for (let i = 0; i < 5000; i++) it.note(facts({ case: 'local' }), Result.success)
  for (let i = 0; i < 20; i++) it.note(facts({ case: 'remote' }), Result.authenticationFailed, 'server-refused')
  pass(250)
  const [report] = reports
  assert.ok(report)
  const results = told(report).map(({ result }) => result)
  assert.equal(results.length, 32)
  assert.equal(results.filter((result) => result === Result.success).length, 24)
  assert.deepEqual(countsOf(report), { ...none, localAccepted: 5000, remoteRefused: 20, untold: 4988 })
})

test('what happens while no link takes reports is counted, and told by the first report after', (t) => {
  const { it, reports, link, pass } = reporting(t)
  link.up = false
  for (let i = 0; i < 100; i++) {
    it.note(facts({ case: 'local' }), Result.success)
    pass(250)
  }
  assert.equal(reports.length, 0)
  link.up = true
  pass(1000)
  assert.deepEqual(countsOf(reports[0] as AuthenticationsReport), { ...none, localAccepted: 100, untold: 76 })
  assert.ok((reports[0]?.spanMs ?? 0) >= 25_000)
  it.note(facts({ case: 'local' }), Result.success)
  pass(250)
  assert.deepEqual(countsOf(reports[1] as AuthenticationsReport), { ...none, localAccepted: 1 })
})

test('closing sends what there is, once, and nothing after', (t) => {
  const { it, reports, pass } = reporting(t)
  it.note(facts({ case: 'local' }), Result.success)
  it.close()
  it.note(facts({ case: 'local' }), Result.success)
  it.close()
  pass(5000)
  assert.equal(reports.length, 1)
})

test('what is told of one: its session, key, round trips, reason, and when each step was reached', (t) => {
  const { it, reports, pass } = reporting(t)
  const trace = new Trace()
  const at = 1_764_000_000_000.25
  const steps = [1, 2, 3, 4, 5, 6, 7, 8].map((step) => ({
    step,
    from: 'PNE',
    to: 'PN GW',
    message: '',
    at: at + step - 1,
  }))
  Object.assign(trace.steps, steps)
  const session = randomBytes(16)
  const of = { trace, sessionId: session.toString('base64url'), case: 'remote', serverRoundTrips: 2 } as const
  it.note(facts({ ...of, keyUsed: 'transientKey', pneId: 'pne-1' }), Result.success)
  it.note(facts({ serverRoundTrips: 1e9 }), Result.busy, 'sessions-full')
  pass(250)
  const [first, second] = told(reports[0] as AuthenticationsReport)
  assert.deepEqual(
    { ...first, sessionId: Buffer.from(first?.sessionId ?? []).toString('hex') },
    {
      type: 'AuthenticationReport',
      sessionId: session.toString('hex'),
      result: Result.success,
      atUs: 1_764_000_000_000_250,
      serverRoundTrips: 2,
      case: Case.remote,
      keyUsed: KeyUsed.transientKey,
      pneId: 'pne-1',
      step2Us: 1000,
      step3Us: 2000,
      step6Us: 5000,
      step7Us: 6000,
      step8Us: 7000,
    },
  )
  assert.deepEqual([second?.reason, second?.serverRoundTrips, second?.case], ['sessions-full', 255, undefined])
})

test('the longest that can be told fits', (t) => {
  const { it, reports, pass } = reporting(t)
  const trace = new Trace()
  const steps = [1, 2, 3, 6, 7, 8].map((step) => ({
    step,
    from: 'PNE',
    to: 'PN GW',
    message: '',
    at: 1e12 + step * 1e9,
  }))
  Object.assign(trace.steps, steps)
  const of = {
    trace,
    case: 'remote',
    keyUsed: 'heldTransientKey',
    pneId: 'é'.repeat(32),
    serverRoundTrips: 255,
  } as const
  it.note(facts(of), Result.serviceUnavailable, 'x'.repeat(64))
  pass(250)
  const length = reports[0]?.reports[0]?.length ?? Number.POSITIVE_INFINITY
  assert.ok(length <= REPORT_MAX_OCTETS, `${length} octets`)
})

test('a gateway reports what it says in its log', async (t) => {
  const bodies: Uint8Array[] = []
  const tell = (body: Uint8Array) => bodies.push(body) > 0
  const gateway = await startGateway(t, { upstream: { tell } })
  const { secondSeed, euKey, pneId } = gateway.paired()
  await (await gateway.pne()).authenticateLocally(euKey, { secondSeed })
  const stranger = await gateway.pne()
  await stranger.request({ secondSeed: randomBytes(32) })
  await until(() => gateway.authentications().length === 2)
  gateway.reporting.flush()
  const reports = bodies.map((body) => decode(body, AuthenticationsReport))
  const all = reports.flatMap(told)
  const sessions = all.map(({ sessionId }) => Buffer.from(sessionId).toString('base64url'))
  assert.deepEqual(
    sessions,
    gateway.authentications().map((line) => line['sessionId']),
  )
  assert.deepEqual(
    all.map(({ result, reason, keyUsed, pneId, case: which }) => [result, reason, keyUsed, pneId, which]),
    [
      [Result.success, undefined, KeyUsed.euKey, pneId, Case.local],
      [Result.serverUnreachable, 'server-unreachable', undefined, undefined, Case.remote],
    ],
  )
  assert.ok((all[0]?.step8Us ?? 0) > (all[0]?.step2Us ?? 0))
})
