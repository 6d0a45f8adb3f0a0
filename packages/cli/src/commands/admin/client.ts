// The admin API of a running server, over HTTP: where it is, the token, a deadline, and refusals as errors.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommonOptions } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { send, type Trust } from './transport.ts'

const TIMEOUT_MS = 10_000
const ROWS_MAX = 100_000

/** Either the data folder of a server on this machine, or where it is and the file with its token. */
export interface AdminOptions extends CommonOptions {
  data?: string
  url?: string
  tokenFile?: string
  ca?: string
}

/** One page of a list, as the API gives it; `next` is null on the last. */
export interface Page<T> {
  items: T[]
  next: string | null
}

export class AdminClient {
  readonly #url: string
  readonly #token: string
  readonly #trust: Trust

  constructor(url: string, token: string, trust: Trust = {}) {
    this.#url = url.replace(/\/+$/, '')
    this.#token = token
    this.#trust = trust
  }

  /** @throws {CliError} ADMIN_UNREACHABLE, ADMIN_TIMED_OUT, ADMIN_REFUSED, ADMIN_FAILED, or the code that the API answered */
  get<T>(path: string): Promise<T> {
    return this.#request('GET', path)
  }

  /** @throws {CliError} as {@link get} */
  post<T>(path: string, body?: object): Promise<T> {
    return this.#request('POST', path, body)
  }

  /**
   * Posts what creates something, once more if the connection was lost: the server carries it out once.
   * @throws {CliError} as {@link get}
   */
  async create<T>(path: string, body: object): Promise<T> {
    const headers = { 'idempotency-key': randomUUID() }
    try {
      return await this.#request('POST', path, body, headers)
    } catch (error) {
      if (!(error instanceof CliError && error.code === 'ADMIN_UNREACHABLE' && isLost(error.cause))) throw error
      return this.#request('POST', path, body, headers)
    }
  }

  /** @throws {CliError} as {@link get} */
  patch<T>(path: string, body: object): Promise<T> {
    return this.#request('PATCH', path, body)
  }

  /** @throws {CliError} as {@link get} */
  delete<T>(path: string): Promise<T> {
    return this.#request('DELETE', path)
  }

  /** All pages of a list as one; `next` stays where it is longer than 100,000 rows. */
  async list<T>(path: string): Promise<Page<T>> {
    const items: T[] = []
    let next: string | null = null
    do {
      const cursor: string = next === null ? '' : `&cursor=${encodeURIComponent(next)}`
      const page: Page<T> = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=1000${cursor}`)
      items.push(...page.items)
      next = page.next
    } while (next !== null && items.length < ROWS_MAX)
    return { items, next }
  }

  async #request<T>(method: string, path: string, body?: object, more: Record<string, string> = {}): Promise<T> {
    const { status, text } = await this.#send(path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }), ...more },
      ...(body && { body: JSON.stringify(body) }),
    })
    const document = parsed(text)
    if (status >= 200 && status < 300 && document !== undefined) return document as T
    throw refusal(status, document, this.#url)
  }

  async #send(path: string, request: { method: string; headers: Record<string, string>; body?: string }) {
    try {
      return await send(this.#url + path, { ...request, timeoutMs: TIMEOUT_MS }, this.#trust)
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'TimeoutError') {
        throw new CliError(
          'ADMIN_TIMED_OUT',
          `no answer from the admin API at ${this.#url}: 10 s have passed. Try again`,
          { cause },
        )
      }
      throw new CliError(
        'ADMIN_UNREACHABLE',
        `cannot reach the admin API at ${this.#url}: ${reasonOf(cause)}. ${adviceFor(cause)}`,
        { cause },
      )
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The connection ended after it stood: nobody knows whether the request was carried out. */
function isLost(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
}

function adviceFor(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /CERT|SIGNATURE|ALTNAME/.test(code)
    ? "Give who signs the server's certificate as --ca"
    : 'Is the server running? Start it with: opencpns server run'
}

/** @throws {CliError} USAGE, DATA_FOLDER_MISSING, SERVER_NOT_RUNNING, ADMIN_TOKEN_UNUSABLE */
export async function openAdmin({ data, url, tokenFile, ca }: AdminOptions): Promise<AdminClient> {
  if (data !== undefined && url === undefined && tokenFile === undefined && ca === undefined) return openLocal(data)
  if (data === undefined && url !== undefined && tokenFile !== undefined) {
    if (!/^https?:\/\/[^/\s]+/.test(url)) {
      throw new CliError(
        'USAGE',
        `cannot use --url ${url}: it is not an http or https address. Write for example http://127.0.0.1:7412`,
      )
    }
    const authority = ca === undefined ? undefined : await read(ca)
    return new AdminClient(url, await readToken(tokenFile), { authority })
  }
  throw new CliError(
    'USAGE',
    'cannot tell which server is meant: give either --data DIR, or --url URL and --token-file FILE',
  )
}

async function openLocal(data: string): Promise<AdminClient> {
  if (!existsSync(join(data, 'server.json'))) {
    throw new CliError(
      'DATA_FOLDER_MISSING',
      `cannot use ${data}: it is not the data folder of a server. Give another, or make it with: opencpns server init`,
    )
  }
  const file = join(data, 'admin.json')
  const access = existsSync(file) ? accessIn(await read(file)) : undefined
  if (access !== undefined) {
    const { url, certificate } = access
    return new AdminClient(url, await readToken(join(data, 'admin.token')), { certificate })
  }
  const next = `Start it with: opencpns server run --data ${data}`
  throw new CliError('SERVER_NOT_RUNNING', `cannot reach the server: none runs in ${data}. ${next}`)
}

/** What a running server wrote: where it is, and over TLS which certificate it shows. */
function accessIn(text: string): { url: string; certificate: string | undefined } | undefined {
  const document = parsed(text)
  if (typeof document !== 'object' || document === null || !('url' in document)) return undefined
  if (typeof document.url !== 'string') return undefined
  const certificate = 'certificate' in document ? document.certificate : undefined
  return { url: document.url, certificate: typeof certificate === 'string' ? certificate : undefined }
}

async function readToken(file: string): Promise<string> {
  const token = (await read(file)).trim()
  if (/^[A-Za-z0-9._~+/-]{16,512}=*$/.test(token)) return token
  throw new CliError(
    'ADMIN_TOKEN_UNUSABLE',
    `cannot use ${file}: it does not hold a token. Give the admin.token of the server`,
  )
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CliError(
      'ADMIN_TOKEN_UNUSABLE',
      `cannot read ${file}: ${reasonOf(cause)}. Check its name and permissions`,
      { cause },
    )
  }
}

/** A refusal comes as problem details (RFC 9457) with a `code` of its own; anything else is not our API. */
function refusal(status: number, document: unknown, url: string): CliError {
  if (status === 401) {
    return new CliError(
      'ADMIN_REFUSED',
      `the admin API at ${url} refused the token: it is not this server's, or no longer. Give the data folder or the token file of the server that runs there`,
    )
  }
  const { code, detail } = (document ?? {}) as { code?: unknown; detail?: unknown }
  if (typeof code === 'string' && typeof detail === 'string') return new CliError(code, detail)
  return new CliError(
    'ADMIN_UNREACHABLE',
    `what answers at ${url} is not the admin API: it sent status ${status}. Check the address`,
  )
}

/** The reason in the words of the system, without its codes. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  return reasons[code] ?? (inner instanceof Error ? inner.message : String(inner))
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EPIPE: 'the connection ended',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'nobody that is known signed its certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody that is known signed its certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody that is known signed its certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'nobody that is known signed its certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}
