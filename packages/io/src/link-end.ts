// How a link of frames ended. Most links end in good order and nobody asks for the error, which costs more than all else at
// the end: so it is made when it is asked for.

import { IoError } from './errors.ts'

export interface LinkEnd {
  readonly orderly: boolean
  error(): unknown
}

export const failed = (error: unknown): LinkEnd => ({ orderly: false, error: () => error })
const ended = (message: string): LinkEnd => ({ orderly: true, error: () => new IoError('LINK_CLOSED', message) })
const ENDED = ended('the other side ended the connection')

/** By this side. */
export const CLOSED = ended('the link was closed')
export const HANDED_OVER = ended('the link was handed over')

/**
 * By the other side.
 * @param isCut whether a frame had begun
 * @param cause an error of the socket
 */
export function endOfOther(isCut: boolean, cause: unknown): LinkEnd {
  const options = cause === undefined ? {} : { cause }
  if (isCut) {
    return failed(new IoError('FRAME_TRUNCATED', 'the other side ended the connection inside a message', options))
  }
  if (cause === undefined) return ENDED
  return failed(new IoError('LINK_CLOSED', 'the other side ended the connection', options))
}
