// An operator watches real parties: both halves of an authentication, a pairing by a ticket that the server had made, a stream
// that goes on after the server was away, and one that ends with its token.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { type TestContext, test } from 'node:test'
import { connect, pair, TransientKeys } from '@opencpns/pne'
import { readAdminAccess } from '@opencpns/server'
import { type Stage, Town } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { type Answer, operate, setVisitors } from './operator.ts'

async function openTown(t: TestContext): Promise<Town> {
  const town = await Town.open()
  t.after(() => town.close())
  return town
}

/** What a stream tells, as it comes. */
class Watching {
  readonly #response: IncomingMessage
  #text = ''

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8').on('data', (text) => {
      this.#text += text
    })
    response.on('error', () => {})
  }

  static async begin(t: TestContext, stage: Stage, of: { token?: string; after?: string } = {}): Promise<Watching> {
    const { url, token } = await readAdminAccess(stage.path('server'))
    const headers = { authorization: `Bearer ${of.token ?? token}`, ...(of.after && { 'last-event-id': of.after }) }
    const request = get(`${url}/v1/stream`, { headers, agent: false }).on('error', () => {})
    t.after(() => request.destroy())
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 200)
    return new Watching(response)
  }

  get isOver(): boolean {
    return this.#response.closed
  }

  get lastId(): string | undefined {
    return [...this.#text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1]
  }

  of(event: string): Answer[] {
    const whole = this.#text.slice(0, this.#text.lastIndexOf('\n\n') + 2).split('\n\n')
    const blocks = whole.filter((block) => block.includes(`event: ${event}\n`))
    return blocks.map((block) => JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ''))
  }
}

const stepsOf = ({ steps }: Answer) => steps.map(({ step }: Answer) => step)

test('the local case, the remote case, and the TK that is held: each with its steps', async (t) => {
  const { stage, home, hotel, watch } = await openTown(t)
  const watching = await Watching.begin(t, stage)
  const transientKeys = new TransientKeys()
  for (const gateway of [home, hotel, hotel]) {
    await (await connect({ ...gateway.address, credential: watch, transientKeys })).close()
  }
  const whole = () => watching.of('authentication').filter(({ complete }) => complete)
  await until(() => whole().length === 3)
  // One round trip, or a second one while the gateway fetches its first challenges.
  const roundTrips = (one: Answer) => Math.min(one.serverRoundTrips, 1)
  const facts = whole().map((one) => [one.case, one.key, roundTrips(one), stepsOf(one)])
  const expected = [
    ['local', 'EUKey', 0, [1, 2, 7, 8]],
    ['remote', 'transient key', 1, [1, 2, 3, 4, 5, 6, 7, 8]],
    ['remote', 'transient key, held', 0, [1, 2, 7, 8]],
  ]
  assert.deepEqual(new Set(facts.map(String)), new Set(expected.map(String)))
  for (const one of whole()) {
    assert.equal(one.result, 'accepted')
    assert.ok(one.steps.every(({ ms }: Answer) => ms >= 0))
    assert.ok(Math.abs(Date.parse(one.at) - Date.now()) < 60_000)
    assert.deepEqual(await operate(stage, 'GET', `/v1/authentications/${one.id}`), one)
  }
  const { items } = await operate(stage, 'GET', `/v1/authentications?pne=${watch.pneId}`)
  assert.deepEqual(items.map(({ case: which, pneName }: Answer) => [which, pneName]).sort(), [
    ['local', 'watch'],
    ['remote', 'watch'],
  ])
  const sum = (seconds: Answer[], which: string) => seconds.reduce((all, one) => all + one[which].accepted, 0)
  let overview: Answer
  // A second is told when it is over.
  await until(async () => {
    overview = await operate(stage, 'GET', '/v1/overview')
    return sum(overview.rates.perSecond, 'local') + sum(overview.rates.perSecond, 'remote') === 3
  })
  const { rates, steps } = overview
  assert.deepEqual([sum(rates.perSecond, 'local'), sum(rates.perSecond, 'remote')], [1, 2])
  assert.deepEqual(
    steps.map(({ count }: Answer) => count),
    [3, 3, 1, 1, 1, 1, 3, 3],
  )
})

