// A revocation reaches everything: every session of the PNE at every gateway ends, 95 % of them within a second. How long it takes
// is told; what fails is only what no busy machine explains, for a gateway that had not been told would ask again much later.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import type { Gateway } from '@opencpns/gateway'
import { type Closed, connect } from '@opencpns/pne'
import { Stage } from '../support/stage.ts'

const GATEWAYS = 5
const PNES = 20
const WITHIN_MS = 10_000
const SHARE = 0.95

test(`${PNES} PNEs with presence and a service at each of ${GATEWAYS} gateways are revoked, one after another`, {
  timeout: 200_000,
}, async (t) => {
  const echo = createServer((socket) => void socket.on('error', () => socket.destroy()).pipe(socket))
  await once(echo.listen(0, '127.0.0.1'), 'listening')
  const services = { echo: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port } }
  const stage = await Stage.open({ services })
  t.after(async () => {
    await stage.close()
    echo.close()
  })
  const gateways: Gateway[] = []
  for (let i = 0; i < GATEWAYS; i++) gateways.push(await stage.gateway(`gw-${i}`))
  const pnes = []
  for (let i = 0; i < PNES; i++) pnes.push(await stage.pair(`pne-${i}`, `gw-${i % GATEWAYS}`))

  const ended: { afterMs: number; reason: Closed; service: boolean }[] = []
  const endings: Promise<unknown>[] = []
  const revokedAt = new Map<string, number>()
  for (const credential of pnes) {
    for (const { address } of gateways) {
      for (const service of [undefined, 'echo']) {
        const session = await connect({ ...address, credential, service })
        session.stream.resume()
        const noted = session.closed.then((reason) => {
          ended.push({
            afterMs: performance.now() - (revokedAt.get(credential.pneId) ?? Number.NaN),
            reason,
            service: service !== undefined,
          })
        })
        endings.push(noted)
      }
    }
  }
  assert.equal(endings.length, PNES * GATEWAYS * 2)

  for (const pne of pnes) {
    revokedAt.set(pne.pneId, performance.now())
    await stage.revoke(pne)
  }
  await Promise.all(endings)
  const times = ended.map(({ afterMs }) => afterMs).sort((a, b) => a - b)
  const slow = times[Math.ceil(times.length * SHARE) - 1] ?? Number.NaN
  t.diagnostic(
    `median ${Math.round(times[times.length / 2] ?? 0)} ms, 95 % within ${Math.round(slow)} ms of the request`,
  )
  assert.ok(slow < WITHIN_MS, `95 % took ${slow} ms`)
  const reasons = new Set(ended.filter(({ service }) => !service).map(({ reason }) => reason))
  assert.deepEqual([...reasons], ['revoked'], 'presence hears why')

  const refused = pnes.map((credential) => connect({ ...(gateways[0]?.address ?? assert.fail()), credential }))
  for (const attempt of await Promise.allSettled(refused)) assert.equal(attempt.status, 'rejected')
})
