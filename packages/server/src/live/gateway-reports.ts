// What gateways say of the authentications at their doors: docs/protocol.md section 4.4, AuthenticationsReport.

import type { AuthenticationReport, AuthenticationsReport } from '@opencpns/protocol'

/** Takes reports. They are what a gateway says of itself: good for showing, and for nothing else. Never throws. */
export interface GatewayReports {
  /** @param told  those authentications of the report that it tells one by one */
  reported(gateway: string, report: AuthenticationsReport, told: readonly AuthenticationReport[]): void
}
