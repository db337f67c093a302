#!/usr/bin/env python3
"""Lets things go wrong while images are changed, and looks at what is left. Prints TAP.

faults.py push LAYOUT                                    makes the layout of the images
faults.py sweep|flush|races|space|launches|hostile WORK IMAGE FAULT REGISTRY   in the user namespace it finds itself in
"""
import concurrent.futures
import errno
import fcntl
import itertools
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import zlib

import channel
from archives import archive, directory, file
from hostile import hostile_images
from small import Image, Registry, write_layout
from store import Store, own_lines
from tap import MAPPED, chosen, finish, report
from world import LIMIT, World, images


def own_seed():
    """By the program that is tried: another one is tried in other places, the same one in the same."""
    with open(sys.argv[3] if len(sys.argv) > 3 else sys.argv[0], 'rb') as program:
        return zlib.crc32(program.read())


WIDE = os.environ.get('IMMURE_FAULTS') == 'all'  # every fault at every call, instead of the shares below
SEED = int(os.environ.get('IMMURE_FAULTS_SEED') or own_seed())
WORKERS = 2
READS = 25
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR)

# ---- what is done, and what must come of it ----

class Operation:
    """shares: see below; base: where it begins; words: of its programs; wanted: the tags afterwards; again: what is done after a fault."""

    def __init__(self, title, shares, base, words, wanted, again=None, broken=False):
        self.title, self.base, self.words, self.wanted = title, base, words, wanted
        self.shares = shares  # of its calls: killed, killed with its other half, answered with an error
        self.again, self.broken = again or words, broken


def operations(world):
    keep, two, more = world.name('keep'), world.name('two'), world.name('more')
    kept, old, new = (world.images[name].digest for name in ('keep', 'old', 'two'))
    command = world.command
    return [
        Operation('pull', (1, 1, 0.5), 'old', lambda path: world.pair(path, two), {keep: [kept], two: [new, old]}),
        Operation('first pull', (1, 1, 0.3), 'none', lambda path: world.pair(path, keep), {keep: [kept]}),
        Operation('rm', (1, 0, 0.5), 'new', lambda path: command(path, 'rm', two), {keep: [kept]},
                  lambda path: command(path, 'rm', '--ignore', two)),
        Operation('prune', (1, 0, 0.5), 'new', lambda path: command(path, 'prune'), {keep: [kept], two: [new]}),
        Operation('tag', (1, 0, 1), 'new', lambda path: command(path, 'tag', keep, more), {keep: [kept], two: [new, old], more: [kept]}),
        Operation('rollback', (1, 0, 1), 'new', lambda path: command(path, 'rollback', two), {keep: [kept], two: [old]},
                  lambda path: ['sh', '-c', '"$@" || :', 'sh', *command(path, 'rollback', two)]),
        Operation('verify', (1, 0, 0.5), 'broken', lambda path: command(path, 'verify'), {keep: [kept], two: [new, old]}, broken=True),
    ]


def meanings_are_known(world, store):
    """Each name means what it meant or what it was to mean: nothing in between."""
    allowed = {world.images[name].digest for name in world.images}
    wrong = [f'{name} means {meaning}' for name, meanings in store.tags().items() for meaning in meanings if meaning not in allowed]
    return wrong


def cannot_run(world, operation, store):
    """Launches make namespaces of their own, which have one id in ours: only layers of that way can be run there."""
    wrong = []
    for name in operation.wanted if not MAPPED and not operation.broken else ():
        done = world.run([os.environ['IMMURE_PROGRAM'], 'run', '--rm', '--storage', store.path, name, '/true'])
        if done.returncode:
            wrong.append(f'run {name}: status {done.returncode}: {done.stderr}')
    return wrong


