#!/usr/bin/env python3
"""Unpacks hostile and honest layers, and prints TAP.

layers.py WORK IMMURE-IMAGE [GROUP…]: in the user namespace it finds itself in, which decides between the two ways.
"""
import fcntl
import hashlib
import itertools
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import threading
import time

from archives import (END, archive, base256, directory, file, gzipped, hardlink, header, long_name, member, padded, pax,
                      record, symlink, zeros_gzipped)
from channel import GZIP, NONE, ZSTD, Unpacker
from tap import MAPPED, chosen, finish, report

WORK, IMAGE = sys.argv[1], sys.argv[2]
ONLY = sys.argv[3:]
STORAGE = os.path.join(WORK, 'storage')
WAY = 'mapped' if MAPPED else 'single'
COMMAND = [IMAGE, '--storage', STORAGE, 'unpack']
OVERRIDE = 'user.containers.override_stat'

# ---- what lies there afterwards ----

def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def chain_of(diffs):
    chain = diffs[0]
    for diff in diffs[1:]:
        chain = digest(f'{chain} {diff}'.encode())
    return chain


def describe(path, status):
    """(kind, content or target, mode, uid, gid, mtime), in the way's own form."""
    mode, uid, gid = status.st_mode, status.st_uid, status.st_gid
    if stat.S_ISLNK(mode):
        return ('l', os.readlink(path), None, uid if MAPPED else 0, gid if MAPPED else 0, int(status.st_mtime))
    if stat.S_ISFIFO(mode):
        return ('p', None, stat.S_IMODE(mode), uid if MAPPED else 0, gid if MAPPED else 0, int(status.st_mtime))
    if not MAPPED:
        try:
            words = os.getxattr(path, OVERRIDE).decode().split(':')
            uid, gid, mode = int(words[0]), int(words[1]), stat.S_IFMT(mode) | int(words[2], 8)
        except OSError:
            return ('?', 'no override_stat', None, None, None, None)
    if stat.S_ISDIR(mode):
        return ('d', None, stat.S_IMODE(mode), uid, gid, int(status.st_mtime))
    with open(path, 'rb') as content:
        return ('f', content.read(), stat.S_IMODE(mode), uid, gid, int(status.st_mtime))


def is_whiteout(status):
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path):
    try:
        return os.getxattr(path, 'user.overlay.opaque') == b'y'
    except OSError:
        return False


def drop(tree, path):
    for name in [name for name in tree if name == path or name.startswith(path + '/')]:
        del tree[name]


def apply_layer(tree, top):
    for where, names, files in os.walk(top):
        below = os.path.relpath(where, top)
        below = '' if below == '.' else below
        status = os.lstat(where)
        if is_opaque(where):
            for name in [name for name in tree if name.startswith(below + '/') or (not below and name)]:
                del tree[name]
        if below in tree and tree[below][0] != 'd':
            drop(tree, below)
        tree[below] = describe(where, status)
        for name in names + files:
            path = os.path.join(where, name)
            status = os.lstat(path)
            inside = os.path.join(below, name)
            if stat.S_ISDIR(status.st_mode):
                continue
            drop(tree, inside)
            if not is_whiteout(status):
                tree[inside] = describe(path, status)


def merged(diffs):
    tree = {}
    for index in range(len(diffs)):
        apply_layer(tree, os.path.join(STORAGE, 'layers', WAY, chain_of(diffs[:index + 1])[7:], 'tree'))
    return tree


def own(diffs, path=''):
    return os.path.join(STORAGE, 'layers', WAY, chain_of(diffs)[7:], 'tree', path)


def roomy():
    """Whether files can have more names of xattrs here than a block of ext4 holds."""
    path = os.path.join(WORK, 'roomy')
    with open(path, 'wb'):
        pass
    try:
        for i in range(60):
            os.setxattr(path, f'user.{"n" * 200}{i}', b'v')
        return True
    except OSError:
        return False
    finally:
        os.unlink(path)


def rubbish():
    staging = os.path.join(STORAGE, 'staging')
    return [name for name in os.listdir(staging) if name != '.lock'] if os.path.isdir(staging) else []


# ---- running ----

def unpack(layers, **options):
    """layers: archives as bytes, or (compressed, compression, diff)."""
    whole = [layer if isinstance(layer, tuple) else (layer, NONE, digest(layer)) for layer in layers]
    return Unpacker(COMMAND, whole, **options).run(), [layer[2] for layer in whole]


CANARY = os.path.join(WORK, 'canary')


def make_canary():
    os.makedirs(os.path.join(CANARY, 'dir'), exist_ok=True)
    with open(os.path.join(CANARY, 'file'), 'w') as canary:
        canary.write('canary')


def canary():
    seen = []
    for where, names, files in os.walk(CANARY):
        for name in [''] + files:
            status = os.lstat(os.path.join(where, name))
            seen.append((where, name, status.st_mode, status.st_nlink, status.st_uid, status.st_ino, status.st_ctime_ns))
    return sorted(seen)


def forget():
    """What is unpacked already would not even be asked for."""
    for name in os.listdir(os.path.join(STORAGE, 'layers', WAY)) if os.path.isdir(STORAGE + '/layers') else []:
        subprocess.run(['chmod', '-R', 'u+rwX', os.path.join(STORAGE, 'layers', WAY, name)], check=False)
        shutil.rmtree(os.path.join(STORAGE, 'layers', WAY, name))


def refuses(what, layers, pattern, **options):
    """The last layer is refused, with that message; nothing of it stays. layers: a function where they cost something to make."""
    if not chosen(what):
        return
    forget()
    before = canary()
    run, diffs = unpack(layers() if callable(layers) else layers, **options)
    placed = os.path.exists(own(diffs))
    good = (run.status == 125 and re.search(pattern, run.errors) and not placed and not rubbish()
            and canary() == before and run.errors.count('\n') <= 2)
    report(good, f'{what}: refused', f'status {run.status}, placed {placed}, staging {rubbish()}, '
           f'canary {"same" if canary() == before else "CHANGED"}\n{run.errors}')


def accepts(what, layers, wanted, absent=(), said='', **options):
    """wanted: path to what describe() must begin with, or a function of it."""
    if not chosen(what):
        return None
    forget()
    before = canary()
    run, diffs = unpack(layers, **options)
    if run.status != 0 or not re.fullmatch(said and f'immure: {said}', run.errors):
        report(False, what, f'status {run.status}\n{run.errors}')
        return None
    tree = merged(diffs)
    wrong = [f'{path}: {tree.get(path)}, want {want}' for path, want in wanted.items()
             if path not in tree or not (want(tree[path]) if callable(want) else tree[path][:len(want)] == want)]
    wrong += [f'{path} is there' for path in absent if path in tree]
    if canary() != before:
        wrong.append('the canary CHANGED')
    if rubbish():
        wrong.append(f'staging: {rubbish()}')
    report(not wrong, what, '\n'.join(wrong))
    return diffs


