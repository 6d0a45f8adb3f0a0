// A systemd unit (systemd.service(5), systemd.exec(5)) that runs one command of ours with as few rights as it needs: pure text.

/** First line of each unit that we write: no other is overwritten or removed. */
export const MARK = '# Written by opencpns'

export interface UnitFacts {
  /** Of the unit, and of its folder in /var/lib. */
  readonly name: string
  readonly description: string
  /** Program and arguments. `%` and `$` in them mean what systemd.service(5) says. */
  readonly command: readonly string[]
  /** Files that root may read and the service must: by the name under which it finds them. */
  readonly credentials: ReadonlyMap<string, string>
  /** It listens on a port below 1024. */
  readonly needsLowPort: boolean
  /** It asks the system for its network interfaces (multicast DNS). */
  readonly needsInterfaces: boolean
}

export function unitText(facts: UnitFacts): string {
  const { name, description, command, credentials, needsLowPort, needsInterfaces } = facts
  return `${MARK} ${command.find((word) => word === 'server' || word === 'gateway')} install. Change it with: systemctl edit ${name}
[Unit]
Description=${description}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
# systemd-notify is a process of its own.
NotifyAccess=all
ExecStart=${command.map(quoted).join(' ')}
${[...credentials].map(([of, path]) => `LoadCredential=${of}:${path.replaceAll('%', '%%')}\n`).join('')}\
Restart=on-failure
RestartSec=2
# Wrong usage, and a credential or data folder that cannot be used: starting again would not help.
RestartPreventExitStatus=2 5
TimeoutStopSec=30
WatchdogSec=60
LimitNOFILE=65536

# A user of its own, made when it starts, and one folder.
DynamicUser=yes
StateDirectory=${name}
StateDirectoryMode=0700
WorkingDirectory=%S/${name}
UMask=0077

# The rest of the machine: nothing to write, little to see.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectProc=invisible
ProcSubset=pid
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
KeyringMode=private

# No right beyond those of a user.
NoNewPrivileges=yes
CapabilityBoundingSet=${needsLowPort ? LOW_PORT : ''}
AmbientCapabilities=${needsLowPort ? LOW_PORT : ''}
${needsLowPort ? '# PrivateUsers=yes would take the right to a port below 1024 away.' : 'PrivateUsers=yes'}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX${needsInterfaces ? ' AF_NETLINK' : ''}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute=yes: V8 writes machine code and runs it, and would end at once.

[Install]
WantedBy=multi-user.target
`
}

const LOW_PORT = 'CAP_NET_BIND_SERVICE'

/** A word of a command line as systemd reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./\-${}[\]]+$/.test(word) ? word : `"${word.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

/** A word in which nothing has a meaning of its own. */
export function literal(word: string): string {
  return word.replaceAll('%', '%%').replaceAll('$', '$$$$')
}
