"""A long line between two network namespaces: carries the packets of two TUN devices to each other, late, and not all of them.

Usage: line.py NEAR FAR. Prints a line once the devices are there; then reads JSON objects from standard input, one a line:
{"delayMs": one way, "loss": share of packets, "there": whether packets from NEAR to FAR get through, "back": the other way}.
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_MAX = 65536
QUEUE_MAX = 10000


def device(name):
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return end


def carry(near, far):
    shape = {"delayMs": 0, "loss": 0, "there": True, "back": True}
    queue = []  # (when it arrives, a number that keeps the order, where, the packet)
    count = 0
    commands = b""
    while True:
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            _, _, end, packet = heapq.heappop(queue)
            try:
                os.write(end, packet)
            except OSError:
                pass  # a device that is down or full loses packets, as a line does
        wait = max(0, queue[0][0] - now) if queue else None
        for ready in select.select([sys.stdin.fileno(), near, far], [], [], wait)[0]:
            if ready == sys.stdin.fileno():
                octets = os.read(ready, PACKET_MAX)
                if not octets:
                    return
                *lines, commands = (commands + octets).split(b"\n")
                for line in lines:
                    shape = json.loads(line)
                continue
            packet = os.read(ready, PACKET_MAX)
            passes = shape["there"] if ready == near else shape["back"]
            if not passes or random.random() < shape["loss"] or len(queue) >= QUEUE_MAX:
                continue
            count += 1
            arrival = time.monotonic() + shape["delayMs"] / 1000
            heapq.heappush(queue, (arrival, count, far if ready == near else near, packet))


near_end, far_end = device(sys.argv[1]), device(sys.argv[2])
print("there", flush=True)
carry(near_end, far_end)
