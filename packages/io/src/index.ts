// What touches the machine, for all three roles: framed links, TLS with an external PSK, TCP, files with secrets, waiting.
// No message of the protocol is known here.

export { Admission, type AdmissionTicket } from './admission.ts'
export { type Backoff, type BackoffOptions, backoff, sleep } from './backoff.ts'
export { Deadline, type Limits, watch } from './deadline.ts'
export { elapsedClock } from './elapsed.ts'
export { IoError, type IoErrorCode } from './errors.ts'
export { giveToFolderOwner, readSecretFile, syncFolder, type WriteOptions, writeFileAtomic } from './files.ts'
export { join } from './join.ts'
export { type FrameHandler, FrameLink, type FrameLinkOptions, type FramesOptions } from './links.ts'
export { type Logger, silent } from './logger.ts'
export { reset } from './reset.ts'
export { type Address, connectTcp, formatHostPort, type Listening, listenTcp, parseHostPort } from './tcp.ts'
export { acceptTlsPsk, connectTlsPsk, type TlsFacts, type TlsPskOptions, tlsFacts } from './tls.ts'
export { type Party, type Step, stepNow, Trace, timeNow } from './trace.ts'