def examine(world, operation, store):
    """Right after the fault, and after each step that a user would take next."""
    unmade = operation.base == 'none' and not os.path.exists(store.below('images', 'index.json'))
    wrong = [] if operation.broken or unmade else store.faults(world.trees) + meanings_are_known(world, store)
    kept = world.images['keep'].digest
    if operation.base != 'none' and store.tags().get(world.name('keep')) != [kept]:
        wrong.append('the other image has lost its name')
    if wrong:
        return ['right after it: ' + line for line in wrong]
    steps = [] if operation.broken else [('verify', world.command(store.path, 'verify'), 'no faults')]
    steps.append(('again', operation.again(store.path), ''))
    for title, words, answer in steps:
        done = world.run(words)
        if done.returncode or answer not in done.stdout:
            return [f'{title}: status {done.returncode}', done.stdout, done.stderr]
    if store.tags() != operation.wanted:
        # a second rollback goes on to where the first had come: it had happened already
        return [f'names mean {store.tags()}, not {operation.wanted}']
    wrong = store.faults(world.trees) + cannot_run(world, operation, store)
    done = world.run(world.command(store.path, 'prune'))
    if done.returncode or wrong:
        return [*wrong, f'prune: status {done.returncode}', done.stderr]
    wrong = store.faults(world.trees, settled=True)
    if {name: meanings[:1] for name, meanings in operation.wanted.items()} != store.tags():
        wrong.append(f'after a prune names mean {store.tags()}')
    return ['after a prune: ' + line for line in wrong]


def flushes(labels, top):
    """(what became visible and was not flushed, how much became visible)"""
    visible = tuple(f'{top}/{name}/' for name in ('images', 'tags', 'records', 'layers'))
    clean, changed, wrong, seen = {}, {}, [], 0  # path: when it was flushed (alone or with all below), when it or what is below changed
    unnamed = {}  # directory: what got a name in it that is not flushed yet
    def change(path, when):
        while path.startswith(top + '/'):
            changed[path] = when
            path = os.path.dirname(path)

    for when, label in enumerate(labels):
        call, *paths = label.split(' ')[1:]
        if call in ('fsync', 'fdatasync', 'syncfs'):
            clean[call == 'syncfs', paths[0]] = when
            unnamed.pop(paths[0], None)
        elif call in ('renameat', 'renameat2', 'linkat', 'rename', 'link'):
            source, target = paths
            whole = target.startswith(f'{top}/layers/')  # a tree, not one file
            clean[whole, target], changed[target] = clean.get((whole, source), -1), changed.get(source, when)
            change(os.path.dirname(source), when)
            change(os.path.dirname(target), when)
            if target.startswith(visible) and not os.path.basename(target).startswith('.immure-'):
                seen += 1
                unnamed.setdefault(os.path.dirname(target), []).append(target)
                if clean[whole, target] < changed[target]:
                    wrong.append(f'{target} was not flushed before it got its name')
        elif call != 'flock':
            for path in paths:
                change(path, when)
    return wrong + [f'the name of {name} is never flushed' for names in unnamed.values() for name in names], seen


