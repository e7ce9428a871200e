"""Captures for the test of the dissector: writes connections as a pcap file, and reads the frames of a real one."""

import collections
import struct

PORT = 9000
SYN, ACK, PUSH = 2, 16, 8
ETHERNET_BYTE_COUNT = 14


class Capture:
    """A pcap file of IPv4 packets in the making; packets get times a millisecond apart."""

    def __init__(self):
        self.packets = []

    def connection(self, client_port):
        return Connection(self, client_port)

    def datagram(self, ports, data):
        """One UDP datagram from 10.0.0.2 to the group of section 20, with these ports."""
        segment = struct.pack(">HHHH", *ports, 8 + len(data), 0) + data
        self.packets.append(
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), len(self.packets) & 0xFFFF, 0, 1, 17, 0)
            + b"\x0a\0\0\2" + bytes([239, 255, 77, 82]) + segment)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 20, 101))
            for index, packet in enumerate(self.packets):
                file.write(struct.pack("<IIII", 1700000000 + index // 1000, index % 1000 * 1000,
                                       len(packet), len(packet)) + packet)


class Connection:
    """A TCP connection from 10.0.0.2 to PORT at 10.0.0.1, its handshake first."""

    def __init__(self, capture, client_port):
        self.capture, self.client_port = capture, client_port
        self.sent = {"connecting": 1000, "accepting": 5000}
        self._packet("connecting", SYN, b"")
        self.sent["connecting"] += 1
        self._packet("accepting", SYN | ACK, b"")
        self.sent["accepting"] += 1
        self._packet("connecting", ACK, b"")

    def send(self, side, data, pieces=1):
        """Sends bytes in so many segments, of which none is empty; none has more than 16 KiB."""
        size = max(1, min(-(-len(data) // pieces), 16384))
        for place in range(0, len(data), size):
            piece = data[place:place + size]
            self._packet(side, ACK | PUSH, piece)
            self.sent[side] += len(piece)

    def _packet(self, side, flags, data):
        other = "accepting" if side == "connecting" else "connecting"
        ports = (self.client_port, PORT) if side == "connecting" else (PORT, self.client_port)
        hosts = (b"\x0a\0\0\2", b"\x0a\0\0\1") if side == "connecting" else (b"\x0a\0\0\1", b"\x0a\0\0\2")
        acknowledged = self.sent[other] if flags & ACK else 0
        segment = struct.pack(">HHIIBBHHH", *ports, self.sent[side], acknowledged, 5 << 4, flags, 65535, 0, 0) + data
        self.capture.packets.append(
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), len(self.capture.packets) & 0xFFFF, 0, 64, 6, 0)
            + hosts[0] + hosts[1] + segment)


def frames_of(path, ports):
    """How many frames of each type a pcap file of loopback has on these ports, counted without Wireshark."""
    streams = collections.defaultdict(dict)
    with open(path, "rb") as file:
        data = file.read()
    place = 24
    while place + 16 <= len(data):
        captured = struct.unpack_from("<I", data, place + 8)[0]
        packet = data[place + 16 + ETHERNET_BYTE_COUNT:place + 16 + captured]
        place += 16 + captured
        ip_length = (packet[0] & 15) * 4
        total = struct.unpack_from(">H", packet, 2)[0] or len(packet)
        tcp = packet[ip_length:total]
        source, target, sequence = struct.unpack_from(">HHI", tcp)
        payload = tcp[(tcp[12] >> 4) * 4:]
        if source not in ports and target not in ports:
            continue
        stream = streams[(packet[12:20], source, target)]
        if tcp[13] & SYN:
            stream["first"] = sequence + 1
        elif payload:
            stream[(sequence - stream["first"]) & 0xFFFFFFFF] = payload
    counts = collections.Counter()
    for stream in streams.values():
        stream.pop("first", None)
        whole = b""
        for start in sorted(stream):
            # A segment that was sent again brings what is there already.
            assert start <= len(whole), "the capture lacks bytes"
            whole += stream[start][len(whole) - start:]
        place = 0
        # A connection may end inside a frame (T-4): such a frame is none.
        while place + 12 <= len(whole):
            length, kind = struct.unpack_from(">IB", whole, place)
            place += 12 + length
            counts[kind] += place <= len(whole)
    return counts
