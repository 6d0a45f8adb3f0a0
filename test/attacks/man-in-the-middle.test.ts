// Whoever sits between PNE and gateway: changes octets, forges refusals, reflects messages. He gets no session, and no lasting harm.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Address } from '@opencpns/io'
import { connect, type PneError } from '@opencpns/pne'
import { AuthenticationResponse, Case, decode, encode, Result, SessionOffer } from '@opencpns/protocol'
import fc from 'fast-check'
import { framed } from '../support/malformed.ts'
import { type Piece, passOn, Relay, type Tamper } from '../support/relay.ts'
import { scriptedGateway } from '../support/scripted-gateway.ts'
import { Town } from '../support/stage.ts'

let town: Town

before(async () => {
  town = await Town.open()
})

after(() => town.close())

/** For an attempt that only must not succeed: a length that was changed lets either side wait for more. */
const BRIEFLY_MS = 1000

/** One attempt of the honest PNE through a man in the middle; `success`, or the code of its error. */
async function attempt(target: Address, tamper: Tamper, timeoutMs = 20_000): Promise<string> {
  const path = await Relay.to(target, tamper)
  try {
    const session = await connect({ ...path.address, credential: town.watch, timeoutMs })
    await session.close()
    return 'success'
  } catch (error) {
    return (error as PneError).code
  } finally {
    await path.close()
  }
}

/** The frames in the clear of a flow that nobody touched. */
async function framesOf(target: Address): Promise<Piece[]> {
  const frames: Piece[] = []
  const result = await attempt(target, (piece) => {
    if (piece.clear) frames.push(piece)
    return passOn(piece)
  })
  assert.equal(result, 'success')
  return frames
}

/** Changes one octet of one piece: the last, where TLS comes in shorter pieces than it did before. */
function changing(piece: number, at: number, by: number): Tamper {
  return ({ index, octets }) => {
    if (index !== piece) return octets
    const changed = Buffer.from(octets)
    const place = Math.min(at, changed.length - 1)
    changed[place] = (changed[place] ?? 0) ^ by
    return changed
  }
}

