// Why an authentication, a pairing or a request of a gateway was refused, in words for an operator. Server and gateway spell
// their reasons differently (`NO_VISITORS`, `no-visitors`); here they are one.

export interface Reason {
  /** A sentence without its full stop: what was the matter. */
  readonly says: string
  /** What to do, where there is something to do. */
  readonly advice?: string
}

const retryLater = 'It passes by itself; when it goes on, look at the load.'
const malformed = 'A device or gateway with a fault, an old version, or somebody who tries things out.'
const checkLink = 'Look at the network between gateway and server.'

const reasons: Readonly<Record<string, Reason>> = {
  // The server, about a device
  'unknown-pne': {
    says: 'No device has this 2nd seed',
    advice: 'It was never paired, its user was removed, or it is of another operator. Pair it again.',
  },
  'pne-pending': {
    says: 'Its pairing was never finished',
    advice: 'Let it pair again with the same ticket, or a new one.',
  },
  'pne-revoked': { says: 'The device was revoked', advice: 'For ever: to let it in again, pair it anew.' },
  'key-retired': {
    says: 'It came with a key that a newer one has replaced',
    advice:
      'A restored backup of the device, or a copy of its credential. When it does not use the newer one, pair it again.',
  },
  'identity-mismatch': { says: 'Its two identities in one attempt differ', advice: malformed },
  'roaming-not-allowed': {
    says: 'Its user does not allow roaming at this gateway',
    advice: 'The policy of the user tells where its devices may roam.',
  },
  'no-visitors': {
    says: 'The gateway takes no devices that other gateways paired',
    advice: 'The policy of the gateway tells whether it takes visitors.',
  },
  'gateway-revoked': { says: 'The gateway was revoked', advice: 'Its devices come in at other gateways.' },
  'challenge-expired': {
    says: 'The challenge was older than five minutes',
    advice: 'The clocks of gateway and server may differ, or the gateway was asleep.',
  },
  'challenge-forged': { says: 'The challenge was not issued to this gateway', advice: malformed },
  // EAP-GPSK
  'eap-malformed': { says: 'An EAP packet that cannot be read', advice: malformed },
  'eap-unexpected': { says: 'An EAP packet out of turn', advice: malformed },
  'eap-bad-mac': {
    says: 'The device does not hold the right key',
    advice: 'A damaged credential, or somebody who knows its 2nd seed only. Pair it again.',
  },
  'eap-unknown-peer': { says: 'No device has this identity', advice: 'Pair it again.' },
  'eap-wrong-server': { says: 'The device expects another server', advice: 'It belongs to another operator.' },
  'eap-wrong-rand': {
    says: 'An answer to another challenge',
    advice: 'An old message sent again, or two attempts mixed up.',
  },
  'eap-downgrade': {
    says: 'The list of ciphersuites was changed on the way',
    advice: 'Somebody between device and server tries to weaken it.',
  },
  'eap-unsupported-ciphersuite': {
    says: 'No ciphersuite in common',
    advice: 'The device needs ciphersuite 1 or 2 of EAP-GPSK.',
  },
  'eap-weak-psk': { says: 'The key is too short for the ciphersuite' },
  'eap-not-authorized': { says: 'The device proved who it is, and may not' },
  'eap-refused': {
    says: 'The device ended the conversation',
    advice: 'It does not trust the answer: a wrong key at one of the two.',
  },
  'eap-timed-out': { says: 'The conversation took too long', advice: checkLink },
  // Stock equipment, by RADIUS
  'eap-missing': { says: 'The access point asks without EAP', advice: 'Set it to 802.1X (WPA Enterprise).' },
  'eap-method-refused': { says: 'The device has no EAP-GPSK', advice: 'Set its EAP method to GPSK.' },
  'identity-invalid': {
    says: 'The name is not that of a device of this realm',
    advice: 'Use the identity that opencpns pne export prints.',
  },
  'state-expired': { says: 'The conversation with the access point took too long', advice: checkLink },
  'state-forged': { says: 'The access point mixed up two conversations', advice: malformed },
  'server-access-reject': { says: 'The AAA server refused the device', advice: 'Its log tells why.' },
  'pairing-needs-a-cpns-server': {
    says: 'A gateway with an AAA server cannot pair devices',
    advice: 'Pair at a gateway of a CPNS Server.',
  },
  // The gateway
  'sessions-full': {
    says: 'The gateway holds as many sessions as it can',
    advice: 'Add a gateway, or raise its bound.',
  },
  'pne-sessions-full': {
    says: 'The device holds as many sessions as its user allows',
    advice: 'The policy of the user tells how many.',
  },
  overloaded: { says: 'The gateway had too much to do', advice: retryLater },
  'unsupported-version': { says: 'No version of the protocol in common', advice: 'Update the device or the gateway.' },
  'service-unknown': { says: 'The gateway has no such service', advice: 'Its configuration names the services.' },
  'service-forbidden': {
    says: 'The service is not for this device',
    advice: 'The configuration of the gateway names who may use it.',
  },
  'service-unreachable': {
    says: 'The gateway does not reach the service behind it',
    advice: 'Look whether the service runs.',
  },
  'ticket-unknown': { says: 'A pairing ticket that this gateway did not make', advice: 'Make a new ticket.' },
  'ticket-used': { says: 'The pairing ticket was used already', advice: 'Make a new ticket.' },
  'ticket-expired': { says: 'The pairing ticket is too old', advice: 'Make a new ticket.' },
  'ticket-taken-over': {
    says: 'Another device took over the pairing ticket',
    advice: 'Make a new ticket for each device.',
  },
  'internal-error': { says: 'An error of the program', advice: 'Its log tells more: please report it.' },
  // The gateway, about the server
  'server-unreachable': { says: 'The gateway did not reach the server', advice: checkLink },
  'server-silent': { says: 'The server did not answer in time', advice: checkLink },
  'server-refused': {
    says: 'The server does not know the gateway',
    advice: 'Look whether it was revoked, and at its credential.',
  },
  'server-wrong': { says: 'The server broke the protocol', advice: 'Do versions of gateway and server fit?' },
  'server-response-incomplete': {
    says: 'The server left something out of its answer',
    advice: 'Do versions of gateway and server fit?',
  },
  'too-many-requests': { says: 'The gateway asks the server for too much at once', advice: retryLater },
  'server-success': { says: 'The server agreed' },
  'server-authentication-failed': {
    says: 'The server refused the device',
    advice: 'The part of the server tells why.',
  },
  'server-unsupported-version': { says: 'The server does not speak this version', advice: 'Update the gateway.' },
  'server-malformed-message': {
    says: 'The server could not read the gateway',
    advice: 'Do versions of gateway and server fit?',
  },
  'server-busy': { says: 'The server had too much to do', advice: retryLater },
  'server-server-unreachable': { says: 'The server did not reach what it needs', advice: 'Its log tells more.' },
  'server-ticket-used': { says: 'The server takes the pairing for used' },
  'server-ticket-expired': { says: 'The server takes the pairing for expired' },
  'server-service-unavailable': { says: 'The server does not offer that' },
  'server-not-permitted': { says: 'The gateway may not do that', advice: 'Look whether it was revoked.' },
  'server-challenge-refused': {
    says: 'The server refused the challenge',
    advice: 'It passes by itself: the gateway fetches new ones.',
  },
  // What the network or the other side did
  'authentication-failed': { says: 'The device was refused' },
  'malformed-message': { says: 'A message that cannot be read', advice: malformed },
  'unexpected-message': { says: 'A message out of turn', advice: malformed },
  'bad-identity': { says: 'An identity that cannot be read', advice: malformed },
  'bad-pairing-uri': { says: 'A pairing URI that cannot be read' },
  'frame-too-large': { says: 'A message that is too large', advice: malformed },
  'frame-empty': { says: 'An empty message', advice: malformed },
  'frame-truncated': { says: 'The device went away within a message', advice: 'A bad connection, or no power.' },
  'unexpected-octets': { says: 'More was sent than the flow allows', advice: malformed },
  'transcript-too-long': { says: 'Far more was sent than the flow needs', advice: malformed },
  'link-closed': { says: 'The device went away', advice: 'A bad connection, or no power.' },
  'send-queue-full': { says: 'The device reads too slowly', advice: 'A bad connection.' },
  'deadline-exceeded': { says: 'The device did not answer in time', advice: 'A bad connection, or no power.' },
  aborted: { says: 'The gateway was stopped meanwhile' },
  'tls-refused': {
    says: 'The TLS handshake failed: device and gateway have no key in common',
    advice: 'A revoked or damaged credential, or somebody who is not the device.',
  },
  unreachable: { says: 'No connection could be made', advice: checkLink },
  'bad-address': { says: 'An address that cannot be read' },
  'port-taken': { says: 'The port is in use' },
  'listen-failed': { says: 'The address cannot be listened at' },
  'file-missing': { says: 'A file is missing', advice: 'Look at the data folder.' },
  'file-unreadable': { says: 'A file cannot be read', advice: 'Look at the data folder.' },
  'file-too-open': { says: 'A file is open to others', advice: 'chmod 600' },
  'file-too-large': { says: 'A file is too large', advice: 'Look at the data folder.' },
  'file-exists': { says: 'A file is there already' },
  'file-unwritable': { says: 'A file cannot be written', advice: 'Look at the room on the disk.' },
  // The registry and its store, about what a gateway asked for
  'address-invalid': { says: 'The address cannot be read' },
  'address-taken': { says: 'The address belongs to another gateway' },
  'assigned-elsewhere': { says: 'Another gateway assigned this key' },
  'gateway-exists': { says: 'A gateway of this name is there already' },
  'gateway-unknown': { says: 'No such gateway' },
  'generation-in-use': { says: 'Keys still use this generation' },
  'generation-newest': { says: 'It is the newest generation' },
  'generation-unknown': { says: 'No such generation' },
  'key-last': { says: 'It is the last key of the device' },
  'key-unknown': { says: 'No such key' },
  'name-invalid': { says: 'The name is not allowed' },
  'pne-ambiguous': { says: 'Several devices are meant' },
  'reports-missing': {
    says: 'Reports of the gateway are missing in between',
    advice: 'It was restored from a backup perhaps; it mends itself.',
  },
  'user-exists': { says: 'A user of this name is there already' },
  'changed-meanwhile': { says: 'Somebody else changed it meanwhile' },
  'pne-unknown': { says: 'No such device' },
  'token-exists': { says: 'A token of this name is there already' },
  'token-unknown': { says: 'No such token' },
  'user-unknown': { says: 'No such user' },
  'store-busy': { says: 'The database was busy', advice: retryLater },
  'store-full': { says: 'The disk of the server is full', advice: 'Make room.' },
}

/** Reasons in words; one that nobody has written of is told by its code. */
export function explainReason(code: string): Reason {
  const known = isExplained(code) ? reasons[spell(code)] : undefined
  if (known) return known
  const words = spell(code).replaceAll('-', ' ')
  return { says: words.charAt(0).toUpperCase() + words.slice(1) }
}

/** Whether {@link explainReason} has more to say than the code. */
export function isExplained(code: string): boolean {
  return Object.hasOwn(reasons, spell(code))
}

function spell(code: string): string {
  return code.toLowerCase().replaceAll('_', '-')
}
