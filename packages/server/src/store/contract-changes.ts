// The part of the store contract by which several servers keep up with each other: a log of what servers keep in memory, and
// must learn of when another one changes it. Revocations have a log of their own.

/**
 * Something was changed: the policy, a 1st seed or the end of a user (`subject`: its name), the policy or the end of a
 * gateway (its identity), a key that is retired (its 2nd seed, in hex), the end of a token (its id).
 */
export interface ChangeRow {
  /** Rises from line to line. A line never appears below one that somebody has read. */
  seq: number
  kind: 'user' | 'gateway' | 'key' | 'token'
  subject: string
}

/** Lines of the log of changes that are kept: a server that is further behind has to begin anew. */
export const CHANGES_KEPT = 10_000

/** The replicas' part of {@link Store}: what is said of that one holds here too. */
export interface ChangeStore {
  /** Numbers of the newest lines of the revocation log and of the log of changes; 0 while there is none. Asked each second: one cheap read. */
  newestLines(): Promise<{ revocation: number; change: number }>
  /** Lines of the log of changes after `seq`, oldest first. When older ones than the first are gone, `seq` + 1 is not there. */
  changesSince(seq: number, limit: number): Promise<ChangeRow[]>
}
