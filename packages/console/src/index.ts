// The files of the web console, as the server sends them.

/** A file of the console. `body` is what a browser gets, `type` its media type. */
export interface Asset {
  readonly type: string
  readonly body: Uint8Array
}

/** The files of the console by their path, `/` for the page itself. */
export async function consoleAssets(): Promise<ReadonlyMap<string, Asset>> {
  return new Map()
}
