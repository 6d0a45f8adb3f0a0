// docs/scaling.md as pure text: how many machines a network of a given size needs, what gives out first, and what to do then. The
// costs are measured (docs/measured.json), the habits of devices are assumed, the rest is arithmetic.

import { readFileSync } from 'node:fs'

interface Measured {
  readonly machine: string
  readonly date: string
  readonly node: string
  readonly costs: Readonly<Record<string, { readonly value: number; readonly unit: string; readonly how: string }>>
}

const SIZES = [1e4, 1e7, 1e9]
const DAY_S = 86_400
const YEAR_S = 365 * DAY_S

/** What devices, people and gateways do. Assumed: put in your own. */
const habits = {
  devicesPerGateway: { value: 10, says: 'devices of a gateway' },
  linksPerGateway: { value: 3, says: 'servers that a gateway keeps links to, where there are several' },
  remotePerDay: { value: 4, says: 'remote authentications of a device a day; the local case costs the server nothing' },
  presencesPerDay: { value: 10, says: 'presences of a device a day: each begins and ends, and is reported' },
  newPerYear: { value: 1 / 3, says: 'new devices a year, as a share of all' },
  revokedPerYear: { value: 1 / 20, says: 'devices revoked a year, as a share of all' },
  peak: { value: 3, says: 'how much more there is in the busiest hour than on average' },
  stormS: { value: 60, says: 'seconds in which every gateway has its first link again, after all servers were away' },
} as const

/** A machine, and how much of it is to be used: what is left is for the machine that fails. */
const machine = { cores: 16, memoryGib: 64, diskTib: 4, use: 0.5, pingS: 30 } as const

/** A need that grows with the number of devices. */
interface Need {
  readonly name: string
  readonly amount: string
  /** Machines that it fills, at the share of them that is to be used. */
  readonly machines: number
  /** Whose machines: more servers can be added beside each other, a database and a realm cannot. */
  readonly of: 'servers' | 'databases' | 'realms'
  /** What to do when it gives out. */
  readonly remedy: string
}

const REQUESTS = 'processor of the servers: requests and pings'
const REALMS_MAX = 2000
/** Machines of a database: a primary and its standbys. */
const DATABASES = 3

const MORE_SERVERS =
  'add a server: any of them can finish what another began, and gateways find it by its name in the DNS'
const MORE_REALMS =
  'divide the network into realms, each with servers and a database of its own: a user belongs to one, and a gateway too'

/** @param root the folder of the project */
export function generatedScaling(root: URL): string {
  const measured: Measured = JSON.parse(readFileSync(new URL('docs/measured.json', root), 'utf8'))
  const sections = SIZES.map((devices) => section(devices, needsOf(devices, measured)))
  return [HEAD, inputs(measured), assumptions(), ...sections, TAIL].join('\n')
}

