import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatTraceparent, parseTraceparent } from '../src/index.ts'

test('the parts of a traceparent, as in the example of W3C Trace Context section 3.2', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const parts = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
  assert.deepEqual(parseTraceparent(traceparent), parts)
  assert.equal(formatTraceparent(parts), traceparent)
})

test('whatever the codec lets in is read and written alike', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/), (traceparent) => {
      assert.equal(formatTraceparent(parseTraceparent(traceparent)), traceparent)
    }),
  )
})