test('a refusal is told with the step at which it stopped, by the server’s word or the gateway’s', async (t) => {
  const { stage, hotel, watch } = await openTown(t)
  const refused = async (reason: string) => {
    await assert.rejects(connect({ ...hotel.address, credential: watch }))
    let found: Answer
    await until(async () => {
      const { items } = await operate(stage, 'GET', '/v1/authentications?result=refused')
      found = items.find((one: Answer) => one.reason === reason && one.complete)
      return found !== undefined
    })
    return [found.case, found.stoppedAt, stepsOf(found), found.pne]
  }
  await setVisitors(stage, 'hotel-gw', false)
  assert.deepEqual(await refused('no-visitors'), [null, 2, [1], null])
  await setVisitors(stage, 'hotel-gw', true)
  await operate(stage, 'PATCH', '/v1/users/alice', { policy: { roaming: 'none' } })
  const byServer = await refused('ROAMING_NOT_ALLOWED')
  assert.deepEqual(byServer, ['remote', 5, [1, 2, 3, 4, 6], watch.pneId])
  const { refusals } = await operate(stage, 'GET', '/v1/overview')
  assert.deepEqual(
    refusals.map(({ reason }: Answer) => reason),
    ['ROAMING_NOT_ALLOWED', 'no-visitors'],
  )
})

test('a ticket that an operator has made pairs a device, and tells so', async (t) => {
  const { stage } = await openTown(t)
  const watching = await Watching.begin(t, stage)
  const before = Date.now()
  const { uri, ticket, expires } = await operate(stage, 'POST', '/v1/gateways/home-gw/tickets', {
    name: 'lamp',
    lifetimeS: 60,
  })
  const madeAt = Date.parse(expires) - 60_000
  assert.ok(madeAt > before - 2000 && madeAt < Date.now() + 2000, 'to the second')
  const path = `/v1/gateways/home-gw/tickets/${ticket}`
  assert.deepEqual(await operate(stage, 'GET', path), { ticket, state: 'open', pne: null })
  const { pneId } = await pair({ uri, credentialFile: stage.path('lamp.json') })
  await until(() => watching.of('change').filter((one) => one.ticket === ticket).length === 2)
  const told = watching.of('change').filter((one) => one.ticket === ticket)
  assert.deepEqual(
    told.map(({ type, pne }) => [type, pne]),
    [
      ['assignment', pneId],
      ['confirmation', pneId],
    ],
  )
  assert.deepEqual(await operate(stage, 'GET', path), { ticket, state: 'used', pne: pneId })
  await assert.rejects(operate(stage, 'GET', `/v1/gateways/hotel-gw/tickets/${ticket}`), /TICKET_UNKNOWN/)
  await assert.rejects(pair({ uri, credentialFile: stage.path('other.json') }), { code: 'TICKET_USED' })
  assert.ok(!JSON.stringify(watching.of('change')).includes(uri), 'the URI goes to whoever asked, and to nobody else')
})

test('a stream goes on where it was, after the server was away', async (t) => {
  const { stage, home, watch } = await openTown(t)
  const before = await Watching.begin(t, stage)
  await (await connect({ ...home.address, credential: watch })).close()
  await until(() => before.lastId !== undefined)
  const address = await stage.stopServer()
  await until(() => before.isOver)
  await (await connect({ ...home.address, credential: watch })).close()
  await stage.startServer(address)
  await until(async () => (await operate(stage, 'GET', '/v1/authentications')).items.length === 2)
  const after = await Watching.begin(t, stage, { after: before.lastId ?? '' })
  await until(() => after.of('authentication').length === 1)
  const [missed] = after.of('authentication')
  assert.ok(missed.id > before.of('authentication')[0].id)
})

test('a stream ends when its token is revoked, and so does the next attempt', async (t) => {
  const { stage } = await openTown(t)
  const { token } = await operate(stage, 'POST', '/v1/tokens', { name: 'dashboard', role: 'viewer' })
  const [watching, other] = [await Watching.begin(t, stage, { token }), await Watching.begin(t, stage)]
  await operate(stage, 'DELETE', '/v1/tokens/dashboard')
  await until(() => watching.isOver)
  assert.equal(other.isOver, false)
  await assert.rejects(Watching.begin(t, stage, { token }), /401/)
})
