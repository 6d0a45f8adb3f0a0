// Traces for an OpenTelemetry collector, by OTLP over HTTP, where the standard OTEL_… environment asks for them; what does the
// work is loaded only then. A collector that is away, slow or wrong costs some lost spans and a line in the log: nothing else.
import { type Logger, silent } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'

const NAME = 'opencpns'
/** How long a process that ends waits for the collector to take the last spans. */
const FLUSH_MS = 2000
/** How long one export may take; 10 s unless the environment says so. */
const SCHEDULE_MS = 2000
/** The log has one line on a collector that does not take spans, and then one so often. */
const COMPLAIN_INTERVAL_MS = 60_000

export type Role = 'pne' | 'gateway' | 'server'

const closers: (() => Promise<void>)[] = []

/** A tracer, if the environment asks for traces. Never rejects: what is wrong with the environment stands in the log. */
export async function openTelemetry(role: Role, logger: Logger = silent): Promise<Tracer | undefined> {
  const { env } = process
  if (!isWanted(env, logger)) return undefined
  try {
    const [sdk, { OTLPTraceExporter }, { diag, DiagLogLevel }] = await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/api'),
    ])
    diag.setLogger(complaints(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
    const exporter = new OTLPTraceExporter()
    const provider = new sdk.TracerProvider({
      resource: await resourceOf(role),
      sampler: samplerOf(role, env, sdk, logger),
      spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: delayOf(env) })],
    })
    closers.push(() => provider.shutdown())
    return provider.getTracer(NAME)
  } catch (err) {
    logger.warn({ event: 'traces-off', err }, 'traces cannot be sent: look at the OTEL_… environment')
    return undefined
  }
}

/** Sends the last spans, for 2 s at most. Never rejects. */
export async function closeTelemetry(): Promise<void> {
  const closing = Promise.allSettled(closers.splice(0).map((close) => close()))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS)
  })
  await Promise.race([closing, late])
  clearTimeout(timer)
}

type Environment = Readonly<Record<string, string | undefined>>

/** By an address of a collector, or by name; not where it is switched off. */
function isWanted(env: Environment, logger: Logger): boolean {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false
  const exporter = env['OTEL_TRACES_EXPORTER']?.trim() ?? ''
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT']
  if (exporter === 'otlp' || (exporter === '' && endpoint)) return true
  if (exporter !== '' && exporter !== 'none') {
    logger.warn(
      { event: 'traces-off', exporter },
      'traces are sent by OTLP alone: OTEL_TRACES_EXPORTER is otlp or none',
    )
  }
  return false
}

async function resourceOf(role: Role) {
  const {
    defaultResource,
    detectResources,
    resourceAttributesEnvDetector,
    resourceFromAttributes,
    serviceNameEnvDetector,
  } = await import('@opentelemetry/resources')
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector]
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': `opencpns-${role}`, 'service.namespace': 'opencpns' }))
    .merge(detectResources({ detectors }))
}

type Sdk = typeof import('@opentelemetry/sdk-trace')

/**
 * OTEL_TRACES_SAMPLER. A gateway takes the name of a trace from a PNE, but not the word whether to record it: that is decided by
 * the same rule as for a trace of its own. So strangers cannot make it record more than it is told to.
 */
function samplerOf(role: Role, env: Environment, sdk: Sdk, logger: Logger) {
  const { name = '', isParentBased, ratio } = parseSampler(env, logger)
  const root =
    name === 'always_off'
      ? new sdk.AlwaysOffSampler()
      : name === 'traceidratio'
        ? new sdk.TraceIdRatioBasedSampler(ratio)
        : new sdk.AlwaysOnSampler()
  if (!isParentBased) return root
  const strangers = role === 'gateway' ? { remoteParentSampled: root, remoteParentNotSampled: root } : {}
  return new sdk.ParentBasedSampler({ root, ...strangers })
}

function parseSampler(env: Environment, logger: Logger) {
  const given = env['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on'
  const { parent, name } =
    /^(?<parent>parentbased_)?(?<name>always_on|always_off|traceidratio)$/.exec(given)?.groups ?? {}
  const arg = env['OTEL_TRACES_SAMPLER_ARG']?.trim() || '1'
  const ratio = Number(arg)
  const isRatio = ratio >= 0 && ratio <= 1
  if (name === undefined || !isRatio) {
    logger.warn(
      { event: 'traces-sampler', sampler: given, arg },
      'OTEL_TRACES_SAMPLER is not understood: all is recorded',
    )
  }
  return { name, isParentBased: name === undefined || parent !== undefined, ratio: isRatio ? ratio : 1 }
}

function delayOf(env: Environment): number {
  const delay = Number(env['OTEL_BSP_SCHEDULE_DELAY'] || SCHEDULE_MS)
  return delay >= 0 && delay <= 0x7fffffff ? delay : SCHEDULE_MS
}

/** What OpenTelemetry has to complain of, as a line of the log now and then. */
function complaints(logger: Logger) {
  let complainedAt = Number.NEGATIVE_INFINITY
  const complain = (reason: string) => {
    const now = performance.now()
    const often = now - complainedAt < COMPLAIN_INTERVAL_MS
    if (!often) complainedAt = now
    logger[often ? 'debug' : 'warn']({ event: 'traces-lost', reason }, 'the collector does not take traces')
  }
  const nothing = () => {}
  return { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing }
}
