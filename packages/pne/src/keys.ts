// The keys of a device through a rotation (docs/protocol.md section 4.2). The next one is kept beside the current one until the
// device has used it at the gateway that assigned it: so at each moment one of the two works there and anywhere else.

import { timingSafeEqual } from 'node:crypto'
import { type Credential, type Keys, keysOf, readKeys, writeKeys } from './credential.ts'
import type { Key } from './credentialFile.ts'

/** Changes of one credential, one after another. */
const changes = new WeakMap<Credential, Promise<unknown>>()

/** Whether a rotation can be kept. */
export function isKept({ file, save }: Credential): boolean {
  return file !== undefined || save !== undefined
}

/**
 * The key to try now: the newest of those that were not tried. When none is left, another process may have rotated the
 * credential meanwhile: then its file tells.
 */
export async function keyToTry(credential: Credential, tried: readonly Key[]): Promise<Key | undefined> {
  const untried = () => keysOf(credential.keys).find((key) => !tried.some((other) => isSame(key, other)))
  const key = untried()
  if (key || tried.length === 0) return key
  const kept = await readKeys(credential).catch(() => undefined) // the refusal is what there is to tell
  if (kept) credential.adopt(kept, kept.confirmed)
  return untried()
}

/**
 * Notes that a key has authenticated. In the local case it is confirmed, and the current one from now on, and the other is
 * forgotten. Elsewhere nothing changes: the gateway that assigned the key may not know yet that it is active, and the pairing or
 * rotation which tells it must be able to go on.
 * @throws {PneError} CREDENTIAL_…: nothing has changed
 */
export async function noteAuthenticated(credential: Credential, used: Key, isLocal: boolean): Promise<void> {
  const isNext = !isSame(credential.keys.current, used)
  if (!isLocal || (!isNext && credential.confirmed)) return
  await change(credential, ({ current, next }) => {
    if (isSame(current, used)) return { current, next }
    return next && isSame(next, used) ? { current: used } : undefined
  })
}

/**
 * Keeps an offered key beside the one that the session was authenticated with, in place of any other; durable when it resolves.
 * False when there is nowhere to keep it, or the credential has moved on meanwhile.
 * @throws {PneError} CREDENTIAL_…: nothing has changed
 */
export async function keepOffered(credential: Credential, used: Key, offered: Key): Promise<boolean> {
  if (!isKept(credential) || isSameSeed(used, offered)) return false
  return change(credential, (keys) =>
    keysOf(keys).some((key) => isSame(key, used)) ? { current: used, next: offered } : undefined,
  )
}

/** From the keys where they are kept to those that `decide` gives; false when it gives none. */
function change(credential: Credential, decide: (keys: Keys) => Keys | undefined): Promise<boolean> {
  const before = changes.get(credential) ?? Promise.resolve()
  const done = before.catch(() => {}).then(() => changeNow(credential, decide))
  changes.set(credential, done)
  return done
}

async function changeNow(credential: Credential, decide: (keys: Keys) => Keys | undefined): Promise<boolean> {
  const { confirmed, keys } = credential
  const kept = credential.file === undefined ? { ...keys, confirmed } : await readKeys(credential)
  const wanted = kept && decide(kept)
  if (!kept || !wanted) return false
  if (!kept.confirmed || !areSame(kept, wanted)) await writeKeys(credential, wanted)
  credential.adopt(wanted)
  return true
}

function areSame(a: Keys, b: Keys): boolean {
  if (!isSame(a.current, b.current)) return false
  return a.next && b.next ? isSame(a.next, b.next) : a.next === b.next
}

function isSame(a: Key, b: Key): boolean {
  return isSameSeed(a, b) && timingSafeEqual(a.euKey, b.euKey)
}

function isSameSeed(a: Key, b: Key): boolean {
  return Buffer.compare(a.secondSeed, b.secondSeed) === 0
}
