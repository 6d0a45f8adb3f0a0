// Overview: what goes on now, how long each step takes, and what was refused lately.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { may } from '../api/session.ts'
import { listen } from '../api/stream.ts'
import type {
  Authentication,
  LiveSecond,
  Overview as OverviewData,
  RecentRefusal,
  Second,
  StepTiming,
} from '../api/types.ts'
import { useChanges, useResource } from '../live/resource.ts'
import { count, formatMs } from '../logic/format.ts'
import { logPosition } from '../logic/scale.ts'
import { Card, Copy, Empty, Heading, Time } from '../parts/basics.tsx'
import { Chart } from '../parts/chart.tsx'
import { Pending } from '../parts/list.tsx'
import { CaseBadge, GatewayLink, PneLink, ReasonWords } from '../parts/words.tsx'

const REREAD_MS = 5000
const REFUSALS = 20
const SECONDS_KEPT = 121

export function Overview(): JSX.Element {
  const overview = useResource<OverviewData>('/v1/overview')
  const { data, reload } = overview
  const live = useLive(data)
  useChanges(['gateways', 'changes'], reload)
  useEffect(() => {
    const timer = setInterval(reload, REREAD_MS)
    return () => clearInterval(timer)
  }, [reload])
  return (
    <>
      <Heading title="Overview" />
      {data === undefined ? (
        <Pending of={overview} />
      ) : (
        <div class="overview">
          {data.gateways.connected + data.gateways.disconnected === 0 && <FirstGateway />}
          <Tiles of={data} newest={live.newest} />
          <Card title="Authentications">
            <Chart seconds={live.seconds} now={live.now} />
          </Card>
          <div class="halves">
            <Steps of={data.steps} />
            <Refusals of={live.refusals} />
          </div>
        </div>
      )}
    </>
  )
}

interface Live {
  readonly seconds: readonly Second[]
  readonly newest: LiveSecond | undefined
  readonly refusals: readonly RecentRefusal[]
  /** End of the newest second, by the server's clock. */
  readonly now: number
}

