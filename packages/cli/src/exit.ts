// Exit codes, and which error ends in which: the one table. docs/cli.md explains them to users.

export const Exit = {
  done: 0,
  internal: 1,
  usage: 2,
  authenticationFailed: 3,
  unreachable: 4,
  unusable: 5,
  interrupted: 130,
} as const
export type Exit = (typeof Exit)[keyof typeof Exit]

/** One line for every --help. */
export const exitCodesInShort =
  '0 done, 2 wrong usage, 3 authentication failed, 4 unreachable or timed out, 5 credential or data unusable, 1 internal error'

const byCode: Readonly<Record<string, Exit>> = {
  // What was typed
  USAGE: Exit.usage,
  CONFIG_INVALID: Exit.usage,
  REALM_INVALID: Exit.usage,
  BAD_IDENTITY: Exit.usage,
  BAD_PAIRING_URI: Exit.usage,
  BAD_ADDRESS: Exit.usage,
  BAD_ARGUMENT: Exit.usage,
  BAD_SERVICE: Exit.usage,
  BAD_SSID: Exit.usage,
  ADDRESS_INVALID: Exit.usage,
  ADDRESS_TAKEN: Exit.usage,
  NAME_INVALID: Exit.usage,
  USER_EXISTS: Exit.usage,
  USER_UNKNOWN: Exit.usage,
  GATEWAY_EXISTS: Exit.usage,
  GATEWAY_UNKNOWN: Exit.usage,
  PNE_UNKNOWN: Exit.usage,
  PNE_AMBIGUOUS: Exit.usage,
  GENERATION_IN_USE: Exit.usage,
  GENERATION_NEWEST: Exit.usage,
  GENERATION_UNKNOWN: Exit.usage,
  ROTATION_UNAVAILABLE: Exit.usage,
  STORE_ADDRESS_INVALID: Exit.usage,
  PNE_REVOKED: Exit.usage,
  TOKEN_EXISTS: Exit.usage,
  TOKEN_UNKNOWN: Exit.usage,
  REQUEST_INVALID: Exit.usage,
  ADMIN_NEEDS_TLS: Exit.usage,
  // Who one is
  AUTHENTICATION_FAILED: Exit.authenticationFailed,
  TICKET_USED: Exit.authenticationFailed,
  TICKET_EXPIRED: Exit.authenticationFailed,
  ADMIN_REFUSED: Exit.authenticationFailed,
  ROLE_INSUFFICIENT: Exit.authenticationFailed,
  // The network, and those beyond it
  UNREACHABLE: Exit.unreachable,
  DEADLINE_EXCEEDED: Exit.unreachable,
  SERVER_NOT_RUNNING: Exit.unreachable,
  SERVER_UNREACHABLE: Exit.unreachable,
  BUSY: Exit.unreachable,
  SERVICE_UNAVAILABLE: Exit.unreachable,
  UNSUPPORTED_VERSION: Exit.unreachable,
  PROTOCOL_VIOLATION: Exit.unreachable,
  PORT_TAKEN: Exit.unreachable,
  ADDRESS_UNAVAILABLE: Exit.unreachable,
  ADMIN_UNREACHABLE: Exit.unreachable,
  ADMIN_TIMED_OUT: Exit.unreachable,
  GATEWAY_NOT_CONNECTED: Exit.unreachable,
  GATEWAY_TOO_OLD: Exit.unreachable,
  GATEWAY_SILENT: Exit.unreachable,
  GATEWAY_BUSY: Exit.unreachable,
  LISTEN_FAILED: Exit.unreachable,
  NO_GATEWAY_FOUND: Exit.unreachable,
  SESSION_LOST: Exit.unreachable,
  STORE_BUSY: Exit.unreachable,
  STORE_UNREACHABLE: Exit.unreachable,
  BENCH_FAILED: Exit.unreachable,
  WORKER_LOST: Exit.unreachable,
  WORKER_SILENT: Exit.unreachable,
}

/** Families of codes about files and folders; each begins with one of these. */
const unusable = [
  'BACKUP_',
  'CREDENTIAL_',
  'CONFIG_',
  'DATA_FOLDER_',
  'DATABASE_',
  'STORAGE_',
  'STORE_',
  'VAULT_',
  'MASTER_KEY_',
  'OUT_',
  'ADMIN_TOKEN_',
  'TLS_FILE_',
  'UNIT_',
]

/** The exit code for an error, by its `code`; an error without a known one is an internal error. */
export function exitOf(error: unknown): Exit {
  const code = codeOf(error)
  if (code === undefined) return Exit.internal
  return byCode[code] ?? (unusable.some((family) => code.startsWith(family)) ? Exit.unusable : Exit.internal)
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
