// eapol_test: wpa_supplicant's EAP peer with a RADIUS client in one program, as an access point and its device.

import { writeFileSync } from 'node:fs'
import { run } from './peers.ts'
import type { Device, Stage } from './stage.ts'

export interface Attempt {
  readonly device: Pick<Device, 'identity' | 'password'>
  readonly port: number
  readonly secret: string
  /** Lines of the network block, instead of those of EAP-GPSK. */
  readonly method?: readonly string[]
  readonly ciphersuite?: 1 | 2
  /** How long to wait for the end. */
  readonly timeoutS?: number
}

export interface Verdict {
  readonly accepted: boolean
  /** Whether the keys of the device and those in Access-Accept were compared, and were the same. */
  readonly sameKeys: boolean
  /** An EAP-Failure came, and ended it. */
  readonly failed: boolean
  readonly output: string
}

let count = 0

export async function eapolTest(stage: Stage, of: Attempt): Promise<Verdict> {
  const { device, port, secret, ciphersuite = 2, timeoutS = 8 } = of
  const { method = ['eap=GPSK', `password=${device.password}`, `phase1="cipher=${ciphersuite}"`] } = of
  const lines = ['key_mgmt=IEEE8021X', 'eapol_flags=0', `identity="${device.identity}"`, ...method]
  const config = stage.path(`eapol-test-${++count}.conf`)
  writeFileSync(config, `network={\n${lines.join('\n')}\n}\n`)
  const where = ['-a', '127.0.0.1', '-p', String(port), '-s', secret, '-A', '127.0.0.1']
  const { output } = await run('eapol_test', ['-c', config, ...where, '-t', String(timeoutS)])
  return {
    accepted: /^SUCCESS$/m.test(output),
    sameKeys: /^MPPE keys OK: 1 {2}mismatch: 0$/m.test(output),
    failed: /EAP-FAILURE|CTRL-EVENT-EAP-FAILURE/.test(output),
    output,
  }
}