function needsOf(devices: number, { costs }: Measured): Need[] {
  const cost = (name: string) => costs[name]?.value ?? Number.NaN
  const many = devices > 1e5
  const gateways = devices / habits.devicesPerGateway.value
  const links = gateways * (many ? habits.linksPerGateway.value : 1)
  const perS = {
    remote: (devices * habits.remotePerDay.value * habits.peak.value) / DAY_S,
    reports: (devices * habits.presencesPerDay.value * 2 * habits.peak.value) / DAY_S,
    assignments: (devices * habits.newPerYear.value * habits.peak.value) / YEAR_S,
    pings: links / machine.pingS,
    storm: gateways / habits.stormS.value,
    revocations: (devices * habits.revokedPerYear.value * habits.peak.value) / YEAR_S,
  }
  const cores = machine.cores * machine.use
  const processor = (rate: number, name: string) => (rate * cost(name)) / 1e6
  const on = many ? 'OnPostgres' : ''
  const busy = [
    processor(perS.remote, many ? 'authenticationOnPostgres' : 'authentication'),
    processor(perS.reports, `report${on}`),
    processor(perS.assignments, `assignment${on}`),
    processor(perS.pings, 'ping'),
  ].reduce((sum, one) => sum + one, 0)
  const told = perS.revocations * links
  const fanOut = processor(told, 'notice') + processor(perS.revocations * gateways, 'revocationRead')
  const memoryGib = (links * cost('linkMemory')) / 2 ** 20
  const events = processor(perS.remote + perS.reports, 'authenticationInDatabase')
  const database =
    processor(perS.remote, 'authenticationInDatabase') +
    processor(perS.reports, 'reportInDatabase') +
    processor(perS.assignments, 'assignmentInDatabase')
  const disk = devices * cost(`storeOctets${on}`)
  const bits = perS.remote * cost('wireOctets') * 8
  const needs: Need[] = [
    {
      name: REQUESTS,
      amount: `${number(perS.remote)} remote authentications and ${number(perS.reports)} reports of presence a second at the busiest: ${number(busy)} cores`,
      machines: busy / cores,
      of: 'servers',
      remedy: MORE_SERVERS,
    },
    {
      name: 'processor of the servers: all gateways come back at once',
      amount: `${number(perS.storm)} links a second: ${number(processor(perS.storm, 'handshake'))} cores for ${habits.stormS.value} s`,
      machines: processor(perS.storm, 'handshake') / machine.cores,
      of: 'servers',
      remedy: MORE_SERVERS,
    },
    {
      name: 'memory of the servers: links',
      amount: `${number(links)} links: ${number(memoryGib)} GiB`,
      machines: memoryGib / (machine.memoryGib * machine.use),
      of: 'servers',
      remedy: MORE_SERVERS,
    },
    {
      name: 'every gateway hears of every revocation',
      amount: `${number(perS.revocations)} revocations and ${number(told)} notices a second: ${number(fanOut)} cores`,
      machines: fanOut / cores,
      of: 'realms',
      remedy: `${MORE_REALMS}. The notices fall with the square of their number, for each realm has fewer of both`,
    },
    {
      name: 'network of the servers',
      amount: `${number(bits / 1e6)} Mbit/s of authentications`,
      machines: bits / 1e10 / machine.use,
      of: 'servers',
      remedy: MORE_SERVERS,
    },
    {
      name: many ? 'disk of the database' : 'disk of the server',
      amount: `${number(disk / 2 ** 30)} GiB`,
      machines: disk / (machine.diskTib * 2 ** 40 * machine.use),
      of: 'databases',
      remedy: MORE_REALMS,
    },
  ]
  if (!many) return needs
  const writes: Need = {
    name: 'processor of the database: what is written',
    amount: `${number(perS.remote)} events of authentications, ${number(perS.reports)} reports and ${number(perS.assignments)} assignments a second: ${number(database)} cores`,
    machines: database / cores,
    of: 'databases',
    remedy: `${MORE_REALMS}. Before that, let gateways report presence less often, or not at all`,
  }
  const log: Need = {
    name: 'the log of events: its numbers are given out by one transaction after another',
    amount: `${number(perS.remote + perS.reports)} events a second: ${number(events)} of the one core that can do it`,
    machines: events / machine.use,
    of: 'databases',
    remedy: `${MORE_REALMS}. Until then events are lost, oldest first, and counted as such; nobody is refused for that`,
  }
  return [...needs, writes, log]
}

function section(devices: number, needs: readonly Need[]): string {
  const ranked = needs.toSorted((one, other) => other.machines - one.machines)
  const rows = ranked.map(({ name, amount, machines }) => `| ${name} | ${amount} | ${number(machines)} |`)
  return `## ${number(devices)} devices

${number(devices / habits.devicesPerGateway.value)} gateways. In machines of ${machine.cores} cores, ${machine.memoryGib} GiB and ${machine.diskTib} TiB, of which ${machine.use * 100} % are to be used:

| need | how much | machines |
| --- | --- | --- |
${rows.join('\n')}

**Machines:** ${machinesFor(devices, needs)}

**What gives out first:** ${firstToGiveOut(ranked[0] as Need)}
`
}

