// PNEs that must not get in: with a wrong EUKey, unknown, revoked. Each is refused in the same words, and nothing else happens.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import type { Gateway } from '@opencpns/gateway'
import { Credential, connect, type PneError, readCredential, TransientKeys } from '@opencpns/pne'
import { Relay } from '../support/relay.ts'
import { Town } from '../support/stage.ts'
import { until } from '../support/until.ts'

const echo = createServer((socket) => void socket.on('error', () => socket.destroy()).pipe(socket))
let town: Town

before(async () => {
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  town = await Town.open({ services: { echo: { host: '127.0.0.1', port } } })
})

after(async () => {
  await town.close()
  echo.close()
})

const withWrongKey = ({ pneId, realm, gateway, secondSeed }: Credential) =>
  new Credential({ pneId, realm, gateway, secondSeed, euKey: randomBytes(32) })

const withUnknownSeed = ({ pneId, realm, gateway, euKey }: Credential) =>
  new Credential({ pneId, realm, gateway, secondSeed: randomBytes(32), euKey })

async function refusal({ address }: Gateway, credential: Credential): Promise<PneError> {
  try {
    const session = await connect({ ...address, credential })
    await session.close()
  } catch (error) {
    return error as PneError
  }
  throw new Error('it was let in')
}

async function revoked(name: string): Promise<Credential> {
  const credential = await town.stage.pair(name, 'home-gw')
  await town.stage.revoke(credential)
  await until(async () => (await connects(town.home, credential)) === false)
  return credential
}

async function connects({ address }: { address: Gateway['address'] }, credential: Credential): Promise<boolean> {
  const session = await connect({ ...address, credential }).catch(() => undefined)
  await session?.close()
  return session !== undefined
}

for (const [what, forge] of [
  ['a wrong EUKey', withWrongKey],
  ['an unknown 2nd seed', withUnknownSeed],
] as const) {
  for (const where of ['home', 'hotel'] as const) {
    test(`${what} is refused at ${where}, and leaves nothing behind`, async () => {
      await town.survives(async () => {
        assert.equal((await refusal(town[where], forge(town.watch))).code, 'AUTHENTICATION_FAILED')
      })
    })
  }
}

for (const where of ['home', 'hotel'] as const) {
  test(`a revoked PNE is refused at ${where}, for ever`, async () => {
    const credential = await revoked(`revoked-at-${where}`)
    await town.survives(async () => {
      for (let n = 0; n < 3; n++) {
        assert.equal((await refusal(town[where], credential)).code, 'AUTHENTICATION_FAILED')
      }
    })
  })

  test(`a revocation ends an open presence at ${where}, and says so`, async () => {
    await town.survives(async () => {
      const credential = await town.stage.pair(`present-at-${where}`, 'home-gw')
      const session = await connect({ ...town[where].address, credential })
      await town.stage.revoke(credential)
      assert.equal(await session.closed, 'revoked')
    })
  })

  test(`a revocation cuts off an open service stream at ${where}`, async () => {
    await town.survives(async () => {
      const credential = await town.stage.pair(`streaming-at-${where}`, 'home-gw')
      const { stream, closed } = await connect({ ...town[where].address, credential, service: 'echo' })
      stream.on('error', () => {}).write('still here')
      await once(stream, 'readable')
      await town.stage.revoke(credential)
      stream.resume()
      assert.equal(await closed, 'lost')
    })
  })
}

test('a revocation makes the TK that PNE and gateway still hold worthless', async () => {
  const credential = await town.stage.pair('regular', 'home-gw')
  const transientKeys = new TransientKeys()
  const options = { ...town.hotel.address, credential, transientKeys }
  await town.survives(async () => {
    await (await connect(options)).close()
    assert.equal(transientKeys.size, 1)
    await town.stage.revoke(credential)
    let outcome: string | undefined
    // Until it hears of the revocation, hotel takes the TK.
    await until(async () => {
      outcome = await connect(options).then(
        (session) => void session.close(),
        (error: PneError) => error.code,
      )
      return outcome !== undefined
    })
    assert.equal(outcome, 'AUTHENTICATION_FAILED')
  })
})

test('every refusal of the remote case says the same, whatever the reason', async () => {
  const refused = [
    withWrongKey(town.watch),
    withUnknownSeed(town.watch),
    await revoked('told-apart'),
    withWrongKey(await revoked('told-apart-too')),
  ]
  const errors = await Promise.all(refused.map((credential) => refusal(town.hotel, credential)))
  const words = errors.map(({ name, code, message }) => ({ name, code, message }))
  for (const said of words) assert.deepEqual(said, words[0])
})

test('a refusal leaves the credential as it is, octet by octet', async () => {
  const file = town.stage.path('watch.json')
  const { secondSeed, euKey } = await readCredential(file)
  await refusal(town.hotel, withWrongKey(town.watch))
  await refusal(town.home, withUnknownSeed(town.watch))
  const now = await readCredential(file)
  assert.deepEqual([now.secondSeed, now.euKey, now.confirmed], [secondSeed, euKey, true])
})

test('a gateway that is cut off from the server serves a revoked PNE until it hears of it, and never again then', async (t) => {
  const line = await Relay.to(town.stage.server.addresses.cpns)
  t.after(() => line.close())
  const cabin = await town.stage.gateway('cabin-gw', { servers: [line.address] })
  await until(() =>
    town.stage.lines.some(({ event, gateway }) => event === 'server-connected' && gateway === cabin.identity),
  )
  const credential = await town.stage.pair('cabin-key', 'cabin-gw')
  line.cut()
  await town.stage.revoke(credential)
  const session = await connect({ ...cabin.address, credential })
  assert.equal(session.facts.case, 'local')

  line.mend()
  assert.equal(await session.closed, 'revoked')
  assert.equal((await refusal(cabin, credential)).code, 'AUTHENTICATION_FAILED')
  assert.equal(await connects(town.hotel, credential), false)
  assert.equal(await connects(cabin, town.watch), true, 'others are served there')
  line.cut()
  assert.equal((await refusal(cabin, credential)).code, 'SERVER_UNREACHABLE', 'it is unknown there, for good')
})
