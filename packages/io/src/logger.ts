// What the roles ask of a logger: pino's interface, as much of it as they use.

type Log = (facts: object, message?: string) => void

/** Any pino logger is one. `facts` go to programs, `message` to people; neither ever holds a secret. */
export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

const nothing: Log = () => {}

/** Says nothing. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