def bounded(what, run, limit):
    """Peak memory in MiB; the sanitizers' own would drown it."""
    if 'asan' not in IMAGE:
        report(0 < run.peak < limit * 1024, f'{what}: in less than {limit} MiB of memory', f'{run.peak} KiB, {run.errors}')


# ---- names: T-TAR-01, 02, 26 ----

def names():
    for name in ('../x', 'a/../x', './../x', '..', 'a/..', '/../x', 'a/../../x', '/a/..//x', 'a/.././x', '../../../../tmp/x'):
        refuses(f'the name {name!r} (T-TAR-01)', [archive(file(name))], r'"\.\."')
    for name, path in (('/x', 'x'), ('//x', 'x'), ('./x', 'x'), ('a//b', 'a/b'), ('a/./b', 'a/b'), ('.//a/././b', 'a/b'),
                       ('...', '...'), ('a/.../b', 'a/.../b'), ('-rf', '-rf'), (' ', ' '), ('..a', '..a'), ('\u0151', '\u0151'),
                       ('a\nb', 'a\nb'), ('\x1b[2J', '\x1b[2J')):
        accepts(f'the name {name!r} is {path!r} in the layer (T-TAR-01)', [archive(file(name, 'x'))], {path: ('f', b'x')})
    accepts('a name that is not UTF-8 (T-TAR-02)', [archive(file(b'lat\xe9in', 'x'))], {'lat\udce9in': ('f', b'x')})
    accepts('255 bytes of a component (T-TAR-02)', [archive(pax({'path': 'n' * 255}) + file('n', 'x'))], {'n' * 255: ('f', b'x')})
    refuses('256 bytes of a component (T-TAR-02)', [archive(pax({'path': 'n' * 256}) + file('n'))], 'component over 255')
    refuses('4,096 bytes of a name (T-TAR-02)', [archive(pax({'path': 'n/' * 2048}) + directory('n'))], 'too long|longer')
    refuses('2,000 levels (T-TAR-02)', [archive(pax({'path': 'n/' * 2000 + 'x'}) + file('n'))], 'more than 256 components')
    refuses('NUL in a pax path (T-TAR-02)', [archive(pax({'path': b'a\0b'}) + file('n'))], 'holds a NUL')
    refuses('NUL in a pax link (T-TAR-02)', [archive(pax({'linkpath': b'a\0b'}) + symlink('n', 'a'))], 'holds a NUL')
    refuses('NUL in a long name (T-TAR-02)', [archive(long_name(b'a\0b') + file('n'))], 'goes on after a NUL')
    refuses('an empty name', [archive(header(''))], 'no name|root')
    refuses('a file at the root', [archive(file('./', 'x'))], r'"/" on what is no directory|root of a layer')
    refuses('a symbolic link at the root (T-TAR-38)', [archive(symlink('.', '/'))], 'root of a layer')
    refuses('an error message with an escape in it',
            [archive(file('\x1b[2J/../x'))], r'\\x1[bB]')
    accepts('a prefix in the header (T-TAR-26)', [archive(header('b', prefix=b'a'))], {'a/b': ('f', b'')})
    accepts('a header of the seventh edition (T-TAR-26)', [archive(header('old', '\0', magic=b''))], {'old': ('f', b'')})
    accepts('a directory of the seventh edition (T-TAR-26)', [archive(header('old/', '\0', magic=b'', mode=0o755))], {'old': ('d',)})
    refuses('a regular file with a slash (T-TAR-26)', [archive(header('old/', '0'))], 'no directory')
    refuses("star's own header (T-TAR-26)", [archive(header('x', tail=b'tar\0'))], "star's own")
    refuses('a magic that is none (T-TAR-26)', [archive(header('x', magic=b'foobar  '))], 'not a tar header')
    refuses('a wrong checksum (T-TAR-26)', [archive(header('x', checksum=1))], 'checksum')
    for kind in 'DMVNXAZ8':
        refuses(f'an entry of type {kind} (T-TAR-26)', [archive(header('x', kind))], 'type of entry')
    accepts('a contiguous file, type 7 (T-TAR-26)', [archive(file('x', 'c', kind='7'))], {'x': ('f', b'c')})


# ---- links: T-TAR-03 to 11, 38 ----

