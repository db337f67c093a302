"""Stands in for the program that fetches: layers from files, over the channel, to `unpack --channel`."""
import fcntl
import os
import socket
import struct
import subprocess
import threading

IMAGE, LAYER, NEED, STREAM, VERIFIED, DONE, FAILED = range(7)
FORM = '=III136s128s512s'
NONE, GZIP, ZSTD = range(3)


def message(kind, index=0, compression=0, diff='', need=b'', text=b''):
    return struct.pack(FORM, kind, index, compression, diff.encode(), need, text)


def pair():
    """Ours, and the number of theirs, which is inherited."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    high = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, 100)
    theirs.close()
    return ours, high


class Unpacker:
    """One run of it. layers: (bytes, compression, diff id) each, lowest first."""

    def __init__(self, command, layers, verify=True, limit=300):
        self.layers, self.verify = layers, verify
        self.channel, theirs = pair()
        self.channel.settimeout(limit)
        self.process = subprocess.Popen([*command, '--channel', str(theirs)], pass_fds=[theirs],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(theirs)
        self.failure, self.errors, self.status = None, '', None
        self.need = b''
        self.peak = 0  # KiB

    def feed(self, index):
        data = self.layers[index][0]
        reading, writing = os.pipe()
        try:
            socket.send_fds(self.channel, [message(STREAM, index)], [reading])
        except (BrokenPipeError, ConnectionResetError):
            os.close(writing)
            return
        finally:
            os.close(reading)
        try:
            with os.fdopen(writing, 'wb', buffering=0) as pipe:
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view):]
            if self.verify:
                self.channel.send(message(VERIFIED, index))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ask(self):
        self.channel.send(message(IMAGE, len(self.layers)))
        for index, (_, compression, diff) in enumerate(self.layers):
            self.channel.send(message(LAYER, index, compression, diff))
        answer = self.channel.recv(4096)
        self.need = struct.unpack(FORM, answer)[4][:len(self.layers)] if answer else b''

    def measure(self):
        """The most memory it has had: it is still there, and waits for us."""
        try:
            with open(f'/proc/{self.process.pid}/status', encoding='ascii') as status:
                self.peak = next((int(line.split()[1]) for line in status if line.startswith('VmHWM')), 0)
        except OSError:
            pass

    def run(self):
        feeders = []
        try:
            self.ask()
            for index, needed in enumerate(self.need):
                if needed:
                    feeders.append(threading.Thread(target=self.feed, args=(index,)))
                    feeders[-1].start()
            open_layers = sum(self.need)
            while open_layers and self.verify:
                answer = self.channel.recv(4096)
                if not answer:
                    break
                kind, _, _, _, _, text = struct.unpack(FORM, answer)
                if kind == FAILED:
                    self.failure = text.split(b'\0')[0].decode('utf-8', 'replace')
                    break
                open_layers -= kind == DONE
        except (BrokenPipeError, ConnectionResetError):
            pass
        for feeder in feeders:
            feeder.join()
        self.measure()
        try:
            self.channel.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        _, errors = self.process.communicate(timeout=300)
        self.channel.close()
        self.status = self.process.returncode
        self.errors = (self.failure or '') + errors.decode('utf-8', 'replace')
        return self
