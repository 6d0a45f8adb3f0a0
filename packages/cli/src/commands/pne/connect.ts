// `opencpns pne connect`
import { pipeline } from 'node:stream/promises'
import { type Closed, connect, readCredential, type Session } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { CliError } from '../../errors.ts'
import { codeOf, Exit } from '../../exit.ts'
import { note, print, printJson, printResult } from '../../output.ts'
import { aborted, onceAskedToEnd } from '../../signals.ts'
import { forwardPorts } from './forward.ts'
import type { Forwarding } from './forwarding.ts'

interface Options extends CommonOptions {
  credential: string
  once?: true
  service?: string
  forward?: Forwarding[]
  stdio?: string
}

export async function run(options: Options, at: Endpoint): Promise<Exit | undefined> {
  const asked = onceAskedToEnd()
  if (options.forward) {
    await forwardPorts(options.forward, options, at, asked)
    return Exit.done
  }
  const session = await authenticate(options, at, asked)
  if (typeof session === 'number') return session
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

/** With --json a refusal is a result too, so programs find it where they look for the success; with -W nothing is. */
async function authenticate(
  { credential: file, service, stdio, json }: Options,
  at: Endpoint,
  signal: AbortSignal,
): Promise<Session | typeof Exit.interrupted> {
  const credential = await readCredential(file)
  try {
    return await connect({ ...at, credential, signal, service: stdio ?? service })
  } catch (error) {
    if (signal.aborted) return Exit.interrupted
    if (json && stdio === undefined) printJson({ result: resultOf(error), at: formatEndpoint(at) })
    throw error
  }
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