def links():
    target = CANARY.lstrip('/')
    accepts('a file through an absolute link stays inside (T-TAR-03)',
            [archive(symlink('d', CANARY + '/dir'), file('d/f', 'x'))], {f'{target}/dir/f': ('f', b'x')})
    accepts('a file through a link with ".." stays inside (T-TAR-03)',
            [archive(symlink('d', '../../../../../../..' + CANARY), file('d/f', 'x'))], {f'{target}/f': ('f', b'x')})
    accepts('two chained links and a hard link (T-TAR-04)',
            [archive(directory('a/b/c'), symlink('a/b/c/up', '../..'), symlink('a/b/esc', 'c/up/../..'),
                     file(f'{target}/file', 'mine'), hardlink('x', f'a/b/esc/{target}/file'))],
            {'x': ('f', b'mine'), f'{target}/file': ('f', b'mine')})
    refuses('the same, to what only the host has (T-TAR-04)',
            [archive(directory('a/b/c'), symlink('a/b/c/up', '../..'), symlink('a/b/esc', 'c/up/../..'),
                     hardlink('x', f'a/b/esc/{target}/file'))], 'neither in this layer')
    accepts('a hard link to a link that lies deeper (T-TAR-05)',
            [archive(symlink('a/b/l', '../../../../etc/passwd'), hardlink('l', 'a/b/l'))], {'l': ('l', '../../../../etc/passwd')})
    refuses('a file written through that link replaces it, and "l/x" lies in a file (T-TAR-05)',
            [archive(symlink('a/b/l', '../../../..'), hardlink('l', 'a/b/l'), file('l', 'x'), file('l/x', 'y'))], 'is a file')
    refuses('a hard link through a link to the host (T-TAR-04)', [archive(symlink('d', CANARY), hardlink('x', 'd/file'))], 'neither in this layer')
    refuses('a hard link to an absolute path of the host (T-TAR-06)', [archive(hardlink('x', CANARY + '/file'))], 'neither in this layer')
    refuses('a hard link through ".." (T-TAR-06)', [archive(hardlink('x', '../' + target + '/file'))], r'"\.\."')
    accepts('an absolute target that is in the layer (T-TAR-06)', [archive(file('a', 'x'), hardlink('b', '/a'))], {'b': ('f', b'x')})
    refuses('a hard link with data (T-TAR-07)', [archive(file('a', 'x'), hardlink('b', 'a', size=512), padded(b'evil'))], 'not a file')
    diffs = accepts('a hard link, then a file in its place (T-TAR-07)',
                    [archive(file('a', 'x'), hardlink('b', 'a'), file('b', 'evil'))], {'a': ('f', b'x'), 'b': ('f', b'evil')})
    if diffs:
        report(os.lstat(own(diffs, 'a')).st_nlink == 1, 'which is another file', '')
    first = archive(file('shared', 'good', mtime=7))
    diffs = accepts('an upper layer that links and overwrites (T-TAR-07)',
                    [first, archive(hardlink('mine', 'shared'), file('shared', 'evil'))],
                    {'mine': ('f', b'good'), 'shared': ('f', b'evil')})
    if diffs:
        with open(own(diffs[:1], 'shared'), 'rb') as shared:
            report(shared.read() == b'good', 'the lower layer keeps its own', '')
    refuses('a hard link to a directory (T-TAR-08)', [archive(directory('d'), hardlink('x', 'd'))], 'no file')
    refuses('a hard link to itself (T-TAR-08)', [archive(file('x'), hardlink('x', 'x'))], 'to itself')
    refuses('a hard link to what comes later (T-TAR-08)', [archive(hardlink('x', 'y'), file('y'))], 'neither in this layer')
    refuses('two hard links to each other (T-TAR-08)', [archive(hardlink('x', 'y'), hardlink('y', 'x'))], 'neither in this layer')
    refuses('a hard link to a whiteout (T-TAR-08)', [archive(file('.wh.y'), hardlink('x', 'y'))], 'no file')
    refuses('a hard link to the root (T-TAR-08)', [archive(hardlink('x', '/'))], 'root')
    accepts('a directory over a link, then a file in it (T-TAR-09)',
            [archive(directory('etc')), archive(symlink('etc', '/')), archive(file('etc/passwd', 'x'))],
            {'etc': ('l', '/'), 'passwd': ('f', b'x')}, ['etc/passwd'])
    accepts('a directory over a link replaces it (T-TAR-10)',
            [archive(symlink('d', CANARY + '/dir'), directory('d', mode=0o777, mtime=0))], {'d': ('d', None, 0o777)})
    accepts('a link over a directory whose time is yet to be set (T-TAR-11)',
            [archive(directory('d', mtime=5), file('d/f'), symlink('d', CANARY + '/dir'))], {'d': ('l', CANARY + '/dir')}, ['d/f'])
    refuses('a circle of links (T-TAR-38)', [archive(symlink('a', 'b'), symlink('b', 'a'), file('a/x'))], 'circles|symbolic')
    refuses('an empty link (T-TAR-38)', [archive(symlink('a', ''))], 'link to nothing')
    refuses('4,096 bytes of a link (T-TAR-38)', [archive(long_name('t' * 4096, 'K') + symlink('a', 't'))], 'too long')
    accepts('4,095 bytes of a link (T-TAR-38)', [archive(long_name('t' * 4095, 'K') + symlink('a', 't'))], {'a': ('l', 't' * 4095)})
    accepts('a newline in a link (T-TAR-38)', [archive(symlink('a', 'x\ny'))], {'a': ('l', 'x\ny')})


# ---- layers upon layers ----

def settled():
    below = archive(directory('./', mode=0o711), directory('usr'), directory('usr/lib', mode=0o750, uid=3, gid=4, mtime=1234),
                    symlink('lib', 'usr/lib'), symlink('abs', '/usr/lib'), symlink('lost', 'usr/new'), symlink('up', '../../usr'),
                    file('usr/lib/a', 'a', mode=0o4755, uid=1, gid=2, mtime=99), hardlink('usr/lib/a2', 'usr/lib/a'), file('plain', 'p'))
    accepts('a directory without an entry takes after the one below', [below, archive(file('usr/lib/b', 'b'))],
            {'': ('d', None, 0o711), 'usr/lib': ('d', None, 0o750, 3, 4, 1234), 'usr/lib/b': ('f', b'b'), 'usr/lib/a': ('f', b'a')})
    accepts('one that nothing has gets root and 0755', [below, archive(file('x/y/z'))], {'x/y': ('d', None, 0o755, 0, 0, 0)})
    for link in ('lib', 'abs', 'up/lib'):
        accepts(f'what lies in {link}, a link below, goes where it leads', [below, archive(file(f'{link}/b', 'b'))],
                {'lib': ('l', 'usr/lib'), 'usr/lib/b': ('f', b'b'), 'usr/lib': ('d', None, 0o750, 3, 4)}, ['lib/b', 'abs/b'])
    accepts('where it leads to nothing, that is made', [below, archive(file('lost/d/b', 'b'))], {'usr/new/d/b': ('f', b'b'), 'lost': ('l',)})
    accepts('two ways to one directory are merged',
            [below, archive(file('lib/x/1', '1'), file('usr/lib/x/2', '2'), directory('lib/x', mode=0o700, mtime=77))],
            {'usr/lib/x/1': ('f', b'1'), 'usr/lib/x/2': ('f', b'2'), 'usr/lib/x': ('d', None, 0o700, 0, 0, 77)})
    accepts('a whiteout through a link below (T-TAR-13)', [below, archive(file('lib/.wh.a'))], {'usr/lib/a2': ('f', b'a')}, ['usr/lib/a'])
    accepts('an opaque marker through a link below (T-TAR-13)', [below, archive(file('lib/.wh..wh..opq'), file('lib/n', 'n'))],
            {'usr/lib/n': ('f', b'n'), 'lib': ('l',)}, ['usr/lib/a', 'usr/lib/a2'])
    accepts('a whiteout through a link to the host (T-TAR-13)',
            [archive(symlink('l', CANARY)), archive(file('l/.wh.file'), file('l/dir/.wh..wh..opq'))], {'l': ('l', CANARY)})
    refuses('a directory where below there is a file', [below, archive(file('plain/x'))], 'is a file in a layer below')
    accepts('an entry for a directory replaces a link below', [below, archive(directory('lib'), file('lib/b', 'b'))],
            {'lib': ('d',), 'lib/b': ('f', b'b')}, ['usr/lib/b'])
    diffs = accepts('a hard link to a file below: copied up and linked',
                    [below, archive(hardlink('bin', 'usr/lib/a'), hardlink('bin2', 'lib/a'), hardlink('bin3', 'bin'))],
                    {'bin': ('f', b'a', 0o4755, 1, 2, 99), 'usr/lib/a': ('f', b'a'), 'usr/lib': ('d', None, 0o750, 3, 4, 1234)})
    if diffs:
        inodes = {os.lstat(own(diffs, name)).st_ino for name in ('bin', 'bin2', 'bin3', 'usr/lib/a')}
        report(len(inodes) == 1, 'all four are one file', inodes)
    refuses('the same, and its target removed', [below, archive(file('usr/lib/.wh.a'), hardlink('bin', 'usr/lib/a'))], 'no file')
    refuses('a hard link to what an upper layer has removed',
            [below, archive(file('usr/.wh.lib')), archive(hardlink('bin', 'usr/lib/a'))], 'neither in this layer')
    accepts('a hard link to a symbolic link below is one of its own kind', [below, archive(file('x'))], {'x': ('f',)})
    accepts('three layers, the middle one opaque',
            [below, archive(directory('usr/lib', mode=0o711), file('usr/lib/.wh..wh..opq')), archive(file('usr/lib/z', 'z'))],
            {'usr/lib': ('d', None, 0o711), 'usr/lib/z': ('f', b'z')}, ['usr/lib/a'])