/** Runs tasks, some at once. */
async function all<T>(tasks: readonly T[], run: (task: T) => Promise<void>, atOnce = 24): Promise<void> {
  const left = [...tasks]
  const worker = async () => {
    for (let task = left.pop(); task !== undefined; task = left.pop()) await run(task)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

for (const [theCase, where, count] of [
  ['local', 'home', 2],
  ['remote', 'hotel', 4],
] as const) {
  test(`any octet of any frame in the clear of the ${theCase} case, changed, makes the flow fail`, async () => {
    const { address } = town[where]
    const frames = await framesOf(address)
    assert.equal(frames.length, count)
    const places = frames.flatMap(({ index, octets }) => [...octets.keys()].map((at) => ({ index, at })))
    await town.survives(async () => {
      const succeeded: unknown[] = []
      await all(places, async ({ index, at }) => {
        if ((await attempt(address, changing(index, at, 1), BRIEFLY_MS)) === 'success') succeeded.push({ index, at })
      })
      assert.deepEqual(succeeded, [])
    })
  })

  test(`several octets of the ${theCase} case, changed in any way, make the flow fail`, async () => {
    const { address } = town[where]
    const frames = await framesOf(address)
    const change = fc
      .nat(frames.length - 1)
      .chain((index) =>
        fc.tuple(
          fc.constant(index),
          fc.integer({ min: 4, max: (frames[index]?.octets.length ?? 5) - 1 }),
          fc.integer({ min: 1, max: 255 }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(change, { minLength: 1, maxLength: 3, selector: String }), async (changes) => {
        const tampers = changes.map(([index, at, by]) => changing(index, at, by))
        const tamper: Tamper = (piece) => {
          const unchanged = Buffer.from(piece.octets)
          const octets = tampers.reduce((octets, one) => Buffer.from(one({ ...piece, octets }) ?? []), unchanged)
          return octets
        }
        const result = await attempt(address, tamper, BRIEFLY_MS)
        const same = new Set(changes.map(([index, at]) => `${index} ${at}`)).size < changes.length
        if (!same) assert.notEqual(result, 'success')
      }),
      { numRuns: 60 },
    )
  })
}

test('each octet of TLS that is changed ends the session before the PNE takes it for one', async () => {
  const pieces: Piece[] = []
  await attempt(town.home.address, (piece) => {
    pieces.push(piece)
    return passOn(piece)
  })
  const handshake = pieces.filter(({ clear }) => !clear).slice(0, 2)
  const places = handshake.flatMap(({ index, octets }) =>
    [...octets.keys()].filter((at) => at % 37 === 0).map((at) => ({ index, at })),
  )
  await town.survives(async () => {
    await all(places, async ({ index, at }) => {
      assert.notEqual(
        await attempt(town.home.address, changing(index, at, 1), BRIEFLY_MS),
        'success',
        `piece ${index}, octet ${at}`,
      )
    })
  })
})

test('GPSK-3 with one bit changed is refused by the PNE itself, before step 7', async () => {
  const bits = Array.from({ length: 8 }, (_, bit) => 1 << bit)
  await town.survives(async () => {
    for (const bit of bits) {
      let tls = 0
      const tamper: Tamper = ({ from, clear, octets, index }) => {
        if (!clear) tls++
        if (from === 'client' || index !== 3) return octets
        const offer = decode(octets.subarray(4), SessionOffer)
        const eap = Buffer.from(offer.eap ?? [])
        eap[eap.length - 1] = (eap.at(-1) ?? 0) ^ bit
        return framed(encode(SessionOffer, { ...offer, eap }))
      }
      assert.equal(await attempt(town.hotel.address, tamper), 'AUTHENTICATION_FAILED')
      assert.equal(tls, 0)
    }
  })
})

test('a remote flow that is turned into a local one, and the reverse, is refused', async () => {
  const turnedInto =
    (theCase: Case, last: number): Tamper =>
    ({ index, octets, clear }) =>
      clear && index === last
        ? framed(encode(SessionOffer, { ...decode(octets.subarray(4), SessionOffer), case: theCase }))
        : octets
  await town.survives(async () => {
    assert.equal(await attempt(town.home.address, turnedInto(Case.remote, 1)), 'AUTHENTICATION_FAILED')
    assert.equal(await attempt(town.hotel.address, turnedInto(Case.local, 3)), 'AUTHENTICATION_FAILED')
  })
})

test("the PNE's own messages, reflected to it, are no answer: in the clear and in TLS", async (t) => {
  const mirror = await scriptedGateway(t, async (pne) => {
    for (;;) await pne.send(await pne.receive({ timeoutMs: 20_000 }))
  })
  await town.survives(async () => {
    const reflected = connect({ ...mirror.address, credential: town.watch })
    await assert.rejects(reflected, { code: 'PROTOCOL_VIOLATION' })
    const path = await Relay.to(town.home.address)
    t.after(() => path.close())
    path.tamper = ({ clear, from, octets, reflect }) => {
      if (clear || from === 'server') return octets
      reflect(octets)
      return undefined
    }
    const inTls = connect({ ...path.address, credential: town.watch, timeoutMs: 20_000 })
    await assert.rejects(inTls, { code: 'AUTHENTICATION_FAILED' })
    await path.close()
  })
})

const hints: Record<string, string> = {
  success: 'PROTOCOL_VIOLATION',
  authenticationFailed: 'AUTHENTICATION_FAILED',
  unsupportedVersion: 'UNSUPPORTED_VERSION',
  malformedMessage: 'PROTOCOL_VIOLATION',
  busy: 'BUSY',
  serverUnreachable: 'SERVER_UNREACHABLE',
  ticketUsed: 'PROTOCOL_VIOLATION',
  ticketExpired: 'PROTOCOL_VIOLATION',
  serviceUnavailable: 'PROTOCOL_VIOLATION',
  notPermitted: 'PROTOCOL_VIOLATION',
  challengeRefused: 'PROTOCOL_VIOLATION',
}

test('each result, forged in the clear at each place, fails that attempt alone: the credential stays octet by octet', async () => {
  const file = town.stage.path('watch.json')
  const credential = await readFile(file)
  await town.survives(async () => {
    for (const [name, result] of Object.entries(Result)) {
      const refusal = framed(encode(AuthenticationResponse, { result }))
      const instead =
        (at: number): Tamper =>
        ({ index, octets }) =>
          index === at ? refusal : octets
      for (const [where, at] of [
        ['home', 1],
        ['hotel', 1],
        ['hotel', 3],
      ] as const) {
        assert.equal(await attempt(town[where].address, instead(at)), hints[name], `${name} in place of frame ${at}`)
        assert.deepEqual(await readFile(file), credential)
        assert.equal(await attempt(town[where].address, passOn), 'success')
      }
    }
  })
})
