"""Stands between a client and a broker and records what they say, as raw bytes of each direction and as a capture that tcpdump could have
written (no test machine has to let us capture packets)."""
import socket
import struct
import threading
import time

ADDRESSES = b"\x0a\0\0\1", b"\x0a\0\0\2"  # the client, the broker
CLIENT_PORT, BROKER_PORT = 40000, 9092
SYN, FIN, ACK = 2, 1, 16
SEGMENT = 1400


class Recorder:
    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.lock = threading.Lock()
        self.packets, self.streams = [], []  # (time, packet); for each connection [requests, responses]
        self.threads = []

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def wait(self):
        """Until every connection so far has ended on both sides."""
        for thread in list(self.threads):
            thread.join(10)
            assert not thread.is_alive(), "a connection does not end"

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.broker_port))
            with self.lock:
                number = len(self.streams)
                self.streams.append([b"", b""])
                self.packet(number, 0, SYN, -1, b"")
                self.packet(number, 1, SYN | ACK, -1, b"")
            for side, (source, target) in enumerate([(client, broker), (broker, client)]):
                thread = threading.Thread(target=self.pump, args=(number, side, source, target), daemon=True)
                self.threads.append(thread)
                thread.start()

    def pump(self, number, side, source, target):
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with self.lock:
                at = len(self.streams[number][side])
                self.streams[number][side] += data
                for begin in range(0, len(data), SEGMENT):
                    self.packet(number, side, ACK, at + begin, data[begin:begin + SEGMENT])
                if not data:
                    self.packet(number, side, FIN | ACK, at, b"")
            if not data:
                try:
                    target.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                return
            target.sendall(data)

    def packet(self, number, side, flags, at, payload):
        """Raw IPv4 with TCP; the first byte of each stream has the number 1000."""
        ports = [CLIENT_PORT + number, BROKER_PORT]
        tcp = struct.pack(">HHIIBBHHH", ports[side], ports[1 - side], 1000 + at, 0, 0x50, flags, 1024, 0, 0) + payload
        ip = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(tcp), 0, 64, 6, 0) + ADDRESSES[side] + ADDRESSES[1 - side]
        self.packets.append((time.time(), ip + tcp))

    def write_capture(self, path, mangle=lambda packets: packets):
        with self.lock, open(path, "wb") as f:
            f.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
            for when, packet in mangle(list(self.packets)):
                f.write(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(packet), len(packet)) + packet)

    def write_stream(self, path, number, side):
        with self.lock, open(path, "wb") as f:
            f.write(self.streams[number][side])
