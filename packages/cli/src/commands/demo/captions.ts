// What the diagram says at each step: the words of the protocol, and which key is used where, by its name.
import type { CaseName } from '@opencpns/protocol'
import type { Diagram, DiagramStep } from '../../terminal.ts'
import type { Step } from './steps.ts'
import type { SessionReport } from './story.ts'

type Caption = Pick<DiagramStep, 'label' | 'detail' | 'key' | 'mutual'>

const captions: Record<CaseName, Record<number, Caption>> = {
  local: {
    1: { label: 'Authentication Request', detail: '2nd seed' },
    2: { label: 'EUKey found: local case' },
    7: { label: 'TLS 1.3 handshake', detail: 'PSK from the', key: 'EUKey', mutual: true },
    8: { label: 'Authentication Response', detail: 'success, inside TLS' },
  },
  remote: {
    1: { label: 'Authentication Request', detail: '2nd seed' },
    2: { label: 'EUKey not found: remote case' },
    3: { label: 'Authentication Request', detail: '2nd seed, GPSK-1, GPSK-2' },
    4: { label: 'EUKey = KDF(1st seed, 2nd seed)' },
    5: { label: 'EAP-GPSK', detail: 'PSK from the', key: 'EUKey', mutual: true },
    6: { label: 'Authentication Response', detail: 'success, with the', key: 'transient key' },
    7: { label: 'TLS 1.3 handshake', detail: 'PSK from the', key: 'transient key', mutual: true },
    8: { label: 'Authentication Response', detail: 'success, inside TLS' },
  },
}

const skipped: DiagramStep = {
  number: '3–6',
  from: 'PN GW',
  to: 'PN GW',
  label: 'skipped: the server is not needed',
  ms: undefined,
}

export function diagramOf(report: SessionReport, server: Diagram['server']): Diagram {
  const drawn = report.steps.map((step) => drawnStep(step, report.case))
  const gap = drawn.findIndex(({ number }) => number === '7')
  return {
    steps: report.case === 'local' ? drawn.toSpliced(gap, 0, skipped) : drawn,
    server,
    session: `${report.bytesEchoed / 1024 / 1024} MiB echoed, SHA-256 equal`,
  }
}

function drawnStep({ step, from, to, message, ms }: Step, theCase: CaseName): DiagramStep {
  const caption = captions[theCase][step] ?? { label: message }
  return { number: String(step), from, to, ms, ...caption }
}