# ---- whiteouts: T-TAR-12, 14, 15 ----

def whiteouts():
    below = archive(file('a', 'a'), directory('d'), file('d/x', 'x'), file('d/y', 'y'), file('wh', 'w'))
    for name in ('.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..', 'd/.wh...'):
        refuses(f'the whiteout {name} (T-TAR-12)', [below, archive(file(name))], 'whiteout of nothing')
    for name in ('.wh./x', '.wh.a/b'):
        refuses(f'the whiteout {name} (T-TAR-12)', [below, archive(file(name))], 'no empty file')
    refuses('../.wh.x (T-TAR-12)', [below, archive(file('../.wh.x'))], r'"\.\."')
    for what, entry in (('directory', directory('.wh.a')), ('link', symlink('.wh.a', 'd'))):
        refuses(f'a whiteout that is a {what} (T-TAR-12)', [below, archive(entry)], 'no empty file')
    accepts('.wh..wh..opq at the root (T-TAR-12)', [below, archive(file('.wh..wh..opq'), file('n'))], {'n': ('f',)}, ['a', 'd', 'd/x'])
    accepts("aufs's own files are left out (T-TAR-12)",
            [below, archive(file('.wh..wh.foo'), directory('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', 'z'))],
            {'a': ('f', b'a')}, ['.wh..wh.foo', '.wh..wh.plnk'])
    accepts('a plain whiteout', [below, archive(file('.wh.a'), file('d/.wh.x'))], {'d/y': ('f', b'y')}, ['a', 'd/x'])
    accepts('a whiteout of a directory', [below, archive(file('.wh.d'))], {'a': ('f',)}, ['d', 'd/x'])
    accepts('a whiteout of what is not there', [below, archive(file('.wh.zz'), file('q/.wh.zz'))], {'a': ('f',)}, ['zz'])
    entries = (directory('d', mode=0o700), file('d/.wh.x'), file('d/x', 'new'), file('d/.wh..wh..opq'))
    seen = set()
    what = 'the order of whiteouts, markers and entries is of no account (T-TAR-14)'
    for order in itertools.permutations(entries) if chosen(what) else ():
        run, diffs = unpack([below, archive(*order)])
        seen.add(str(sorted((path, entry[:3]) for path, entry in merged(diffs).items())) if run.status == 0 else run.errors)
    if seen:
        report(len(seen) == 1 and "'d/x', ('f', b'new'" in next(iter(seen)) and 'd/y' not in next(iter(seen)), what, seen)
    accepts('a directory and its own whiteout: new, and empty of what was below (T-TAR-14)',
            [below, archive(directory('d'), file('d/n', 'n'), file('.wh.d'))], {'d/n': ('f', b'n')}, ['d/x'])
    accepts('the same the other way round (T-TAR-14)',
            [below, archive(file('.wh.d'), directory('d'), file('d/n', 'n'))], {'d/n': ('f', b'n')}, ['d/x'])
    accepts('the same without an entry for the directory (T-TAR-14)',
            [below, archive(file('.wh.d'), file('d/n', 'n'))], {'d/n': ('f', b'n')}, ['d/x'])
    accepts("overlayfs's own signs are not taken from an archive (T-TAR-15)",
            [below, archive(header('a', '3', tail=b''), pax({'SCHILY.xattr.user.overlay.opaque': 'y',
                            'SCHILY.xattr.trusted.overlay.opaque': 'y'}), directory('d'))],
            {'a': ('f', b'a'), 'd/x': ('f', b'x')}, said='layer .*: 1 devices in it .*\n')
    for kind, what in (('3', 'character device'), ('4', 'block device')):
        accepts(f'a {what} is left out (T-TAR-16)', [below, archive(header('dev', kind), header('more', kind), file('z' + kind))], {'z' + kind: ('f',)},
                ['dev', 'more'], 'layer sha256:[0-9a-f]{64}: 2 devices in it are left out: they cannot be made without root\n')
    accepts('a FIFO is made (T-TAR-16)', [below, archive(header('x/pipe', '6', mode=0o620, mtime=9), hardlink('two', 'x/pipe'), file('z6'))],
            {'x/pipe': ('p', None, 0o620), 'two': ('p', None, 0o620), 'z6': ('f',)})
    accepts('and replaced (T-TAR-16)', [below, archive(header('pipe', '6'), file('pipe', 'x'), header('z7', '6'))], {'pipe': ('f', b'x'), 'z7': ('p',)})
    accepts('and removed (T-TAR-16)', [below, archive(header('gone', '6')), archive(file('.wh.gone'))], {}, ['gone'])
    for what, first, wanted in (('FIFO', header('d/first', '6', mode=0o620, mtime=9), ('p', None, 0o620)), ('symbolic link', symlink('d/first', 'x', mtime=9), ('l', 'x'))):
        diffs = accepts(f'a hard link to a {what} of a layer below: one file, copied up (T-TAR-16)',
                        [archive(first), archive(hardlink('second', 'd/first'), hardlink('third', 'd/first'))],
                        {name: wanted for name in ('d/first', 'second', 'third')})
        if diffs:
            inodes = {os.lstat(own(diffs, name)).st_ino for name in ('d/first', 'second', 'third')}
            report(len(inodes) == 1 and os.lstat(own(diffs, 'third')).st_mtime == 9, f'with the {what}\'s three names and its time', inodes)
        accepts(f'a hard link to a {what} of a layer below that this layer hides (T-TAR-16)',
                [archive(first), archive(hardlink('second', 'd/first'), file('.wh.d'))], {'second': wanted}, ['d/first'])
    refuses('a hard link to a directory of a layer below (T-TAR-16)', [archive(directory('first')), archive(hardlink('second', 'first'))], 'which is no file')
    xattrs = {f'SCHILY.xattr.user.{"n" * 200}{i}': 'v' for i in range(60)}
    if roomy():
        accepts('a hard link to a file of a layer below with as many extended attributes as one can have',
                [archive(pax(xattrs), file('first', 'a')), archive(hardlink('second', 'first'))], {'second': ('f', b'a')})


