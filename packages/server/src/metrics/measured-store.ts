// A store that tells how long each of its operations took, and which failed.
import type { Store } from '../store/contract.ts'

export interface StoreObserver {
  /** @param operation  the name of a method of {@link Store} @returns what is told of each of its calls */
  operation(operation: string): (seconds: number, failed: boolean) => void
}

type Operation = (...args: unknown[]) => unknown

export function measured(store: Store, observer: StoreObserver): Store {
  const operations = new Map<string | symbol, Operation>()
  return new Proxy(store, {
    get(target, name) {
      const known = operations.get(name)
      if (known !== undefined) return known
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || typeof name === 'symbol') return value
      const operation = timed(name, value.bind(target) as Operation, observer)
      operations.set(name, operation)
      return operation
    },
  })
}

function timed(name: string, act: Operation, observer: StoreObserver): Operation {
  const ended = observer.operation(name)
  return (...args) => {
    const since = performance.now()
    const result = act(...args)
    if (!(result instanceof Promise)) return result
    const end = (failed: boolean) => ended((performance.now() - since) / 1000, failed)
    result.then(
      () => end(false),
      () => end(true),
    )
    return result
  }
}