class Sweep:
    def __init__(self, world, operation):
        self.world, self.operation = world, operation
        self.places = [world.path(f'worker-{number}') for number in range(WORKERS)]
        self.free = list(self.places)
        self.lock = threading.Lock()

    def begin(self):
        with self.lock:
            path = self.free.pop()
        return self.world.copy(self.operation.base, path)

    def end(self, store):
        with self.lock:
            self.free.append(store.path)

    def strike(self, store, options):
        """One run with a fault. (what it ended with, the log's lines without the last two, whether it came to the fault)"""
        log = store.path + '.log'
        done = subprocess.run([self.world.fault, '-l', log, *options, *self.operation.words(store.path)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT, errors='replace', check=False)
        with open(log, encoding='utf-8', errors='replace') as lines:
            labels = lines.read().splitlines()
        os.unlink(log)
        labels.pop()  # how the programs ended
        met = bool(labels) and labels[-1] == 'met'
        return done, [label for label in labels if label != 'met'], met

    def calls(self, *options):
        """(label, occurrence) of each call that changes something, in the order of one run."""
        store = self.begin()
        done, labels, _ = self.strike(store, options)
        if done.returncode or self.world.trees and not self.operation.broken and store.faults(self.world.trees):
            raise RuntimeError(f'{self.operation.title} without a fault: {done.returncode} {done.stderr} {store.faults()}')
        self.end(store)
        seen, found = {}, []
        for label in labels:
            label = label.replace(store.path, '@')
            seen[label] = seen.get(label, 0) + 1
            found.append((label, seen[label]))
        return found

    def all_calls(self):
        store = self.begin()
        _, labels, _ = self.strike(store, ['-a'])
        self.end(store)
        return len(labels)

    def flushed(self):
        """What a kill cannot show, but a loss of power would: all that becomes visible was flushed before, and its name after."""
        store = self.begin()
        _, labels, _ = self.strike(store, ['-r'])
        wrong, seen = flushes(labels, store.path)
        self.end(store)
        report(not wrong and seen, f'{self.operation.title}: all that becomes visible is flushed before, {seen} files and layers',
               '\n'.join(wrong))

    def at(self, store, call):
        return ['-c', call[0].replace('@', store.path), '-o', str(call[1])]

    def kill(self, title, where, how):
        """None where the fault was not met, else a list of what was wrong."""
        store = self.begin()
        try:
            done, _, met = self.strike(store, [*where(store), '-k', how])
            wrong = examine(self.world, self.operation, store)
            if met and wrong:
                wrong += [f'status {done.returncode}', done.stderr]
        finally:
            self.end(store)
        return met, [f'{title} ({how} killed)'] + wrong if wrong else []

    def fail(self, title, where, error):
        store = self.begin()
        try:
            done, _, met = self.strike(store, [*where(store), '-e', str(error)])
            lines, wrong = own_lines(done.stderr), []
            if done.returncode not in ((0, 1, 125) if self.operation.broken else (0, 125)):
                wrong.append(f'status {done.returncode}')
            # a name that cannot be read is told of, and then that it was the one which was asked for
            if done.returncode == 125 and not 1 <= len(lines) <= 1 + (error == errno.EIO and '/tags/' in title):
                wrong.append(f'{len(lines)} lines tell of it')
            if done.returncode == 0 and store.tags() != self.operation.wanted:
                wrong.append(f'status 0, but names mean {store.tags()}')
            wrong += examine(self.world, self.operation, store)
            if wrong:
                wrong.append(done.stderr)
        finally:
            self.end(store)
        return met, [f'{title}: {errno.errorcode[error]}'] + wrong if wrong else []

    def gather(self, what, jobs):
        """jobs: (function, title, arguments). One line of TAP for all of them."""
        def attempt(job):
            try:
                return job[0](*job[1:])
            except subprocess.TimeoutExpired as late:
                return True, [f'{job[1]}: {late}']

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            results = list(pool.map(attempt, jobs))
            # where two programs race for making something, the other one may come first this time: a second and a third try
            for _ in range(2):
                again = [number for number, result in enumerate(results) if not result[0] and not result[1]]
                for number, result in zip(again, pool.map(lambda number: attempt(jobs[number]), again)):
                    results[number] = result
        wrong = [line for _, lines in results for line in lines]
        missed = [jobs[number][1] for number, result in enumerate(results) if not result[0]]
        if len(missed) * 4 > len(jobs):
            wrong.append(f'{len(missed)} faults of {len(jobs)} were never met: {missed[:5]}')
        report(not wrong, f'{self.operation.title}: {what}, {len(jobs) - len(missed)} times', '\n'.join(wrong))

    def share(self, generator, calls, which):
        if WIDE:
            return calls
        share = self.operation.shares[which]
        if not MAPPED and (which > 0 or '+' not in self.operation.words('')):
            share *= 0.3  # what differs between the ways is how a layer is made
        chosen = sorted(generator.sample(range(len(calls)), round(share * len(calls))))
        return [calls[number] for number in chosen]

    def run(self):
        started, generator = time.monotonic(), random.Random(f'{SEED} {self.operation.title}')
        calls = self.calls()
        self.flushed()
        both = '+' in self.operation.words('')

        def at(call):
            return lambda store: self.at(store, call)

        def title(call):
            return f'{call[0]} no. {call[1]}'

        # a lock is gone with whoever held it
        kills = [call for call in calls if call[0].split(' ')[1] != 'flock']
        self.gather(f'killed before each of {len(kills)} calls that change something, or tell the other of it',
                    [(self.kill, title(call), at(call), 'one') for call in self.share(generator, kills, 0)])
        if both:
            self.gather('and both of its programs with it',
                        [(self.kill, title(call), at(call), 'all') for call in self.share(generator, kills, 1)])
        total = self.all_calls()
        numbers = range(1, total + 1) if WIDE else sorted(generator.sample(range(1, total + 1), min(total, 8)))
        self.gather('killed before other calls, whatever they do', [
            (self.kill, f'call {number} of {total}', lambda store, number=number: ['-a', '-n', str(number)], 'one') for number in numbers])
        fails = [call for call in calls if call[0].split(' ')[1] != 'sendmsg']
        self.gather('errors in place of calls that change something', [
            (self.fail, title(call), at(call), error) for number, call in enumerate(self.share(generator, fails, 2))
            for error in (ERRORS if WIDE else (ERRORS[number % len(ERRORS)],))])
        reads = [call for call in self.calls('-R') if '@' in call[0] and call not in set(calls)]
        # always those whose failure may be an answer: a missing attribute is one, an unreadable one is not
        some = [call for call in reads if 'xattr' in call[0]]
        some += generator.sample(reads, min(len(reads), READS))
        self.gather('errors in place of calls that read', [
            (self.fail, title(call), lambda store, call=call: ['-R', *self.at(store, call)], errno.EIO)
            for call in (reads if WIDE else dict.fromkeys(some))])
        print(f'# {self.operation.title}: {len(calls)} calls, {len(reads)} that read, {total} of any kind, {time.monotonic() - started:.0f} s', flush=True)


def control(world):
    """What copies a storage in place, names first, is seen to leave half of it: or the sweep would see nothing anywhere."""
    new = world.path('new')
    copy = f'for part in tags records images/index.json layers images/blobs; do cp -a {new}/$part/. "$0/$part/" || cp {new}/$part "$0/$part"; done'
    operation = Operation('a copy in place', (1, 0, 1), 'old', lambda path: ['sh', '-c', copy + ' 2> /dev/null', path],
                          Store(new).tags())
    one = Sweep(world, operation)
    calls, seen = one.calls(), 0
    for call in random.Random(SEED).sample(calls, 12):
        seen += bool(one.kill(call[0], lambda store, call=call: one.at(store, call), 'one')[1])
    report(seen > 6, f'a copy in place is seen to leave half of an image, {seen} times of 12')


def sweep(world):
    os.makedirs(world.path('none'), 0o700)
    world.bases()
    print(f'# seed {SEED}')
    if chosen('control'):
        control(world)
    for operation in operations(world):
        if chosen(operation.title):
            Sweep(world, operation).run()


def flush(world):
    """The order of flushes and names, of one image that is imported: what a loss of power would find."""
    os.makedirs(world.path('none'), 0o700)
    with open(world.path('archive'), 'wb') as content:
        content.write(archive(directory('./'), file('x', 'x')))
    words = ['sh', '-c', f'exec "$@" < {world.path("archive")}', 'sh']
    Sweep(world, Operation('import', (0, 0, 0), 'none', lambda path: [*words, *world.command(path, 'import', '-', 'x:1')], {})).flushed()


# ---- several at once ----

def hold(store, manifest):
    """What a launch does (record.h): a shared lock on the record, which counts while the file has its name. None: it is gone."""
    path = store.below('records', manifest[7:] + '.json')
    while True:
        try:
            record = open(path, 'rb')
        except FileNotFoundError:
            return None
        fcntl.flock(record, fcntl.LOCK_SH)
        try:
            if os.fstat(record.fileno()).st_ino == os.stat(path).st_ino:
                return record
        except FileNotFoundError:
            pass
        record.close()


def missing_layers(store, record):
    record.seek(0)
    chains = json.load(record)['layers']
    return [chain for chain in chains if not any(os.path.isdir(store.below('layers', way, chain[7:], 'tree'))
                                                 for way in ('mapped', 'single'))]


class Actors:
    """Loops of programs over one storage, for some seconds."""

    def __init__(self, world, base):
        self.world, self.store = world, world.copy(base, world.path('race'))
        self.stop, self.wrong, self.counts = threading.Event(), [], {}
        self.threads = []

    def loop(self, title, words, fine=lambda done: done.returncode == 0):
        def act():
            while not self.stop.is_set():
                done = self.world.run(words)
                self.counts[title] = self.counts.get(title, 0) + 1
                if not fine(done):
                    self.wrong.append(f'{title}: status {done.returncode}: {done.stdout}{done.stderr}')
        self.threads.append(threading.Thread(target=act))

    def holder(self, manifest):
        def act():
            while not self.stop.is_set():
                record = hold(self.store, manifest)
                if not record:
                    time.sleep(0.001)
                    continue
                with record:
                    for _ in range(10):
                        gone = missing_layers(self.store, record)
                        if gone:
                            self.wrong.append(f'held, and without the layers {gone}')
                            break
                        time.sleep(0.002)
                self.counts['held'] = self.counts.get('held', 0) + 1
                time.sleep(0.001)
        self.threads.append(threading.Thread(target=act))

    def run(self, what, seconds):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        self.stop.set()
        for thread in self.threads:
            thread.join()
        world, two = self.world, self.world.name('two')
        wrong = self.wrong + self.store.faults(world.trees) + meanings_are_known(world, self.store)
        for words in (world.pair(self.store.path, two), world.command(self.store.path, 'prune')):
            done = world.run(words)
            if done.returncode:
                wrong.append(f'{words}: {done.returncode} {done.stderr}')
        wrong += self.store.faults(world.trees, settled=True)
        if self.store.tags() != {world.name('keep'): [world.images['keep'].digest], two: [world.images['two'].digest]}:
            wrong.append(f'in the end names mean {self.store.tags()}')
        report(not wrong, f'{what}: {", ".join(f"{number} {title}" for title, number in sorted(self.counts.items()))}',
               '\n'.join(wrong))


def together(world, what, base, words, rounds, fine, wanted):
    wrong = []
    for number in range(rounds):
        store = world.copy(base, world.path('race'))
        runs = [world.start(each) for each in words(store.path)]
        answers = [run.communicate(timeout=LIMIT) for run in runs]
        statuses = [run.returncode for run in runs]
        wrong += store.faults(world.trees)
        if not fine(statuses, answers):
            wrong.append(f'round {number}: {statuses} {answers}')
        world.must(world.command(store.path, 'prune'))
        wrong += store.faults(world.trees, settled=True)
        if {name: meanings[0] for name, meanings in store.tags().items()} != wanted:
            wrong.append(f'round {number}: names mean {store.tags()}')
    report(not wrong, f'{what}, {rounds} times', '\n'.join(wrong))


def races(world):
    world.bases()
    keep, two = world.name('keep'), world.name('two')
    kept, new = world.images['keep'].digest, world.images['two'].digest

    def all_well(statuses, _):
        return not any(statuses)

    def one_at_least(statuses, answers):
        return 0 in statuses and all(status == 0 or status == 125 and len(own_lines(answer[1])) == 1
                                     for status, answer in zip(statuses, answers))

    together(world, 'two pulls of one image at once', 'kept', lambda path: [world.pair(path, two)] * 2, 20, all_well, {keep: kept, two: new})
    together(world, 'two pulls of a name that moves at once', 'old', lambda path: [world.pair(path, two)] * 2, 10, all_well,
             {keep: kept, two: new})
    together(world, 'two removals of one image at once', 'new', lambda path: [world.command(path, 'rm', two)] * 2, 20, one_at_least,
             {keep: kept})
    together(world, 'two prunes at once', 'new', lambda path: [world.command(path, 'prune')] * 2, 10, all_well, {keep: kept, two: new})
    together(world, 'a pull and two removals of another image at once', 'new',
             lambda path: [world.pair(path, world.name('two', 'old')), world.command(path, 'rm', two), world.command(path, 'rm', two)], 10,
             one_at_least, {keep: kept, world.name('two', 'old'): world.images['old'].digest})
    for what, others in (('a pull against a removal', ('rm',)), ('a pull against a prune', ('prune',)),
                         ('a pull against a removal and a prune, and the image held as a launch does', ('rm', 'prune', 'hold'))):
        actors = Actors(world, 'kept')
        actors.loop('pulls', world.pair(actors.store.path, two))
        if 'rm' in others:
            actors.loop('removals', world.command(actors.store.path, 'rm', '--ignore', two))
        if 'prune' in others:
            actors.loop('prunes', world.command(actors.store.path, 'prune'))
        if 'hold' in others:
            actors.holder(new)
        actors.run(what, 6)
    held(world, new)


def held(world, manifest):
    store = world.copy('new', world.path('race'))
    record = hold(store, manifest)
    world.must(world.command(store.path, 'rm', world.name('two')))
    world.must(world.command(store.path, 'prune'))
    stays = hold(store, manifest) and not missing_layers(store, record)
    record.close()
    world.must(world.command(store.path, 'prune'))
    gone = not os.path.exists(store.below('records', manifest[7:] + '.json')) and len(store.layers()) == 1
    report(stays and gone, 'an image that a launch holds outlives its name and a prune, and goes with the next one', f'{stays} {gone}')


# ---- disks that are full, or cannot be written ----

def mount(*words):
    subprocess.run(['mount', *words], check=True, capture_output=True)


def full(world, options, what):
    """options: of a tmpfs a little larger than what is on it."""
    place = world.path('full')
    os.makedirs(place, exist_ok=True)
    mount('-t', 'tmpfs', '-o', 'mode=0700,size=64m', 'none', place)
    try:
        store = world.copy('kept', os.path.join(place, 'storage'))
        used = os.statvfs(place)
        sizes = {'blocks': (used.f_blocks - used.f_bfree) * used.f_frsize, 'inodes': used.f_files - used.f_ffree}
        mount('-o', 'remount,' + options(sizes), place)
        done = world.run(world.pair(store.path, world.name('two')))
        wrong = store.faults(world.trees)
        if done.returncode:
            lines = own_lines(done.stderr)
            if done.returncode != 125 or len(lines) != 1 or 'No space left' not in lines[0]:
                wrong.append(f'status {done.returncode}: {done.stderr}')
            if store.tags() != {world.name('keep'): [world.images['keep'].digest]}:
                wrong.append(f'names mean {store.tags()}')
            world.must(world.command(store.path, 'list'))
            # whoever has no room left must be able to make some
            subprocess.run(['dd', 'if=/dev/zero', f'of={place}/filler', 'bs=4096'], check=False, capture_output=True)
            removed = world.run(world.command(store.path, 'rm', world.name('keep')))
            if removed.returncode or store.layers() or store.tags():
                wrong.append(f'no image can be removed: {removed.returncode} {removed.stderr} {store.layers()}')
            if os.path.exists(f'{place}/filler'):
                os.unlink(f'{place}/filler')
            mount('-o', 'remount,size=64m,nr_inodes=10000', place)
            for words in (world.pair(store.path, world.name('two')), world.command(store.path, 'prune')):
                world.must(words)
            wrong += store.faults(world.trees, settled=True)
        return done.returncode, [f'{what}: {line}' for line in wrong]
    finally:
        subprocess.run(['umount', '-l', place], check=False)


def space(world):
    world.bases()
    try:
        os.makedirs(world.path('none'), 0o700)
        mount('-t', 'tmpfs', 'none', world.path('none'))
    except subprocess.CalledProcessError as error:
        report(False, 'a tmpfs can be mounted', error.stderr)
        return
    for kind, steps in (('blocks', range(0, 1800, 60)), ('inodes', range(0, 60, 2))):
        wrong, failed, ended = [], 0, False
        for step in steps:
            def options(sizes, step=step):
                return f'size={sizes["blocks"] + step * 1024}' if kind == 'blocks' else f'nr_inodes={sizes["inodes"] + step}'
            status, lines = full(world, options, f'{kind} for {step} more')
            wrong += lines
            failed += status != 0
            if status == 0:
                ended = True
                break
        report(not wrong and failed > 3 and ended, f'a disk without {kind} for a pull: one line, and the store as it was, {failed} times',
               '\n'.join(wrong))
    room(world)
    read_only(world)


def crammed(world, kind, words, meanings):
    """What makes room, where there is none at all; meanings: what the names mean afterwards."""
    place = world.path('crammed')
    os.makedirs(place, exist_ok=True)
    mount('-t', 'tmpfs', '-o', 'mode=0700,size=64m', 'none', place)
    try:
        store = world.copy('new', os.path.join(place, 'storage'))
        if kind == 'blocks':
            subprocess.run(['dd', 'if=/dev/zero', f'of={place}/filler', 'bs=4096'], check=False, capture_output=True)
        else:
            used = os.statvfs(place)
            mount('-o', f'remount,nr_inodes={used.f_files - used.f_ffree}', place)
        done = world.run(world.command(store.path, *words))
        wrong = store.faults(world.trees, settled=True)
        if done.returncode or done.stderr or store.tags() != meanings:
            wrong.append(f'{done.returncode} {done.stderr}, names mean {store.tags()}')
        report(not wrong, f'a disk without any {kind}: {" ".join(words)}', '\n'.join(wrong))
    finally:
        subprocess.run(['umount', '-l', place], check=False)


def room(world):
    keep, two = world.name('keep'), world.name('two')
    now = {name: [world.images[image].digest] for name, image in ((keep, 'keep'), (two, 'two'))}
    for kind in ('blocks', 'inodes'):
        for words, left in ((['rm', two], [keep]), (['rm', keep, two], []), (['rm', '-a'], []), (['prune'], [keep, two]), (['prune', '-a'], []),
                            (['rm', '-f', world.config_of('two')[7:]], [keep])):
            crammed(world, kind, words, {name: now[name] for name in left})
        was = {**now, two: now[two] + [world.images['old'].digest]}
        crammed(world, kind, ['rm', keep], {two: was[two]})
        crammed(world, kind, ['rm', '-f', world.config_of('old')[7:]], now)


def read_only(world):
    store = world.copy('new', world.path('fixed'))
    mount('--bind', store.path, store.path)
    mount('-o', 'remount,bind,ro', store.path)
    before = store.tags()
    for words in (['list'], ['inspect', world.name('two')], ['history', world.name('two')], ['tree']):
        done = world.run(world.command(store.path, *words))
        report(done.returncode == 0 and done.stdout and not done.stderr, f'a read-only store: {words[0]} works', done.stderr)
    for words in (['rm', world.name('two')], ['tag', world.name('two'), world.name('x')], ['prune'], ['rollback', world.name('two')],
                  ['verify'], ['pull']):
        command = world.pair(store.path, world.name('two')) if words == ['pull'] else world.command(store.path, *words)
        done = world.run(command)
        lines = own_lines(done.stderr)
        report(done.returncode == 125 and len(lines) == 1 and 'Read-only file system' in lines[0] and store.tags() == before,
               f'a read-only store: {words[0]} is refused in one line', f'{done.returncode}: {done.stderr}')
    subprocess.run(['umount', '-l', store.path], check=False)


# ---- whole launches ----

def below(process):
    """The processes that descend from one, as far as they can be seen."""
    children = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as line:
                    parent = int(line.read().rsplit(')', 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found = list(children.get(process, []))
    for each in found:
        found += children.get(each, [])
    return found


def killed_launch(world, store, words, moment, generator, number):
    """One of the processes of a pull is killed after so many seconds."""
    run = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(moment)
    others = below(run.pid)
    target = run.pid if number % 3 == 0 or not others else generator.choice(others)
    if run.poll() is None:
        try:
            os.kill(target, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            target = None
    _, errors = run.communicate(timeout=LIMIT)
    wrong, deadline = [], time.monotonic() + LIMIT
    while any(os.path.exists(f'/proc/{other}') for other in others) and time.monotonic() < deadline:
        time.sleep(0.02)
    wrong += [f'process {other} has outlived it' for other in others if os.path.exists(f'/proc/{other}')]
    if run.returncode not in (0, 125, -signal.SIGKILL) or run.returncode == 125 and len(own_lines(errors)) != 1:
        wrong.append(f'status {run.returncode}: {errors}')
    wrong += store.faults() + meanings_are_known(world, store)
    if store.tags().get(world.name('keep')) != [world.images['keep'].digest]:
        wrong.append('the other image has lost its name')
    return run.returncode, [f'round {number}: {line}' for line in wrong]


def launches(world):
    program, store = os.environ['IMMURE_PROGRAM'], Store(world.path('storage'))
    generator, rounds, wrong, struck, tried = random.Random(SEED), 200 if WIDE else 24, [], 0, 0

    def words(verb, *more):
        return [program, 'image', verb, '--storage', store.path, *more]

    pull = words('pull', *world.options, world.name('two'))
    print(f'# seed {SEED}')
    world.must(words('pull', *world.options, world.name('keep')))
    lasts = time.monotonic()
    world.must(pull)
    lasts = time.monotonic() - lasts
    world.must(words('rm', world.name('two')))
    # on a machine with moods the first pull may have lasted much longer than the others: then there are more of them
    for number in itertools.takewhile(lambda done: done < rounds or struck * 8 < rounds and done < 20 * rounds, itertools.count()):
        tried = number + 1
        status, lines = killed_launch(world, store, pull, generator.uniform(0, lasts), generator, number)
        struck += status != 0
        wrong += lines
        if 'no faults' not in world.must(words('verify')):
            wrong.append(f'round {number}: verify has found faults')
        world.must(words('rm', '--ignore', world.name('two')))
    if struck * 8 < rounds:
        wrong.append(f'only {struck} pulls of {tried} ended of it')
    report(not wrong, f'processes of a pull in its jails killed at any moment, {tried} times', '\n'.join(wrong))
    print(f'# {struck} of them ended of it')
    world.must(pull)
    world.must(words('prune'))
    report(not store.faults(settled=True), 'and nothing of it is left', '\n'.join(store.faults(settled=True)))
    world.must(words('rm', '--all'))


# ---- hostile images ----

def last_words(world, store):
    """An unpacker that says why it goes, and does not wait to hear the rest."""
    ours, theirs = channel.pair()
    run = subprocess.Popen([*world.command(store.path, 'pull', *world.options, '--channel', str(theirs), world.name('two'))],
                           pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    layers = struct.unpack(channel.FORM, ours.recv(4096))[1]
    for _ in range(LIMIT * 100):  # until all that it has to say is in the queue, unread
        if struct.unpack('i', fcntl.ioctl(ours, termios.FIONREAD, bytes(4)))[0] == layers * struct.calcsize(channel.FORM):
            break
        time.sleep(0.01)
    run.send_signal(signal.SIGSTOP)
    ours.send(channel.message(channel.FAILED, text=b'the reason'))
    ours.close()
    run.send_signal(signal.SIGCONT)
    _, errors = run.communicate(timeout=LIMIT)
    report(run.returncode == 125 and own_lines(errors) == ['immure: the reason'], 'the last words of an unpacker are told', errors)


def hostile(world):
    world.bases()
    cases = list(hostile_images())
    registry = Registry({f'case-{number}': image for number, (_, image, _) in enumerate(cases)})
    registry.images['good'] = Image([archive(file('x', 'x')), archive(file('y', 'y'))])
    store = world.copy('kept', world.path('hostile'))
    before = store.tags(), store.records(), store.index()
    for number, (what, _, pattern) in enumerate(cases):
        done = world.run(world.pair(store.path, f'{registry.name}/case-{number}:1'))
        lines = own_lines(done.stderr)
        good = (done.returncode == 125 and len(lines) == 1 and re.search(pattern, lines[0]) and '\x1b' not in done.stderr
                and (store.tags(), store.records(), store.index()) == before and not store.faults(world.trees))
        report(good, f'{what}: refused in one line, nothing to be seen', f'status {done.returncode}\n{done.stderr}'
               + '\n'.join(store.faults(world.trees)))
    last_words(world, store)
    done = world.run(world.pair(store.path, f'{registry.name}/good:1'))
    report(done.returncode == 0 and f'{registry.name}/good:1' in store.tags(), 'and the image that they were made of is taken', done.stderr)
    world.must(world.command(store.path, 'rm', f'{registry.name}/good:1'))
    world.must(world.command(store.path, 'prune'))
    wrong = store.faults(world.trees, settled=True)
    if (store.tags(), store.records(), store.index()) != before:
        wrong.append('tags, records or index have changed')
    report(not wrong, 'and nothing of all that is left after a prune', '\n'.join(wrong))


def main():
    if sys.argv[1] == 'push':
        write_layout(sys.argv[2], images())
        return 0
    world = World(*sys.argv[2:6])
    {'sweep': sweep, 'flush': flush, 'races': races, 'space': space, 'launches': launches, 'hostile': hostile}[sys.argv[1]](world)
    return finish()


if __name__ == '__main__':
    sys.exit(main())
