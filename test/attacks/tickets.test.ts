// Pairing tickets in the wrong hands, too late, twice, or never made.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { access } from 'node:fs/promises'
import { after, before, mock, test } from 'node:test'
import { connect, type PneError, pair } from '@opencpns/pne'
import { formatPairingUri, parsePairingUri } from '@opencpns/protocol'
import { Relay } from '../support/relay.ts'
import { Town } from '../support/stage.ts'

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

const refusedTicket = { code: 'AUTHENTICATION_FAILED', message: /does not know this ticket/ }

async function devices(): Promise<number> {
  const { items } = await town.stage.admin('/v1/pnes?limit=1000')
  return (items as unknown as unknown[]).length
}

/** Refused, with no credential and no device at the server for it. */
async function refusedToPair(uri: string, file: string, refusal: object): Promise<void> {
  const before = await devices()
  await town.survives(async () => {
    await assert.rejects(pair({ uri, credentialFile: town.stage.path(file) }), refusal)
  })
  assert.equal(await devices(), before)
  await assert.rejects(access(town.stage.path(file)), { code: 'ENOENT' })
}

test('a ticket that was used is refused to another device, and stays good for the device that has it', async () => {
  const uri = await town.stage.ticket('home-gw', 'first')
  const first = await pair({ uri, credentialFile: town.stage.path('first.json') })
  const before = await devices()
  await town.survives(async () => {
    const second = pair({ uri, credentialFile: town.stage.path('second.json') })
    await assert.rejects(second, { code: 'TICKET_USED' })
  })
  assert.equal(await devices(), before)
  await (await connect({ ...town.home.address, credential: first })).close()
})

test('two devices that race for one ticket: one gets it, and the key of the other is worth nothing', async () => {
  for (let round = 0; round < 5; round++) {
    const uri = await town.stage.ticket('home-gw', `race-${round}`)
    const racers = ['a', 'b', 'c'].map((name) =>
      pair({ uri, credentialFile: town.stage.path(`race-${round}-${name}.json`) }),
    )
    const outcomes = await Promise.allSettled(racers)
    const winners = outcomes.filter(({ status }) => status === 'fulfilled')
    assert.ok(winners.length <= 1, `${winners.length} devices have the ticket`)
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled')
        await (await connect({ ...town.home.address, credential: outcome.value })).close()
      else assert.match((outcome.reason as PneError).code, /^(TICKET_USED|AUTHENTICATION_FAILED)$/)
    }
  }
  await town.survives(async () => {})
})

test('an expired ticket is refused by the device, and by the gateway to a device without a clock', async (t) => {
  const uri = await town.stage.ticket('home-gw', 'late')
  const inElevenMinutes = Date.now() + 660_000
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['Date'], now: inElevenMinutes })
  const file = town.stage.path('late.json')
  await assert.rejects(pair({ uri, credentialFile: file }), { code: 'TICKET_EXPIRED' })
  await assert.rejects(access(file), { code: 'ENOENT' })
  const timeless = formatPairingUri({ ...parsePairingUri(uri), expiresAtS: Math.floor(inElevenMinutes / 1000) + 600 })
  await assert.rejects(pair({ uri: timeless, credentialFile: file }), { code: 'TICKET_EXPIRED' })
  mock.timers.reset()
  await town.survives(async () => {})
})

test('a ticket with a wrong secret is refused, and the right one still serves', async () => {
  const uri = await town.stage.ticket('home-gw', 'guessed')
  const guess = formatPairingUri({ ...parsePairingUri(uri), secret: randomBytes(16) })
  await refusedToPair(guess, 'guessed.json', refusedTicket)
  const paired = await pair({ uri, credentialFile: town.stage.path('guessed.json') })
  await (await connect({ ...town.hotel.address, credential: paired })).close()
})

test('a ticket that nobody made is refused in the same words as one with a wrong secret', async () => {
  const uri = await town.stage.ticket('home-gw', 'known')
  const invented = formatPairingUri({ ...parsePairingUri(uri), ticketId: randomBytes(16) })
  await refusedToPair(invented, 'invented.json', refusedTicket)
})

test('a ticket of one gateway is refused at another', async () => {
  const ticket = parsePairingUri(await town.stage.ticket('home-gw', 'astray'))
  const { host, port } = town.hotel.address
  const astray = formatPairingUri({ ...ticket, addresses: [`${host}:${port}`] })
  await refusedToPair(astray, 'astray.json', refusedTicket)
  const renamed = formatPairingUri({ ...ticket, addresses: [`${host}:${port}`], gateway: town.hotel.identity })
  await refusedToPair(renamed, 'renamed.json', refusedTicket)
})

test('a man in the middle of a pairing, who has seen everything but the ticket, gets no key', async (t) => {
  const seen: Buffer[] = []
  const path = await Relay.to(town.home.address, ({ octets }) => {
    seen.push(octets)
    return octets
  })
  t.after(() => path.close())
  const { host, port } = path.address
  const uri = await town.stage.ticket('home-gw', 'watched', `${host}:${port}`)
  const { euKey } = await pair({ uri, credentialFile: town.stage.path('watched.json') })
  const { secret } = parsePairingUri(uri)
  const all = Buffer.concat(seen)
  assert.ok(all.length > 500)
  for (const octets of [euKey, secret]) assert.equal(all.includes(octets), false)
})

test('any octet of the clear part of a pairing, changed, makes it fail, and the ticket stays good', async (t) => {
  const path = await Relay.to(town.home.address)
  t.after(() => path.close())
  const { host, port } = path.address
  const uri = await town.stage.ticket('home-gw', 'disturbed', `${host}:${port}`)
  const options = { uri, credentialFile: town.stage.path('disturbed.json'), timeoutMs: 400 }
  const sizes: number[] = []
  path.tamper = ({ clear, octets, cut }) => {
    if (clear) sizes.push(octets.length)
    else cut()
    return octets
  }
  await assert.rejects(pair({ ...options, timeoutMs: 20_000 }), { code: 'AUTHENTICATION_FAILED' })
  assert.equal(sizes.length, 2)
  for (const [frame, size] of sizes.entries()) {
    for (let at = 0; at < size; at++) {
      path.tamper = ({ index, octets }) => {
        if (index !== frame) return octets
        const changed = Buffer.from(octets)
        changed[at] = (changed[at] ?? 0) ^ 1
        return changed
      }
      await assert.rejects(pair(options), `octet ${at} of frame ${frame}`)
    }
  }
  const direct = formatPairingUri({ ...parsePairingUri(uri), addresses: [`${host}:${town.home.address.port}`] })
  const paired = await pair({ ...options, uri: direct, timeoutMs: 20_000 })
  await (await connect({ ...town.home.address, credential: paired })).close()
  await town.survives(async () => {})
})
