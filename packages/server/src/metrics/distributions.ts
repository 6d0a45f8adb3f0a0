// A histogram for Prometheus by one label. prom-client's own looks its labels up at each observation, which costs a request of a
// gateway more than all else that is counted; this one is an array for each value of the label, and prom-client only prints it.
import type { Metric, Registry } from 'prom-client'

interface DistributionsOptions {
  readonly name: string
  readonly help: string
  readonly label: string
  /** Upper bounds in ascending order. */
  readonly buckets: readonly number[]
}

export class Distributions {
  readonly #options: DistributionsOptions
  readonly #all = new Map<string, Distribution>()

  constructor(options: DistributionsOptions, registry: Registry) {
    this.#options = options
    const { name, help } = options
    const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values() })
    registry.registerMetric({ name, help, type: 'histogram', get } as unknown as Metric)
  }

  /** Told from now on, at first as 0. To be kept by whoever observes often. */
  of(value: string): Distribution {
    let distribution = this.#all.get(value)
    if (distribution === undefined) {
      distribution = new Distribution(this.#options.buckets)
      this.#all.set(value, distribution)
    }
    return distribution
  }

  #values() {
    const { name, label, buckets } = this.#options
    return [...this.#all].flatMap(([value, distribution]) => {
      const labels = { [label]: value }
      const counts = distribution.cumulated()
      const bucket = (count: number, at: number) => ({
        metricName: `${name}_bucket`,
        labels: { le: buckets[at] ?? '+Inf', ...labels },
        value: count,
      })
      return [
        ...counts.map(bucket),
        { metricName: `${name}_sum`, labels, value: distribution.sum },
        { metricName: `${name}_count`, labels, value: counts.at(-1) ?? 0 },
      ]
    })
  }
}

/** Of one value of the label. */
export class Distribution {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at++
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
  }

  get sum(): number {
    return this.#sum
  }

  /** How many were at most each bound; the last, all. */
  cumulated(): number[] {
    let below = 0
    return this.#counts.map((count) => {
      below += count
      return below
    })
  }
}
