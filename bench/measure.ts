// npm run -s measure -- [--quick]
// Measures what a server pays for each thing that devices and gateways do, on SQLite and on PostgreSQL, and writes it with the
// machine and the date to docs/measured.json, from which docs/scaling.md is calculated (npm run docs).

import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Cost, type Counts, measure } from './costs/costs.ts'
import { Subject } from './costs/subject.ts'

const FULL: Counts = { devices: 5000, authentications: 20_000, links: 2000, messages: 64_000, revocations: 20 }
const QUICK: Counts = { devices: 1000, authentications: 4000, links: 400, messages: 6400, revocations: 10 }

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const counts = values.quick ? QUICK : FULL
const say = (text: string) => process.stderr.write(`${text}\n`)

const sqlite = await measureOn('SQLite')
const postgres = await measureOn('PostgreSQL')

const us = (value: number, how: string): Cost => ({ value: Math.round(value * 10) / 10, unit: 'µs', how })
const PROCESSOR = 'processor time of the server process'
const DATABASE = 'processor time of all processes of PostgreSQL, fsync on'
const costs: Record<string, Cost> = {
  authentication: us(
    sqlite.authentication.server,
    `${PROCESSOR}, ${counts.authentications} of ${counts.devices} devices, 64 at once, over one link, SQLite`,
  ),
  authenticationOnPostgres: us(
    postgres.authentication.server,
    'the same with PostgreSQL, the devices known to the server',
  ),
  authenticationInDatabase: us(postgres.authentication.database, `${DATABASE}: its event`),
  assignment: us(sqlite.assignment.server, `${PROCESSOR}, key assigned and confirmed, 64 at once, SQLite`),
  assignmentOnPostgres: us(postgres.assignment.server, 'the same with PostgreSQL'),
  assignmentInDatabase: us(postgres.assignment.database, DATABASE),
  report: us(sqlite.report.server, `${PROCESSOR}, a presence that begins or ends, in requests of 64, SQLite`),
  reportOnPostgres: us(postgres.report.server, 'the same with PostgreSQL'),
  reportInDatabase: us(postgres.report.database, DATABASE),
  ping: us(sqlite.ping, `${PROCESSOR}, a Ping and its Pong, 64 at a time`),
  handshake: us(sqlite.handshake, `${PROCESSOR}, a link made by a gateway, 16 at once`),
  notice: us(
    sqlite.notice,
    `${PROCESSOR}, for each of ${counts.links} links that hears of a revocation, the revocation itself included`,
  ),
  revocationRead: us(
    sqlite.read,
    `${PROCESSOR}, a request for the revocation log of ${counts.revocations} lines, 64 at once`,
  ),
  linkMemory: {
    value: Math.round(sqlite.linkKib * 10) / 10,
    unit: 'KiB',
    how: `resident memory of the server for an idle link, of ${counts.links}`,
  },
  storeOctets: {
    value: Math.round(sqlite.storeOctets),
    unit: 'octets',
    how: `SQLite file for a device with a name, of ${counts.devices}, its events included`,
  },
  storeOctetsOnPostgres: {
    value: Math.round(postgres.storeOctets),
    unit: 'octets',
    how: 'PostgreSQL database, likewise, without its write-ahead log',
  },
  wireOctets: {
    value: Math.round(sqlite.octets),
    unit: 'octets',
    how: 'between gateway and server for an authentication, both ways, TLS included, TCP and IP not',
  },
}
const machine = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'of unknown kind'}`
const document = {
  machine,
  date: new Date().toISOString().slice(0, 10),
  node: process.versions.node,
  quick: values.quick ?? false,
  costs,
}
writeFileSync(new URL('../docs/measured.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`)
for (const [name, { value, unit }] of Object.entries(costs)) process.stdout.write(`${name}: ${value} ${unit}\n`)

async function measureOn(store: 'SQLite' | 'PostgreSQL') {
  say(store)
  const subject = await Subject.open(store)
  try {
    return await measure(subject, counts, say)
  } finally {
    await subject.close()
  }
}