# ---- attributes: T-TAR-17 to 19, 37 ----

def attributes():
    accepts('setuid, setgid and sticky are kept for those inside (T-TAR-17)',
            [archive(file('s', mode=0o6755), directory('t', mode=0o1777))], {'s': ('f', b'', 0o6755), 't': ('d', None, 0o1777)})
    diffs = accepts('modes that close a file to its owner', [archive(file('c', 'c', mode=0), directory('e', mode=0), file('e/f', 'f'))],
                    {'c': ('f', b'c', 0), 'e': ('d', None, 0), 'e/f': ('f', b'f')})
    if diffs and not MAPPED:
        report(stat.S_IMODE(os.lstat(own(diffs, 'c')).st_mode) == 0o600, 'with one id, its owner can read it all the same', '')
        diffs = accepts('setuid with one id', [archive(file('s2', mode=0o6755))], {'s2': ('f', b'', 0o6755)})
        report(diffs and stat.S_IMODE(os.lstat(own(diffs, 's2')).st_mode) == 0o755, 'is noted, not set', '')
    xattrs = {f'SCHILY.xattr.{name}': 'v' for name in
              ('user.good', 'security.selinux', 'security.ima', 'security.evm', 'trusted.x', 'system.posix_acl_access', 'user.overlay.whiteout',
               'user.containers.override_stat', 'user.fuseoverlayfs.opaque', 'user.', 'evil')}
    diffs = accepts('of the xattrs, only user.* (T-TAR-18)', [archive(pax(xattrs) + file('x', 'x'))], {'x': ('f', b'x', 0o644, 0, 0)})
    if diffs:
        report(sorted(set(os.listxattr(own(diffs, 'x'))) - {OVERRIDE}) == ['user.good'], 'and not those that overlayfs obeys (T-TAR-18)',
               os.listxattr(own(diffs, 'x')))
    capability = bytes.fromhex('0100000200040000000000000000000000000000')
    diffs = accepts('a file capability (T-TAR-17)', [archive(pax([('SCHILY.xattr.security.capability', capability)]) + file('p', 'p'))],
                    {'p': ('f', b'p')})
    if diffs and MAPPED:
        report('security.capability' in os.listxattr(own(diffs, 'p')), 'is kept where there are ids for it', '')
    refuses('70,000 bytes of xattr (T-TAR-18)', [archive(pax({'SCHILY.xattr.user.a': 'v' * 70000}) + file('x'))], 'extended attribute')
    refuses('100 xattrs (T-TAR-18)', [archive(pax({f'SCHILY.xattr.user.a{i}': 'v' for i in range(100)}) + file('x'))], 'extended attributes')
    for what, uid in (('-1', -1), ('2^32-1', 2 ** 32 - 1), ('2^32', 2 ** 32), ('2^63', 2 ** 63 - 1), ('0x0', b'0x0'), ('1e0', b'1e0')):
        refuses(f'the owner {what} (T-TAR-19)', [archive(file('x', uid=uid))], 'owner is not a number in range')
        refuses(f'the group {what} (T-TAR-19)', [archive(file('x', gid=uid))], 'group is not a number in range')
    for value in ('-1', '0x0', '4294967295', '4294967296', '18446744073709551616', '', ' 0', '+0', '1e0'):
        refuses(f'the owner {value!r} in a pax header (T-TAR-19)', [archive(pax({'uid': value}) + file('x'))], 'owner in a pax header')
    if MAPPED:
        refuses('an owner beyond the map (T-TAR-19)', [archive(file('x', uid=2 ** 31))], 'no subordinate id')
        refuses('the same for a link', [archive(symlink('x', 'y', uid=2 ** 31))], 'no subordinate id')
        accepts('an owner in the map', [archive(file('x', uid=1000, gid=1001))], {'x': ('f', b'', 0o644, 1000, 1001)})
    else:
        accepts('any owner is noted', [archive(file('x', uid=2 ** 31, gid=7))], {'x': ('f', b'', 0o644, 2 ** 31, 7)})
    accepts('a mode with too many bits (T-TAR-37)', [archive(file('x', mode=0o177777))], {'x': ('f', b'', 0o7777)})
    accepts('a time before 1970 (T-TAR-37)', [archive(file('x', mtime=-86400))], {'x': ('f', b'', 0o644, 0, 0, -86400)})
    accepts('a time of 2^62 (T-TAR-37)', [archive(file('x', mtime=2 ** 62), file('y', mtime=-2 ** 62))], {'x': ('f',), 'y': ('f',)})
    accepts('a time with a fraction (T-TAR-37)', [archive(pax({'mtime': '12.5'}) + file('x'))], {'x': ('f', b'', 0o644, 0, 0, 12)})
    for value in ('1' * 1000000, '1' * 41, 'abc', '1.2.3', '', '--1', '1-'):
        refuses(f'the time {value[:12]!r} (T-TAR-37)', [archive(pax({'mtime': value}) + file('x'))], 'time in a pax header|over 1 MiB')
    accepts('times of directories with files in them', [archive(directory('d', mtime=111), directory('d/e', mtime=222), file('d/e/f'), file('d/g'))],
            {'d': ('d', None, 0o755, 0, 0, 111), 'd/e': ('d', None, 0o755, 0, 0, 222)})


# ---- limits: T-TAR-20 to 24, 27, 42 ----

