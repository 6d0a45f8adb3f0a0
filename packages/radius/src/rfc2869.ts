// RFC 2866 and RFC 2869, accounting and extensions: the attributes that access servers put into an Access-Request.
// EAP-Message and Message-Authenticator, first defined here, are in rfc3579.ts.

import { integer, text } from './attribute.ts'

export const AcctSessionId = text(44, 'Acct-Session-Id')
export const AcctMultiSessionId = text(50, 'Acct-Multi-Session-Id')
/** Seconds since the epoch. */
export const EventTimestamp = integer(55, 'Event-Timestamp')
export const ConnectInfo = text(77, 'Connect-Info')
/** Seconds between accounting reports. */
export const AcctInterimInterval = integer(85, 'Acct-Interim-Interval')
export const NasPortId = text(87, 'NAS-Port-Id')