/** What was read, with what the stream has told since. */
function useLive(data: OverviewData | undefined): Live {
  const seconds = useSignal<readonly LiveSecond[]>([])
  const refused = useSignal<readonly RecentRefusal[]>([])
  useEffect(() => {
    const stops = [
      listen('overview', (second) => {
        seconds.value = [...seconds.peek(), second].slice(-SECONDS_KEPT)
      }),
      listen('authentications', (one) => {
        if (one.result === 'refused') refused.value = newest([asRefusal(one)], refused.peek())
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [seconds, refused])
  const all = [...(data?.rates.perSecond ?? []), ...seconds.value]
  const last = Math.max(...all.map(({ at }) => Date.parse(at)), data ? Date.parse(data.at) - 1000 : 0)
  return {
    seconds: all,
    newest: seconds.value.at(-1),
    refusals: newest(refused.value, data?.refusals ?? []),
    now: Math.floor(last / 1000) * 1000 + 1000,
  }
}

function asRefusal(one: Authentication): RecentRefusal {
  const { id, at, case: theCase, gateway, pne, pneName, reason, session } = one
  return { id, at, case: theCase, gateway, pne, pneName, reason, session }
}

function newest(preferred: readonly RecentRefusal[], others: readonly RecentRefusal[]): readonly RecentRefusal[] {
  const byId = new Map([...others, ...preferred].map((one) => [one.id, one]))
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, REFUSALS)
}

function Tiles({ of, newest: second }: { of: OverviewData; newest: LiveSecond | undefined }): JSX.Element {
  const { gateways, pnes } = of
  const registered = second?.registered ?? of.registered
  const connected = second?.connected ?? gateways.connected
  const away = Math.max(0, gateways.connected + gateways.disconnected - connected)
  return (
    <ul class="tiles">
      <Tile path="/networks" number={registered} title="PNEs registered now" more="present in a personal network" />
      <Tile
        path="/gateways"
        number={connected}
        title="gateways connected"
        more={away > 0 ? `${count(away, 'gateway')} not connected` : connected > 0 ? 'none is missing' : 'none yet'}
        isBad={away > 0}
      />
      <Tile
        path="/pnes?state=active"
        number={pnes.active}
        title="active PNEs"
        more={`${pnes.pending.toLocaleString('en')} pending, ${pnes.revoked.toLocaleString('en')} revoked`}
      />
    </ul>
  )
}

function Tile(of: { path: string; number: number; title: string; more: string; isBad?: boolean }): JSX.Element {
  return (
    <li class={of.isBad ? 'tile bad' : 'tile'}>
      <a href={of.path}>
        <b>{of.number.toLocaleString('en')}</b> <span>{of.title}</span>
      </a>
      <p>{of.more}</p>
    </li>
  )
}

function Steps({ of }: { of: readonly StepTiming[] }): JSX.Element {
  const told = of.filter(({ count: times }) => times > 0)
  const most = Math.max(...told.map(({ p99Ms }) => p99Ms ?? 0), 1)
  return (
    <Card title="Time of each step" aside={<span class="hint">last 5 minutes</span>}>
      {told.length === 0 ? (
        <Empty title="Nothing was authenticated in the last five minutes" />
      ) : (
        <table class="steps">
          <caption class="hidden">Median and 99th percentile of each step</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" class="wide">
                <span class="hidden">From median to 99th percentile</span>
              </th>
              <th scope="col" class="number">
                p50
              </th>
              <th scope="col" class="number">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {told.map(({ step, name, p50Ms, p99Ms }) => (
              <tr key={step}>
                <th scope="row">
                  <span>
                    <b class="step-number">{step}</b> {name}
                  </span>
                </th>
                <td class="wide">
                  <Range from={p50Ms ?? 0} to={p99Ms ?? 0} most={most} />
                </td>
                <td class="number" data-title="p50">
                  {formatMs(p50Ms)}
                </td>
                <td class="number" data-title="p99">
                  {formatMs(p99Ms)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  )
}

const LEAST_MS = 0.01

/** From the median to the 99th percentile, on a logarithmic scale. */
function Range({ from, to, most }: { from: number; to: number; most: number }): JSX.Element {
  const [start, end] = [from, to].map((ms) => 8 + 84 * logPosition(ms, LEAST_MS, most)) as [number, number]
  return (
    <svg class="range" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <path class="range-ground" d="M8 5H92" />
      <path class="range-span" d={`M${start} 5H${Math.max(end, start + 0.5)}`} />
    </svg>
  )
}

function Refusals({ of }: { of: readonly RecentRefusal[] }): JSX.Element {
  return (
    <Card title="Last refusals" aside={<a href="/flow?result=refused">All in Flow</a>}>
      {of.length === 0 ? (
        <Empty title="Nothing was refused lately" />
      ) : (
        <ol class="refusals">
          {of.map((one) => (
            <li key={one.id}>
              <a href={`/flow/${one.id}`}>
                <ReasonWords code={one.reason ?? 'authentication-failed'} />
              </a>
              <p class="hint">
                <CaseBadge of={one.case} /> <PneLink id={one.pne} name={one.pneName} /> at{' '}
                <GatewayLink identity={one.gateway} />, <Time at={one.at} />
              </p>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}

/** The very beginning: there is a server, and nothing else. */
function FirstGateway(): JSX.Element {
  return (
    <Card title="Begin here: your first gateway">
      <p>
        A gateway lets devices into a personal network. It belongs to a user.{' '}
        {may('admin') && 'Make both here, or on the command line:'}
      </p>
      <Copy text="opencpns admin user add alice --data ./server" label="Copy the command that adds a user" />
      <Copy
        text="opencpns admin gateway add home-gw --user alice --out home-gw.json --data ./server"
        label="Copy the command that adds a gateway"
      />
      <p>Then run it where the devices are:</p>
      <Copy
        text={`opencpns gateway run --credential home-gw.json --data ./home-gw --server ${location.hostname}:7410`}
        label="Copy the command that runs a gateway"
      />
      {may('admin') && (
        <p>
          <a href="/users">Add a user</a>, then <a href="/gateways">add a gateway</a>.
        </p>
      )}
    </Card>
  )
}
