// `opencpns pne connect`
import { pipeline } from 'node:stream/promises'
import { type Closed, type Credential, connect, readCredential, type Session } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { browse, placesOf } from '../../discovery/browse.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { codeOf, Exit } from '../../exit.ts'
import { note, print, printJson, printResult } from '../../output.ts'
import { aborted, onceAskedToEnd } from '../../signals.ts'
import { openTelemetry } from '../../telemetry.ts'
import { forwardPorts } from './forward.ts'
import type { Forwarding } from './forwarding.ts'

interface Options extends CommonOptions {
  credential: string
  once?: true
  service?: string
  forward?: Forwarding[]
  stdio?: string
  discover?: true
}

/** How long to look for gateways. */
const SEARCH_MS = 3000
/** Not every address that somebody announces. */
const TRIES_MAX = 16

export async function run(options: Options, given: Endpoint | undefined): Promise<Exit | undefined> {
  const asked = onceAskedToEnd()
  if ((given === undefined) !== (options.discover === true)) {
    throw new CliError('USAGE', 'give either HOST:PORT or --discover. For help: opencpns pne connect --help')
  }
  if (options.forward && given) {
    await forwardPorts(options.forward, options, given, asked)
    return Exit.done
  }
  const credential = await readCredential(options.credential)
  const places = given ? [given] : discovered(credential, asked)
  const authenticated = await authenticate(options, credential, places, asked)
  if (typeof authenticated === 'number') return authenticated
  const { session, at } = authenticated
  try {
    if (options.once) report(session, options, at, toStdout)
    else if (options.stdio !== undefined) await carry(session, asked)
    else if (options.service !== undefined) {
      report(session, options, at, toStderr)
      await carry(session, asked)
    } else return await stay(session, options, at, asked)
  } finally {
    await session.close()
  }
  return Exit.done
}

/**
 * Each once. The search ends soon after its own gateway has answered. Somebody else may have answered in that name, and faster: if
 * none of them takes the device, it looks again, as long as it may.
 * @throws {CliError} NO_GATEWAY_FOUND
 */
async function* discovered({ gateway }: Credential, signal: AbortSignal): AsyncGenerator<Endpoint> {
  const tried = new Set<string>()
  for (const until of [gateway, undefined]) {
    const found = await browse({ timeoutMs: SEARCH_MS, signal, until })
    for (const place of placesOf(found, gateway)) {
      if (signal.aborted || tried.size === TRIES_MAX) return
      if (tried.has(formatEndpoint(place))) continue
      tried.add(formatEndpoint(place))
      yield place
    }
    if (!found.some(({ identity }) => identity === gateway)) break
  }
  if (tried.size > 0 || signal.aborted) return
  throw new CliError('NO_GATEWAY_FOUND', 'no gateway answers on the local network. Give HOST:PORT of one instead')
}

/**
 * At the first place that takes the device. With --json a refusal is a result too, so programs find it where they look for the
 * success; with -W nothing is.
 */
async function authenticate(
  { service, stdio, json }: Options,
  credential: Credential,
  places: Iterable<Endpoint> | AsyncIterable<Endpoint>,
  signal: AbortSignal,
): Promise<{ session: Session; at: Endpoint } | typeof Exit.interrupted> {
  const tracer = await openTelemetry('pne')
  let refusal: { error: unknown; at: Endpoint } | undefined
  for await (const at of places) {
    try {
      const session = await connect({ ...at, credential, signal, service: stdio ?? service, tracer })
      return { session, at }
    } catch (error) {
      if (signal.aborted) break
      refusal = { error, at }
    }
  }
  if (refusal === undefined || signal.aborted) return Exit.interrupted
  if (json && stdio === undefined) printJson({ result: resultOf(refusal.error), at: formatEndpoint(refusal.at) })
  throw refusal.error
}

/** `AUTHENTICATION_FAILED` as `authentication-failed`. */
function resultOf(error: unknown): string {
  return (codeOf(error) ?? 'INTERNAL_ERROR').toLowerCase().replaceAll('_', '-')
}

/** Presence: until one of the two ends it. */
async function stay(session: Session, options: Options, at: Endpoint, asked: AbortSignal): Promise<Exit> {
  report(session, options, at, toStdout)
  aborted(asked).then(() => session.close())
  const reason = await session.closed
  const [words, exit] = endings[reason]
  printResult(options.json, { event: 'session-ended', reason }, `The session has ended: ${words}.`)
  return exit
}

const endings: Record<Closed, readonly [words: string, exit: Exit]> = {
  here: ['as you asked', Exit.done],
  closing: ['the gateway is closing', Exit.done],
  replaced: ['the device opened a newer one', Exit.done],
  revoked: ['the device was revoked', Exit.authenticationFailed],
  lost: ['the connection was lost', Exit.unreachable],
  violation: ['the gateway does not speak the protocol', Exit.unreachable],
}

/**
 * A service: this process's input and output are the stream, so what there is to say goes to stderr. The end of the input is
 * the end of that direction; the end of the service's answers is the end of all.
 */
async function carry({ stream }: Session, asked: AbortSignal): Promise<void> {
  pipeline(process.stdin, stream, { signal: asked }).catch(() => {}) // the service need not listen
  try {
    await pipeline(stream, process.stdout, { signal: asked, end: false })
  } catch (cause) {
    if (!asked.aborted)
      throw new CliError('SESSION_LOST', 'cannot go on: the session was lost. Connect again', { cause })
  }
}

const toStdout = { text: print, json: printJson }
const toStderr = { text: note, json: (document: unknown) => note(JSON.stringify(document)) }

function report({ facts }: Session, { json, service }: Options, at: Endpoint, to: typeof toStdout): void {
  const { case: theCase, gateway, sessionId, tls, ms } = facts
  const purpose = service === undefined ? '' : ` for ${service}`
  const how = `${tls.version}, ${tls.group}, ${tls.cipher}; session ${sessionId}`
  if (json) to.json({ result: 'success', case: theCase, gateway, sessionId, tls, ms })
  else
    to.text(
      `Secure session${purpose} with ${gateway} at ${formatEndpoint(at)}: ${theCase} case, ${ms.toFixed(1)} ms.\n${how}`,
    )
}
