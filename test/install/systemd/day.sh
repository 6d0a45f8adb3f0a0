#!/bin/bash
# A day of an operator on a machine with systemd, as docs/operations.md tells it. Runs as root within the container that
# systemd.test.ts boots; every line of facts that it prints is one of the test's.
cd /root || exit
export HOME=/root NO_COLOR=1
fact() { echo "FACT $1=$2"; }
opencpns() { /opt/opencpns/node_modules/node/bin/node /opt/opencpns/packages/cli/bin/opencpns.js "$@"; }
of() { systemctl show --property "$2" --value "$1"; }
wait_for() { for _ in $(seq 300); do "$@" && return; sleep 0.2; done; }
server=/var/lib/opencpns-server

opencpns server init --data $server --realm example.org
opencpns server install -- --listen 127.0.0.1:7410
systemctl daemon-reload
systemctl start opencpns-server
fact server "$(systemctl is-active opencpns-server)"
fact server-status "$(of opencpns-server StatusText)"
fact server-user "$(ps -o user:32= -p "$(of opencpns-server MainPID)")"

mkdir -m 700 /etc/opencpns
opencpns admin user add alice --data $server
opencpns admin gateway add home-gw --user alice --out /etc/opencpns/home-gw.json --data $server
opencpns gateway install -- --server 127.0.0.1:7410 --credential /etc/opencpns/home-gw.json --listen 127.0.0.1:7411
systemctl daemon-reload
systemctl start opencpns-gateway
fact gateway "$(systemctl is-active opencpns-gateway)"

opencpns gateway pair --data /var/lib/opencpns-gateway --address 127.0.0.1:7411 --json >ticket.json
opencpns pne pair "$(sed 's/.*"uri":"\([^"]*\)".*/\1/' ticket.json)" --credential watch.json
fact session "$(opencpns pne connect 127.0.0.1:7411 --credential watch.json --once --json)"
opencpns server backup cpns.backup --data $server && fact backup "$(stat -c %a cpns.backup)"

# What the sandbox lets it see, from within.
pid=$(of opencpns-server MainPID)
fact sees-home "$(nsenter -t "$pid" -m ls -A /root /home 2>/dev/null | grep -c watch.json)"
fact may-write "$(nsenter -t "$pid" -m touch /etc/here 2>&1 | grep -c 'Read-only file system')"
fact capabilities "$(sed -n 's/^CapBnd:\s*//p' "/proc/$pid/status") $(sed -n 's/^NoNewPrivs:\s*//p' "/proc/$pid/status")"
fact seccomp "$(sed -n 's/^Seccomp:\s*//p' "/proc/$pid/status")"

# An event loop that hangs is noticed.
mkdir -p /etc/systemd/system/opencpns-server.service.d
printf '[Service]\nWatchdogSec=3\n' >/etc/systemd/system/opencpns-server.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart opencpns-server
sleep 4
fact restarts-while-alive "$(of opencpns-server NRestarts)"
kill -STOP "$(of opencpns-server MainPID)"
restarted() { [ "$(of opencpns-server NRestarts)" -gt 0 ]; }
wait_for restarted
fact restarts-after-a-hang "$(of opencpns-server NRestarts)"
rm -r /etc/systemd/system/opencpns-server.service.d

# Root changes the key, and the service still reads it.
systemctl daemon-reload
systemctl stop opencpns-server
opencpns server rekey --data $server && systemctl start opencpns-server
fact after-rekey "$(systemctl is-active opencpns-server)"

# What cannot be used is not started again and again.
systemctl stop opencpns-server
chmod 644 "$(readlink -f $server)/master.key"
systemctl start opencpns-server
fact with-an-open-key "$(of opencpns-server Result) $(of opencpns-server ExecMainStatus) $(of opencpns-server NRestarts)"

opencpns server install --uninstall
fact units "$(find /etc/systemd/system -name 'opencpns-server*' | wc -l)"
fact data "$(ls $server/cpns.db)"
systemctl stop opencpns-gateway
fact end reached