function firstToGiveOut({ name, machines, remedy }: Need): string {
  if (machines >= 1) return `${name}. ${sentence(remedy)}.`
  return `nothing, at this size. The first would be, with about ${number(1 / machines)} times as many devices, ${name}. Then: ${remedy}.`
}

/** Realms share out what cannot be shared otherwise; each wants its own servers and database. The fewest machines are taken. */
function machinesFor(devices: number, needs: readonly Need[]): string {
  if (devices <= 1e5) {
    return 'one, with SQLite. A second one, switched off, with a backup of each hour, if an hour may be lost.'
  }
  const plans = Array.from({ length: REALMS_MAX }, (_, index) => planFor(index + 1, needs))
  const possible = plans.filter(({ realms }) => realms >= most(needs, 'databases'))
  const { realms, servers, all } = possible.reduce((best, plan) => (plan.all < best.all ? plan : best))
  const each = `${servers} servers, and a PostgreSQL primary with ${DATABASES - 1} standbys`
  return realms === 1 ? `${each}: ${all} in all.` : `${number(realms)} realms, each of ${each}: ${number(all)} in all.`
}

/**
 * So many realms: what is told to every gateway is told to those of its realm alone. Requests and what is told take the same cores,
 * so they are added; links take memory, and are there meanwhile. One server more than needed in each.
 */
function planFor(realms: number, needs: readonly Need[]) {
  const requests = needs.find(({ name }) => name === REQUESTS)?.machines ?? 0
  const needed = Math.max(most(needs, 'servers'), requests + most(needs, 'realms') / realms)
  const servers = Math.max(3, Math.ceil(needed / realms) + 1)
  return { realms, servers, all: realms * (servers + DATABASES) }
}

function most(needs: readonly Need[], of: Need['of']): number {
  return Math.max(0, ...needs.filter((need) => need.of === of).map(({ machines }) => machines))
}

function inputs({ machine: where, date, node, costs }: Measured): string {
  const rows = Object.entries(costs).map(
    ([name, { value, unit, how }]) => `| \`${name}\` | ${value.toLocaleString('en-US')} ${unit} | ${how} |`,
  )
  return `## What is measured

On ${where}, Node ${node}, ${date}, by \`npm run -s measure\`, which writes [measured.json](measured.json). Processor time is of one core of that machine.

| cost | value | how |
| --- | --- | --- |
${rows.join('\n')}
`
}

function assumptions(): string {
  const rows = Object.values(habits).map(({ value, says }) => `| ${says} | ${number(value)} |`)
  return `## What is assumed

| habit | value |
| --- | --- |
${rows.join('\n')}
`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** Two or three digits that count, in words where it is long. */
function number(value: number): string {
  if (value >= 1e9) return `${trim(value / 1e9)} billion`
  if (value >= 1e6) return `${trim(value / 1e6)} million`
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value < 0.01 ? '< 0.01' : trim(value)
}

function trim(value: number): string {
  return String(Number(value.toPrecision(2)))
}

const HEAD = `# Scaling

How many machines a network needs, what gives out first, and what to do then. Written by \`npm run docs\` from measured costs and assumed habits:
change either, and run it again. The figures are for planning, to within a factor of two; before you buy, load your own server with \`opencpns bench load\`
([cli.md](cli.md#opencpns-bench-load)).

The local case, which is most of what devices do, costs the operator nothing: the gateway decides alone. The server keeps no state for an authentication, so
servers stand beside each other, and what they share is the database.
`

const TAIL = `## What is not in these figures

- Whole regions that come back at once: devices and gateways back off and spread themselves, and a server that has too much to do answers \`busy\` ([device.md](device.md)).
- The console and the admin API: a few people.
- RADIUS: its cost is in \`npm run bench -- radius\`.
- Standbys of the database cost the primary little; with synchronous commit each write also waits for the way to one of them and back.
`