def limits():
    one = header('x', size=7 * 2 ** 30)
    forget()
    if chosen('192 MB of files'):
        big = archive(*(file(f'd{i % 50}/{i}', os.urandom(64) * 1000) for i in range(3000)))
        run, _ = unpack([(gzipped(big, 1), GZIP, digest(big))])
        bounded('192 MB of files', run, 32)
    refuses('a bomb of gzip (T-TAR-20)', lambda: [(member(one) + zeros_gzipped(300 << 20), GZIP, digest(b''))], 'expands more than 200 times')
    def bomb():
        zstd = subprocess.run('head -c 300000000 /dev/zero | zstd -c -19', shell=True, stdout=subprocess.PIPE, check=True).stdout
        return [(subprocess.run(['zstd', '-c'], input=one, stdout=subprocess.PIPE, check=True).stdout + zstd, ZSTD, digest(b''))]
    refuses('a bomb of zstd (T-TAR-20)', bomb, 'expands more than 200 times')
    # the frame tells its window, whatever is in it
    wide = subprocess.run('head -c 1000000 /dev/zero | zstd -c --long=31 --ultra -20', shell=True, stdout=subprocess.PIPE, check=True).stdout
    refuses('a window of 2 GiB (T-TAR-21)', [(wide, ZSTD, digest(b''))], 'not the zstd data')
    run, _ = unpack([(wide, ZSTD, digest(b''))])
    bounded('the window of 2 GiB (T-TAR-21)', run, 200)
    refuses('a file of 9 GiB (T-TAR-23)', [archive(header('x', size=9 * 2 ** 30))], 'larger than')
    refuses('a sparse file of 8 EiB (T-TAR-23)',
            [archive(pax([('GNU.sparse.size', str(2 ** 63 - 1)), ('GNU.sparse.numblocks', '1'),
                          ('GNU.sparse.map', '0,1')]) + file('x', 'x'))], 'larger than')
    large = archive(directory('d'), pax([('GNU.sparse.size', str(5 << 30)), ('GNU.sparse.numblocks', '1'), ('GNU.sparse.map', '0,1')]) +
                    file('d/large', 'x'))
    refuses('hard links that copy a large file of the layer below, again and again (T-TAR-23)',
            [large, archive(directory('d'), file('d/.wh..wh..opq'), hardlink('x', 'd/large'), hardlink('y', 'd/large'))], 'larger than')
    refuses('a sparse map that overlaps (T-TAR-23)',
            [archive(pax([('GNU.sparse.size', '100'), ('GNU.sparse.numblocks', '2'), ('GNU.sparse.map', '10,10,5,10')]) + file('x', 'x' * 20))],
            'overlap|cannot be read')
    refuses('a sparse map beyond its file (T-TAR-23)',
            [archive(pax([('GNU.sparse.size', '10'), ('GNU.sparse.numblocks', '1'), ('GNU.sparse.map', '8,10')]) + file('x', 'x' * 10))],
            'overlap|cannot be read')
    refuses('a negative sparse map (T-TAR-23)',
            [archive(pax([('GNU.sparse.size', '10'), ('GNU.sparse.numblocks', '1'), ('GNU.sparse.map', '-8,10')]) + file('x', 'x' * 10))],
            'overlap|cannot be read')
    for what, size in (('negative', base256(-512, 12)), ('over 2^63', b'\x80' + b'\xff' * 11), ('not a number', b'12x')):
        refuses(f'a size that is {what} (T-TAR-24)', [archive(header('x', size=size))], 'size is not a number')
    refuses('two sizes (T-TAR-24)', [archive(pax({'size': '3'}) + file('x', 'ab'))], 'two sizes')
    for kind, what in (('5', 'directory'), ('2', 'link'), ('1', 'hard link'), ('3', 'device'), ('6', 'FIFO')):
        refuses(f'a size on a {what} (T-TAR-24)', [archive(header('x', kind, size=512, link='y'), padded(b'data'))], 'not a file')
    refuses('a pax header of 8 GiB (T-TAR-25)', [header('x', 'x', size=8 * 2 ** 30) + bytes(4096)], 'over 1 MiB')
    refuses('a long name of 2 GiB (T-TAR-25)', [header('x', 'L', size=2 ** 31) + bytes(4096)], 'over 1 MiB')
    for key in ('path', 'linkpath', 'size', 'uid', 'SCHILY.xattr.user.x', 'mtime'):
        refuses(f'a global header with {key} (T-TAR-25)', [archive(pax({key: '1'}, 'g') + file('x'))], 'all following files')
    accepts('a global header with a comment (T-TAR-25)', [archive(pax({'comment': 'x'}, 'g') + file('x'))], {'x': ('f',)})
    refuses('the same key twice (T-TAR-25)', [archive(pax([('path', 'a'), ('path', 'b')]) + file('x'))], 'same key twice')
    refuses('two pax headers (T-TAR-25)', [archive(pax({'path': 'a'}) + pax({'path': 'b'}) + file('x'))], 'two extended headers')
    refuses('an empty pax header (T-TAR-25)', [archive(header('x', 'x') * 100000 + file('x'))], 'empty or over')
    refuses('a pax header at the end (T-TAR-25)', [archive(pax({'path': 'a'}))], 'without its file')
    refuses('a long name and a pax path (T-TAR-25)', [archive(long_name('a') + pax({'path': 'b'}) + file('x'))], 'two long names')
    refuses('a pax record without "=" (T-TAR-25)', [archive(pax(b'9 a\n') + file('x'))], 'LENGTH KEY=VALUE')
    refuses('a pax record whose length lies (T-TAR-25)', [archive(pax(b'99 path=a\n') + file('x'))], 'LENGTH KEY=VALUE')
    refuses('a pax record without an end (T-TAR-25)', [archive(pax(record('path', 'a') + b'30 mtime=1') + file('x'))], 'LENGTH KEY=VALUE')
    accepts('keys of other vendors (T-TAR-25)', [archive(pax({'SUN.devmajor': '1', 'APPLE.x': 'y', 'SCHILY.dev': '2'}) + file('x'))], {'x': ('f',)})
    same = b''.join((file('a/b', 'x'), directory('a/b'), symlink('a/b', '/'), file('a/b', 'y'))) * 25000
    accepts('100,000 times one name (T-TAR-27)', [archive(same)], {'a/b': ('f', b'y')})
    accepts('the last of the same name counts (T-TAR-27)',
            [archive(directory('a'), file('a/x'), file('a', '1'), directory('a'), file('a/y'))], {'a/y': ('f',)}, ['a/x'])


# ---- the stream: T-TAR-28 to 31, 43 ----

