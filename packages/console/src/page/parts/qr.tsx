// A QR code as one path, dark on white in either colour scheme, with the quiet zone that ISO/IEC 18004 asks for.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'

const QUIET = 4

/** @param label what it is a code of */
export function QrCode({ text, label }: { text: string; label: string }): JSX.Element {
  const modules = useSignal<readonly (readonly boolean[])[]>([])
  useEffect(() => {
    // Only this page needs it, so only this page loads it.
    void import('uqr').then(({ encode }) => {
      modules.value = encode(text, { ecc: 'M', border: QUIET }).data
    })
  }, [text, modules])
  const size = modules.value.length
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size || 1} ${size || 1}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect class="qr-ground" width="100%" height="100%" />
      <path class="qr-modules" d={pathOf(modules.value)} />
    </svg>
  )
}

function pathOf(modules: readonly (readonly boolean[])[]): string {
  return modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
}
