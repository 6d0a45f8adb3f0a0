// `opencpns pne connect`
import { pipeline } from 'node:stream/promises'
import { type Closed, connect, readCredential, type Session } from '@opencpns/pne'
import type { CommonOptions } from '../../command.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { codeOf, Exit } from '../../exit.ts'
import { note, print, printJson, printResult } from '../../output.ts'
import { aborted, onceAskedToEnd } from '../../signals.ts'

interface Options extends CommonOptions {
  credential: string
  once?: true
  service?: string
}

export async function run(options: Options, at: Endpoint): Promise<Exit | undefined> {
  const asked = onceAskedToEnd()
  const session = await authenticate(options, at, asked)
  if (typeof session === 'number') return session
  try {
    if (options.once) report(session, options, at, toStdout)
    else if (options.service !== undefined) await carry(session, options, at, asked)
    else return await stay(session, options, at, asked)
  } finally {
    await session.close()
  }
  return Exit.done
}

/** With --json a refusal is a result too, so programs find it where they look for the success. */
async function authenticate(
  { credential: file, service, json }: Options,
  at: Endpoint,
  signal: AbortSignal,
): Promise<Session | typeof Exit.interrupted> {
  const credential = await readCredential(file)
  try {
    return await connect({ ...at, credential, signal, ...(service !== undefined && { service }) })
  } catch (error) {
    if (signal.aborted) return Exit.interrupted
    if (json) printJson({ result: resultOf(error), at: formatEndpoint(at) })
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

/** A service: this process's input and output are the stream, so everything else goes to stderr. */
async function carry(session: Session, options: Options, at: Endpoint, asked: AbortSignal): Promise<void> {
  report(session, options, at, { text: note, json: (document) => note(JSON.stringify(document)) })
  const inward = pipeline(process.stdin, session.stream, { signal: asked })
  const outward = pipeline(session.stream, process.stdout, { signal: asked, end: false })
  await Promise.race([outward, inward.then(() => outward)]).catch((error) => {
    if (!asked.aborted) throw error
  })
}

const toStdout = { text: print, json: printJson }

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
