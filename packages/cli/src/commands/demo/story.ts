// The story itself: pairing, then the three sessions, each with what the three parties saw of it.
import { join } from 'node:path'
import { type Credential, connect, pair } from '@opencpns/pne'
import type { CaseName } from '@opencpns/protocol'
import type { LogLevel } from '../../log.ts'
import type { Child } from './child.ts'
import { echoThrough } from './echo.ts'
import { Network, type RunningGateway } from './network.ts'
import { mergeSteps, type SeenStep, type Step, stepsIn } from './steps.ts'

export interface SessionReport {
  readonly result: 'success'
  readonly case: CaseName
  readonly gateway: string
  readonly sessionId: string
  readonly steps: readonly Step[]
  readonly tls: { readonly version: string; readonly group: string; readonly cipher: string }
  /** As the gateway counted them, between itself and the server, on the critical path. */
  readonly serverRoundTrips: number
  readonly bytesEchoed: number
  readonly sha256: string
}

export interface Story {
  readonly local: SessionReport
  readonly remote: SessionReport
  readonly offline: SessionReport
}

interface Telling {
  /** Hears what is being done. */
  readonly tell: (what: string) => void
  /** Ends the story early; what was started is stopped in any case. */
  readonly signal: AbortSignal
  /** Of the server and the gateways; at `debug` and below their logs are shown too. */
  readonly logLevel: LogLevel
}

export async function tellStory({ tell, signal, logLevel }: Telling): Promise<Story> {
  const network = await Network.open(signal, logLevel)
  try {
    tell('starting a CPNS Server')
    const server = await network.startServer()

    tell('starting two gateways: home-gw and visited-gw')
    const [home, visited] = (await network.startGateways(['home-gw', 'visited-gw'])) as [RunningGateway, RunningGateway]

    tell('pairing a device with home-gw')
    const credentialFile = join(network.folder, 'watch.json')
    const credential = await pair({ uri: await network.pairingUri(home), credentialFile, signal })

    tell('local case: the device at home-gw')
    const local = await openSession({ at: home, credential, server, signal })

    tell('remote case: the device at visited-gw')
    const remote = await openSession({ at: visited, credential, server, signal })

    tell('stopping the server')
    await server.stop()

    tell('local case again: the device at home-gw, no server')
    const offline = await openSession({ at: home, credential, server, signal })

    return { local, remote, offline }
  } finally {
    tell('cleaning up')
    await network.close()
  }
}

interface Setting {
  readonly at: RunningGateway
  readonly credential: Credential
  readonly server: Child
  readonly signal: AbortSignal
}

async function openSession({ at, credential, server, signal }: Setting): Promise<SessionReport> {
  const pne: SeenStep[] = []
  const beganAt = performance.timeOrigin + performance.now()
  const session = await connect({
    ...at.endpoint,
    credential,
    service: 'echo',
    signal,
    onStep: (step) => pne.push(step),
  })
  try {
    const { case: theCase, gateway, sessionId, tls } = session.facts
    const echo = await echoThrough(session.stream)
    const atGateway = await at.child.logged(
      (line) => line['event'] === 'authentication' && line['sessionId'] === sessionId,
      'this session',
      signal,
    )
    const atServer = theCase === 'remote' ? await serverLine(server, beganAt, gateway, signal) : {}
    const steps = mergeSteps({ pne, gateway: stepsIn(atGateway), server: stepsIn(atServer) }, beganAt)
    const serverRoundTrips = Number(atGateway['serverRoundTrips'])
    return { result: 'success', case: theCase, gateway, sessionId, steps, tls, serverRoundTrips, ...echo }
  } finally {
    await session.close()
  }
}

/** The server knows no session id: its line is the one for this gateway since the session began. */
function serverLine(server: Child, beganAt: number, gateway: string, signal: AbortSignal) {
  const isIt = (line: Readonly<Record<string, unknown>>) =>
    line['event'] === 'authentication' &&
    line['gateway'] === gateway &&
    stepsIn(line).some(({ at }) => at >= beganAt - 1)
  return server.logged(isIt, 'this session', signal)
}