def streams():
    good, evil = archive(file('good', 'x')), archive(file('evil', 'x'))
    refuses('a second archive after the end (T-TAR-28)', [good + evil], 'after the end')
    refuses('bytes after the end (T-TAR-28)', [good + bytes(512) + b'x'], 'after the end')
    accepts('zeros after the end (T-TAR-28)', [good + bytes(20000)], {'good': ('f', b'x')})
    accepts('one block of zeros is an end', [file('good', 'x') + bytes(512)], {'good': ('f', b'x')})
    refuses('no end at all (T-TAR-29)', [file('good', 'x')], 'ends in the middle')
    refuses('nothing at all (T-TAR-29)', [b''], 'ends in the middle')
    accepts('an archive of nothing', [END], {'': ('d',)})
    both = good + evil
    refuses('a second archive in a second member (T-TAR-28)', [(gzipped(good) + gzipped(evil), GZIP, digest(both))], 'after the end')
    refuses('garbage after gzip (T-TAR-28)', [(gzipped(good) + b'garbage', GZIP, digest(good))], 'not the gzip data')
    refuses('zeros after gzip (T-TAR-28)', [(gzipped(good) + bytes(512), GZIP, digest(good))], 'not the gzip data')
    refuses('a diff id that is another (T-TAR-28)', [(good, NONE, digest(evil))], 'is what the image says')
    accepts('an archive in many members (T-TAR-43)',
            [(b''.join(gzipped(good[i:i + 100]) for i in range(0, len(good), 100)), GZIP, digest(good))], {'good': ('f', b'x')})
    accepts('100,000 empty members (T-TAR-43)', [(gzipped(good) + gzipped(b'') * 100000, GZIP, digest(good))], {'good': ('f', b'x')})
    accepts('64 KiB of name and extra field (T-TAR-43)',
            [(member(good, b'n' * 65536, b'e' * 65000), GZIP, digest(good))], {'good': ('f', b'x')})
    refuses('a wrong CRC (T-TAR-43)', [(member(good, crc=1), GZIP, digest(good))], 'not the gzip data')
    refuses('a wrong length (T-TAR-43)', [(member(good, size=1), GZIP, digest(good))], 'not the gzip data')
    refuses('plain tar that is called gzip (T-TAR-43)', [(good, GZIP, digest(good))], 'not the gzip data')
    refuses('plain tar that is called zstd (T-TAR-43)', [(good, ZSTD, digest(good))], 'not the zstd data')
    refuses('gzip that is called tar (T-TAR-43)', [(gzipped(good), NONE, digest(good))], 'not a tar header|ends in the middle|number|checksum')
    zstd = subprocess.run(['zstd', '-c', '--check'], input=good, stdout=subprocess.PIPE, check=True).stdout
    accepts('zstd (T-TAR-43)', [(zstd, ZSTD, digest(good))], {'good': ('f', b'x')})
    skippable = b'\x50\x2a\x4d\x18' + (100).to_bytes(4, 'little') + bytes(100)
    accepts('skippable frames (T-TAR-43)', [(skippable * 3 + zstd + skippable, ZSTD, digest(good))], {'good': ('f', b'x')})
    refuses('garbage after zstd (T-TAR-43)', [(zstd + b'garbage', ZSTD, digest(good))], 'zstd')
    broken = bytearray(zstd)
    broken[-1] ^= 1
    refuses('a wrong sum in zstd (T-TAR-43)', [(bytes(broken), ZSTD, digest(good))], 'not the zstd data')
    for what, magic in (('cpio', b'070701'), ('zip', b'PK\3\4'), ('7z', b'7z\xbc\xaf\x27\x1c'), ('rar', b'Rar!\x1a\7\0'), ('mtree', b'#mtree\n/set type=file\n'),
                        ('warc', b'WARC/1.0\r\n'), ('ar', b'!<arch>\n'), ('lrzip', b'LRZI\0\6'), ('xz', b'\xfd7zXZ\0'), ('compress', b'\x1f\x9d\x90'),
                        ('uuencode', b'begin 644 x\n'), ('rpm', b'\xed\xab\xee\xdb'), ('bzip2', b'BZh9')):
        refuses(f'{what} instead of tar (T-TAR-30, T-TAR-31)', [magic + bytes(2048)], 'not a tar header|number|checksum')
    small = archive(directory('d'), file('d/x', 'x' * 600), symlink('l', 'd'), pax({'path': 'long' * 30}) + file('y', 'y'))
    if chosen('cut anywhere, it is refused (T-TAR-29)'):
        cut = [length for length in range(0, len(small) - 1024, 61) if unpack([small[:length]])[0].status != 125]
        report(not cut and not rubbish(), 'cut anywhere, it is refused (T-TAR-29)', cut)
        packed = gzipped(small)
        cut = [length for length in range(0, len(packed), 7) if unpack([(packed[:length], GZIP, digest(small))])[0].status != 125]
        report(not cut and not rubbish(), 'cut anywhere as gzip, it is refused (T-TAR-29)', cut)
    refuses('what nobody has vouched for', [archive(file('unverified', 'x'))], 'did not come whole', verify=False)
    one = archive(file('again'))
    accepts('the same layer twice in one image (T-TAR-42)', [one, one], {'again': ('f',)})
    if chosen('what is unpacked is not asked for again'):
        report(not unpack([one, one])[0].need[0], 'what is unpacked is not asked for again')


# ---- as GNU tar does it ----

def make_honest(top):
    """A tree with what GNU tar knows of: long names, holes, links, xattrs, odd modes and times."""
    os.makedirs(os.path.join(top, 'a' * 100, 'b' * 100, 'c' * 100))
    for number, name in enumerate(('short', 'a' * 100 + '/' + 'n' * 120, 'a' * 100 + '/' + 'b' * 100 + '/' + 'c' * 100 + '/deep', '\u0151 name', 'sp ace')):
        with open(os.path.join(top, name), 'wb') as content:
            content.write(os.urandom(number * 700))
        os.chmod(os.path.join(top, name), (0o644, 0o600, 0o4755, 0o2711, 0o444)[number])
    with open(os.path.join(top, 'holes'), 'wb') as content:
        for place in (0, 1 << 20, 5 << 20):
            content.seek(place)
            content.write(os.urandom(5000))
        content.truncate(9 << 20)
    with open(os.path.join(top, 'all hole'), 'wb') as content:
        content.truncate(3 << 20)
    os.link(os.path.join(top, 'short'), os.path.join(top, 'another'))
    os.link(os.path.join(top, 'short'), os.path.join(top, 'a' * 100, 'third'))
    for name, target in (('l1', 'short'), ('l2', '/etc/passwd'), ('l3', 'x' * 300), ('a' * 100 + '/l4', '../l3')):
        os.symlink(target, os.path.join(top, name))
    os.setxattr(os.path.join(top, 'short'), 'user.note', b'v\0w')
    os.setxattr(os.path.join(top, 'a' * 100), 'user.dir', b'd')
    if MAPPED:
        for name, uid, gid in (('sp ace', 5, 6), ('holes', 1000, 1001), ('a' * 100, 7, 0)):
            os.chown(os.path.join(top, name), uid, gid)
    for where, names, files in os.walk(top, topdown=False):
        for name in files + names + ['.']:
            os.utime(os.path.join(where, name), (1, 1000000 + len(name) * 77), follow_symlinks=False)


