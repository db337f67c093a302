"""Where faults.py lets things go wrong: the images, the storages to begin with, and how the programs are run there."""
import json
import os
import random
import struct
import subprocess

from archives import archive, directory, file, hardlink, pax, symlink
from small import Image
from store import Store, tree_digest

LIMIT = 300  # seconds

# ---- the images ----

def noise(length, seed):
    return random.Random(seed).randbytes(length)


def tiny_program():
    """An executable that needs nothing of its image: exit(0), as a file of ELF with one segment."""
    code, base = bytes.fromhex('b83c00000031ff0f05'), 0x400000  # mov eax, 60; xor edi, edi; syscall
    size = 120 + len(code)
    header = b'\x7fELF\2\1\1' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 2, 62, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack('<IIQQQQQQ', 1, 5, 0, base, base, size, size, 4096) + code


def images():
    """All that a layer can bring: what is made anew, what is taken over from below, what is hidden."""
    root = directory('./', mtime=1) + file('true', tiny_program(), mode=0o755, mtime=1)
    lower = archive(root, directory('etc', mtime=2), file('etc/passwd', 'root:x:0:0::/:/bin/sh\n', mtime=3),
                    directory('var', mtime=4), directory('var/lib', 0o700, uid=3, gid=4, mtime=5), file('var/lib/x', 'x', mtime=6),
                    pax({'SCHILY.xattr.user.note': 'kept'}) + file('big', noise(200000, 'big'), mode=0o4755, uid=5, mtime=7),
                    symlink('link', 'etc/passwd', mtime=8), hardlink('hard', 'big'))
    upper = archive(directory('./', mtime=1), file('etc/new', 'new', mtime=9), file('etc/.wh.passwd'), file('var/.wh..wh..opq'),
                    file('var/fresh', 'f', mtime=10), hardlink('again', 'big'), file('big', noise(70000, 'top'), mtime=11))
    old = archive(root, directory('etc', mtime=2), file('etc/passwd', 'old', mtime=3))
    kept = archive(root, directory('data', mtime=2), file('data/kept', noise(5000, 'kept'), mtime=3))
    return {'keep': Image([kept]), 'old': Image([old]), 'two': Image([lower, upper])}


# ---- running ----

class World:
    """Where it all happens; bases: storages to begin with, by name."""

    def __init__(self, work, image, fault, registry):
        self.work, self.image, self.fault, self.registry = work, image, fault, registry
        self.images = images()
        self.trees = {}
        self.options = ['--tls-verify=false', '-q']
        os.makedirs(work, exist_ok=True)

    def name(self, image, tag='1'):
        return f'{self.registry}/test/{image}:{tag}'

    def path(self, *names):
        return os.path.join(self.work, *names)

    def command(self, storage, *words):
        return [self.image, '--storage', storage, *words]

    def pair(self, storage, name, *options):
        return [*self.command(storage, 'pull', *self.options, *options, '--channel', '3', name), '+',
                *self.command(storage, 'unpack', '--channel', '3')]

    def run(self, words, log=None):
        prefix = [self.fault, *(['-l', log] if log else [])] if '+' in words else []
        return subprocess.run([*prefix, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                              errors='replace', check=False)

    def start(self, words):
        prefix = [self.fault] if '+' in words else []
        return subprocess.Popen([*prefix, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, errors='replace')

    def must(self, words):
        done = self.run(words)
        if done.returncode:
            raise RuntimeError(f'{words}: status {done.returncode}\n{done.stdout}{done.stderr}')
        return done.stdout

    def remove(self, path):
        if os.path.lexists(path) and subprocess.run(['rm', '-rf', path], check=False, stderr=subprocess.DEVNULL).returncode:
            subprocess.run(['chmod', '-R', 'u+rwX', path], check=True)
            subprocess.run(['rm', '-rf', path], check=True)

    def copy(self, base, path):
        self.remove(path)
        subprocess.run(['cp', '-a', self.path(base), path], check=True)
        return Store(path)

    def learn(self, base):
        for way, chain in Store(self.path(base)).layers():
            self.trees[way, chain] = tree_digest(self.path(base, 'layers', way, chain[7:], 'tree'))

    def bases(self):
        """kept: one image; old: and a name that means another than in the registry; new: and what it means there."""
        kept, old, new, broken = (self.path(name) for name in ('kept', 'old', 'new', 'broken'))
        self.must(self.pair(kept, self.name('keep')))
        self.copy('kept', old)
        self.must(self.pair(old, self.name('two', 'old')))
        self.must(self.command(old, 'tag', self.name('two', 'old'), self.name('two')))
        self.must(self.command(old, 'rm', self.name('two', 'old')))
        self.copy('old', new)
        self.must(self.pair(new, self.name('two')))
        for base in ('kept', 'old', 'new'):
            self.learn(base)
        self.copy('new', broken)
        chain = json.loads(Store(broken).blob(self.config_of('two')))['rootfs']['diff_ids'][0]
        self.remove(next(self.path('broken', 'layers', way, chain[7:]) for way, each in Store(broken).layers() if each == chain))
        os.unlink(os.path.join(broken, 'records', self.images['keep'].digest[7:] + '.json'))
        for way, each in Store(broken).layers():
            if each == json.loads(Store(broken).blob(self.config_of('keep')))['rootfs']['diff_ids'][0]:
                self.remove(self.path('broken', 'layers', way, each[7:], 'tree'))

    def config_of(self, image):
        return json.loads(self.images[image].manifest)['config']['digest']
