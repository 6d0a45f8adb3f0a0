// What a server pays for each thing that devices and gateways do: processor time, memory, disk, octets on the wire. Taken with many
// under way at once, as a busy server has them; the processor time is the operating system's account of the process.

import { randomBytes } from 'node:crypto'
import { connect as open, type Socket } from 'node:net'
import { type GatewayCredential, openUpstream, type ServerLink } from '@opencpns/gateway'
import { type Address, listenTcp } from '@opencpns/io'
import { answerTo, Credential, eapPeer } from '@opencpns/pne'
import {
  Case,
  encode,
  Ping,
  REGISTRATIONS_MAX,
  RegistrationKind,
  RegistrationReport,
  RegistrationsRequest,
  RegistrationsResponse,
  Result,
  RevocationsRequest,
  RevocationsResponse,
} from '@opencpns/protocol'
import type { Subject } from './subject.ts'

const AT_ONCE = 64

export interface Cost {
  readonly value: number
  readonly unit: string
  readonly how: string
}

export interface Counts {
  readonly devices: number
  readonly authentications: number
  readonly links: number
  readonly messages: number
  readonly revocations: number
}

export async function measure(subject: Subject, counts: Counts, say: (text: string) => void) {
  const { devices: count, authentications, links, messages, revocations } = counts
  const empty = await subject.storeOctets()
  const upstream = openUpstream({ servers: [subject.address], credential: subject.gateway })
  try {
    const devices: Credential[] = []
    const assignment = await subject.cost(() =>
      inParallel(count, async () => void devices.push(await assigned(upstream, subject))),
    )
    const storeOctets = ((await subject.storeOctets()) - empty) / count
    say(`${count} devices`)
    const one = (number: number) => authenticated(upstream, devices[number % devices.length] as Credential)
    await inParallel(authentications / 4, one) // until the code is compiled
    const authentication = await subject.cost(() => inParallel(authentications, one))
    say(`${authentications} authentications`)
    const link = await subject.link()
    const ping = await subject.cost(() => pings(link, messages))
    const report = await subject.cost(() => reports(link, devices, messages))
    say(`${messages} pings and reports`)
    const octets = await wireOctets(subject, devices)
    const crowd = await crowdOf(subject, links)
    say(`${links} links`)
    const victims = devices.slice(0, revocations)
    const notices = await subject.cost(async () => {
      for (const { pneId } of victims) await subject.revoke(pneId)
    })
    const read = await subject.cost(() => reading(link, messages / 10))
    for (const one of crowd.links) one.close()
    return {
      authentication: {
        server: authentication.serverUs / authentications,
        database: authentication.databaseUs / authentications,
      },
      assignment: { server: assignment.serverUs / count, database: assignment.databaseUs / count },
      report: { server: report.serverUs / messages, database: report.databaseUs / messages },
      ping: ping.serverUs / messages,
      notice: notices.serverUs / (revocations * (links + 2)),
      read: read.serverUs / (messages / 10),
      handshake: crowd.handshakeUs,
      linkKib: crowd.linkKib,
      storeOctets,
      octets,
    }
  } finally {
    upstream.close()
  }
}

type Upstream = ReturnType<typeof openUpstream>

async function assigned(upstream: Upstream, { gateway: { identity, realm } }: Subject): Promise<Credential> {
  const secondSeed = randomBytes(32)
  const answer = await upstream.assignKey(secondSeed, 'a device with a name')
  if (answer.result !== Result.success) throw new Error(answer.reason)
  const confirmed = await upstream.confirmKey(secondSeed)
  if (confirmed.result !== Result.success) throw new Error(confirmed.reason)
  const { pneId, euKey } = answer
  return new Credential({ pneId, realm, gateway: identity, secondSeed, euKey })
}

async function authenticated(upstream: Upstream, device: Credential): Promise<void> {
  const peer = eapPeer(device)
  const { secondSeed, realm } = device
  const verdict = await upstream.authenticate({
    ...{ secondSeed, realm, sessionId: randomBytes(16).toString('base64url'), step: () => {} },
    challenge: async (eap) => answerTo(peer, eap),
  })
  if (verdict.result !== Result.success) throw new Error(verdict.reason)
}

/** Pings, each with its Pong; the last one is waited for by way of a request behind it. */
async function pings(link: ServerLink, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    for (let one = 0; one < AT_ONCE; one++) link.tell(encode(Ping, {}))
    await reading(link, 1)
  }
}

async function reading(link: ServerLink, count: number): Promise<void> {
  const ask = () => link.request((id) => encode(RevocationsRequest, { id, since: 0 }), RevocationsResponse)
  await inParallel(count, ask)
}

/** Presences that begin and end, in full requests, one after another as a gateway sends them. */
async function reports(link: ServerLink, devices: readonly Credential[], count: number): Promise<void> {
  for (let first = 1; first <= count; first += REGISTRATIONS_MAX) {
    const reports = Array.from({ length: REGISTRATIONS_MAX }, (_, index) => {
      const number = first + index
      const { secondSeed } = devices[(number >> 1) % devices.length] as Credential
      const sessionId = Buffer.alloc(16)
      sessionId.writeUInt32BE(number >> 1)
      const kind = number % 2 === 0 ? RegistrationKind.began : RegistrationKind.ended
      return encode(RegistrationReport, { kind, sessionId, secondSeed, atMs: Date.now(), case: Case.local })
    })
    const { result } = await link.request(
      (id) => encode(RegistrationsRequest, { id, first, reports }),
      RegistrationsResponse,
    )
    if (result !== Result.success) throw new Error('reports are not counted')
  }
}

/** Octets between gateway and server, both ways, of one authentication, its share of a request for challenges included. */
async function wireOctets(subject: Subject, devices: readonly Credential[]): Promise<number> {
  const counter = await countingProxy(subject.address)
  const upstream = openUpstream({ servers: [counter.address], credential: subject.gateway })
  try {
    const rounds = 640
    await inParallel(AT_ONCE, (number) => authenticated(upstream, devices[number] as Credential))
    const before = counter.octets()
    await inParallel(rounds, (number) => authenticated(upstream, devices[number % devices.length] as Credential))
    return (counter.octets() - before) / rounds
  } finally {
    upstream.close()
    counter.close()
  }
}

async function countingProxy(target: Address): Promise<{ address: Address; octets(): number; close(): void }> {
  const sockets = new Set<Socket>()
  let octets = 0
  const { server, host, port } = await listenTcp(
    (client) => {
      const upstream = open(target)
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(one)
        one.on('data', (chunk) => {
          octets += chunk.length
        })
        one.on('error', () => {}).pipe(other)
      }
    },
    { host: '127.0.0.1', port: 0 },
  )
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { address: { host, port }, octets: () => octets, close }
}

/** Many idle links, each of a gateway of its own. */
async function crowdOf(subject: Subject, count: number) {
  const gateways: GatewayCredential[] = []
  await inParallel(count, async (number) => void gateways.push(await subject.addGateway(`gw-${number}`)))
  const links: ServerLink[] = []
  const add = async (some: number) =>
    inParallel(some, async () => void links.push(await subject.link(gateways.pop())), 16)
  await add(count / 4) // until the heap has grown
  const before = subject.memoryKib
  const { serverUs } = await subject.cost(() => add((count * 3) / 4))
  const more = (count * 3) / 4
  return { links, linkKib: (subject.memoryKib - before) / more, handshakeUs: serverUs / more }
}

async function inParallel(count: number, act: (number: number) => Promise<unknown>, atOnce = AT_ONCE): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
