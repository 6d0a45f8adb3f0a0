// All attributes that have a definition, by type number: for logs, tools and tests.

import type { Definition } from './attribute.ts'
import * as rfc2865 from './rfc2865.ts'
import * as rfc2869 from './rfc2869.ts'
import * as rfc3162 from './rfc3162.ts'
import { EapMessage, MessageAuthenticator } from './rfc3579.ts'

const { PortType: _values, ...of2865 } = rfc2865

const definitions: readonly Definition<unknown>[] = [
  ...Object.values(of2865),
  ...Object.values(rfc2869),
  ...Object.values(rfc3162),
  EapMessage,
  MessageAuthenticator,
] as Definition<unknown>[]

export const dictionary: ReadonlyMap<number, Definition<unknown>> = new Map(
  definitions.map((definition) => [definition.type, definition]),
)