def plain(path, status):
    """What describe() says of ours, of a tree that tar unpacked."""
    kind = {stat.S_IFDIR: 'd', stat.S_IFLNK: 'l', stat.S_IFREG: 'f'}[stat.S_IFMT(status.st_mode)]
    content = os.readlink(path) if kind == 'l' else open(path, 'rb').read() if kind == 'f' else None
    owner = (status.st_uid, status.st_gid) if MAPPED else ()
    return (kind, content, None if kind == 'l' else stat.S_IMODE(status.st_mode), *owner, int(status.st_mtime))


def listing(top, describing, drop_owner=False):
    found, inodes = {}, {}
    for where, names, files in os.walk(top):
        for name in ['.'] + files + [name for name in names if os.path.islink(os.path.join(where, name))]:
            path = os.path.normpath(os.path.join(where, name))
            status = os.lstat(path)
            what = describing(path, status)
            if drop_owner:
                what = what[:3] + what[5:]
            xattrs = () if what[0] == 'l' else sorted((key, os.getxattr(path, key)) for key in os.listxattr(path) if key != OVERRIDE)
            blocks = status.st_blocks * 512 < status.st_size if what[0] == 'f' else False
            first = inodes.setdefault(status.st_ino, os.path.relpath(path, top)) if what[0] == 'f' else ''
            found[os.path.relpath(path, top)] = (what, tuple(xattrs), blocks, first)
    return found


def differential():
    source, theirs = os.path.join(WORK, 'honest'), os.path.join(WORK, 'theirs')
    make_honest(source)
    for form in (['--format=gnu'], ['--format=gnu', '--sparse'], ['--format=pax', '--xattrs'], ['--format=pax', '--sparse', '--xattrs'],
                 ['--format=pax', '--sparse', '--sparse-version=0.0'], ['--format=pax', '--sparse', '--sparse-version=0.1']):
        made = subprocess.run(['tar', '-c', *form, '--sort=name', '--numeric-owner', '-C', source, '.'], stdout=subprocess.PIPE, check=True).stdout
        shutil.rmtree(theirs, ignore_errors=True)
        os.mkdir(theirs)
        subprocess.run(['tar', '-xp', '--xattrs', '--numeric-owner', '-C', theirs], input=made, check=True)
        forget()
        run, diffs = unpack([made])
        what = f'what GNU tar makes with {" ".join(form)} comes out as GNU tar unpacks it'
        if run.status != 0:
            report(False, what, run.errors)
            continue
        ours, wanted = listing(own(diffs), describe, not MAPPED), listing(theirs, plain)
        wrong = [f'{path[:60]}: {str(ours.get(path))[:120]} is not {str(wanted.get(path))[:120]}' for path in sorted(set(ours) | set(wanted))
                 if ours.get(path) != wanted.get(path)]
        report(not wrong, what, '\n'.join(wrong))


# ---- killed: T-TAR-33, 35 ----

def crashes():
    layers = [archive(*(file(f'{layer}/{i % 20}/{i}', str(i) * 50) for i in range(300))) for layer in 'ab']
    whole = [(gzipped(layer), GZIP, digest(layer)) for layer in layers]
    diffs = [layer[2] for layer in whole]
    forget()
    begun = time.monotonic()
    Unpacker(COMMAND, whole).run()
    took = time.monotonic() - begun
    wanted = merged(diffs)
    half = []
    for attempt in range(200):
        forget()
        run = Unpacker(COMMAND, whole)
        killer = threading.Timer(random.uniform(0, took * 1.2), run.process.kill)
        killer.start()
        run.run()
        killer.cancel()
        for index in range(2):
            if os.path.exists(own(diffs[:index + 1])) and merged(diffs[:index + 1]) != {
                    path: what for path, what in wanted.items() if index or not path.startswith('b')}:
                half.append(f'attempt {attempt}, layer {index}')
    report(not half, 'killed at 200 moments, a layer is whole or not there (T-TAR-33)', half)
    forget()
    held = os.path.join(STORAGE, 'staging', 'layer-' + 16 * 'a')
    for name in 'layer-' + 16 * '0', 'layer-' + 16 * 'a':
        os.makedirs(os.path.join(STORAGE, 'staging', name, 'tree', 'd'), exist_ok=True)
    for name in 'blob-old', 'blob-new', 'f' * 64 + '.partial':
        open(os.path.join(STORAGE, 'staging', name), 'w').close()
        if name != 'blob-new':
            os.utime(os.path.join(STORAGE, 'staging', name), (0, 0))
    lock = os.open(held, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = Unpacker(COMMAND, whole).run()
    report(run.status == 0 and merged(diffs) == wanted, 'and it can be unpacked afterwards', run.errors)
    report(sorted(rubbish()) == ['blob-new', 'f' * 64 + '.partial', 'layer-' + 16 * 'a'],
           'what killed makers left goes, what somebody works on or may go on from stays', rubbish())
    os.close(lock)
    subprocess.run([IMAGE, '--storage', STORAGE, 'prune'], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report(not [name for name in rubbish() if name.startswith('layer-')], 'what was left in staging is collected', rubbish())
    forget()
    runs = [Unpacker(COMMAND, whole) for _ in range(4)]
    bad = Unpacker(COMMAND, [(gzipped(layers[1]), GZIP, diffs[0])])
    threads = [threading.Thread(target=run.run) for run in [*runs, bad]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report([run.status for run in runs] == [0] * 4 and bad.status == (125 if any(bad.need) else 0) and merged(diffs) == wanted and not rubbish(),
           'four at once and a wrong one: one whole layer each (T-TAR-35)', [(run.status, run.errors) for run in [*runs, bad]])


def main():
    os.makedirs(STORAGE, mode=0o700, exist_ok=True)
    make_canary()
    for group in (names, links, settled, whiteouts, attributes, limits, streams, differential, crashes):
        if not ONLY or group.__name__ in ONLY:
            group()
    return finish()


if __name__ == '__main__':
    sys.exit(main())
