#!/usr/bin/env python3
"""The kill table of images and containers (R40); prints TAP.

mutants.py [GUARD…]: for each guard of sandbox/util/mutant.h, a test that fails when that guard alone is taken out of the mutant
build, and passes with all of them in place. A guard without a row, or gone without its row noticing, fails. GUARD…: only these.
"""
import concurrent.futures
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from tap import finish, report

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
IMMURE = os.environ.get('IMMURE_MUTANT_BUILD') or os.path.join(os.environ.get('BUILD') or TOP + '/build', 'mutant', 'immure')
FOLDER = os.path.dirname(IMMURE)
IMAGE = os.path.join(FOLDER, 'immure-image')
FAULT = os.path.join(os.environ.get('PROBES') or os.path.dirname(FOLDER) + '/probes', 'fault')
LIMIT = 600
work = None  # a folder; not in /tmp: cp has the container's tree there


# ---- the tests: each is (command, pattern of the cases' names); {place} becomes a folder of its own ----

def unit(name):
    return [os.path.join(FOLDER, 'unit', name)], ''


def layers(group, only):
    return ['python3', HERE + '/layers.py', '{place}', IMAGE, group], only


def double(group, only=''):
    return ['env', 'TMPDIR={place}', 'python3', HERE + '/registry_double.py', IMAGE, group], only


def flush():
    return ['unshare', '-rm', '--', 'python3', HERE + '/faults.py', 'flush', '{place}', IMAGE, FAULT, 'none'], ''


def copy():
    return ['python3', __file__, '--copy', '{place}'], ''


TABLE = {
    # T-TAR
    'tar-dotdot': layers('names', r"the name '../x'"),
    'tar-depth': unit('image_layer'),
    'tar-whiteout-name': layers('whiteouts', r'the whiteout d/\.wh\.\.\.'),
    'tar-whiteout-inside': layers('whiteouts', r'the whiteout \.wh\.a/b'),
    'tar-owner': layers('attributes', r'owner 2\^32-1'),
    'tar-bytes': unit('image_layer'),
    'tar-root': layers('names', 'a symbolic link at the root'),
    'tar-devices': layers('whiteouts', "overlayfs's own signs"),
    'tar-ratio': layers('limits', 'a bomb of gzip'),
    'zstd-window': layers('limits', 'a window of 2 GiB'),
    'tar-cut': layers('streams', 'no end at all'),
    'tar-after-end': layers('streams', 'a second archive after the end'),
    'tar-checksum': unit('image_layer'),
    'tar-type': layers('names', 'an entry of type D'),
    'tar-sizes': layers('limits', 'two sizes'),
    'tar-pax-twice': layers('limits', 'the same key twice'),
    'tar-pax-global': layers('limits', 'a global header with path'),
    'tar-nul': layers('names', 'NUL in a pax path'),
    'tar-xattrs': layers('attributes', 'of the xattrs'),
    'tar-setuid': layers('attributes', 'setuid with one id|modes that close'),
    'tar-entries': unit('image_layer'),
    'tar-links': layers('links', 'a file through an absolute link'),
    'tar-link-target': layers('links', 'a hard link through a link to the host'),
    'tar-exclusive': layers('links', 'a hard link, then a file in its place'),
    'tar-hard-link': layers('links', 'a hard link to a directory'),
    'tar-copy-up': layers('limits', 'hard links that copy a large file'),
    'layer-verified': layers('streams', 'what nobody has vouched for'),
    'layer-diff': layers('streams', 'a diff id that is another'),
    # what is stored
    'layer-flush': flush(),
    'blob-flush': flush(),
    'file-flush': flush(),
    'blob-size': unit('image_blob'),
    'blob-digest': unit('image_blob'),
    'blob-lock': unit('image_blob'),
    'blob-verify': unit('image_blob'),
    'storage-mode': unit('image_blob'),
    'file-mode': unit('image_auth'),
    'record-lock': unit('image_record'),
    'staging-lock': unit('image_collect'),
    # T-REG
    'manifest-digest': double('manifests', 'T-REG-05'),
    'said-digest': double('manifests', 'Docker-Content-Digest of something else'),
    'answer-bytes': double('http', 'an error of 2 MiB'),
    'header-bytes': double('http', 'headers without an end'),
    'download-size': double('bodies', 'one byte more, without a length'),
    'redirect-credentials': double('redirects', '^another host$'),
    'redirect-downgrade': double('redirects', 'from https to http'),
    'redirect-count': double('redirects', '^itself$'),
    'redirect-body': double('push', '307 on the manifest'),
    'local-address': double('redirects', r'to 255\.255\.255\.255'),
    'tls-verify': double('redirects', 'a certificate that nobody has signed'),
    'url-user': unit('image_transport'),
    'realm-host': unit('image_challenge'),
    'realm-https': double('credentials', 'a realm on'),
    'token-text': unit('image_challenge'),
    'auth-entry': unit('image_auth'),
    'auth-mode': unit('image_auth'),
    # documents, names, what is told
    'channel-form': unit('image_channel'),
    'print-escape': unit('image_print'),
    'table-escape': unit('image_print'),
    'digest-grammar': unit('image_manifest'),
    'repository-grammar': unit('image_reference'),
    'tag-grammar': unit('image_reference'),
    'json-depth': unit('json'),
    'json-values': unit('json'),
    'json-string': unit('json'),
    'json-twice': unit('image_manifest'),
    'manifest-both': unit('image_manifest'),
    'image-environment': unit('image_config'),
    'image-volume': unit('image_config'),
    'image-text': unit('image_config'),
    'image-user': unit('image_record'),
    # containers
    'container-name': unit('container'),
    'table-file': unit('container'),
    'table-id': unit('container'),
    'copy-links': copy(),
}


# ---- a link in a container ----

def copy_through_a_link(place):
    """cp into a link of a container that leads out of it."""
    guard = os.environ.pop('IMMURE_MUTANT', '')
    root, out, storage = place + '/root', place + '/out', place + '/storage'
    os.makedirs(root + '/bin')
    os.mkdir(out)
    shutil.copy(shutil.which('busybox'), root + '/bin/ln')
    with open(place + '/evil', 'w', encoding='ascii') as content:
        content.write('evil')
    for words in ([HERE + '/make_image', '-o', place + '/image.tar', '-n', 'tiny', '--layer', root],
                  [IMMURE, 'load', '--storage', storage, '-q', '-i', place + '/image.tar'],
                  [IMMURE, 'run', '--storage', storage, '--name', 'trap', 'tiny', '/bin/ln', '-s', out, '/out']):
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    if guard:
        os.environ['IMMURE_MUTANT'] = guard
    subprocess.run([IMMURE, 'cp', '--storage', storage, place + '/evil', 'trap:/out/evil'], stderr=subprocess.DEVNULL, check=False)
    report(not os.listdir(out), 'a link in a container leads nowhere outside of it')
    return finish()


# ---- trying them ----

number = 0
lock = threading.Lock()


def attempt(test, guard):
    """(how many passed, whether all did: None where it had no end, what failed first or was said last)"""
    global number
    with lock:
        number += 1
        place = f'{work}/{number}'
    os.mkdir(place)
    command, only = test
    environment = {**os.environ, 'IMMURE_ONLY': only, **({'IMMURE_MUTANT': guard} if guard else {})}
    try:
        done = subprocess.run([word.replace('{place}', place) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', timeout=LIMIT, check=False)
        lines, status = done.stdout.splitlines(), done.returncode
    except subprocess.TimeoutExpired:
        return 0, None, f'no end after {LIMIT} s'
    failed = [line for line in lines if line.startswith('not ok ')]
    return sum(line.startswith('ok ') for line in lines), status == 0 and not failed, (failed or lines[-1:] or ['nothing'])[0]


@functools.cache
def control(command, only):
    return attempt((list(command), only), '')


def judge(guard):
    if guard not in TABLE:
        return False, 'no test is named for it'
    passed, good, first = control(tuple(TABLE[guard][0]), TABLE[guard][1])
    if not passed or not good:
        return False, f'its test fails with it as well: {first}'
    _, good, first = attempt(TABLE[guard], guard)
    return good is False, re.sub(r'^not ok \d+ - ', '', first) if good is False else f'nothing fails: {first}'


def main():
    global work
    if sys.argv[1:2] == ['--copy']:
        return copy_through_a_link(sys.argv[2])
    with open(TOP + '/sandbox/util/mutant.h', encoding='utf-8') as header:
        names = header.read().split('#define MUTANTS_OF_IMAGES')[1].split('\n\n')[0]
    guards = [guard for guard in re.findall(r'"([a-z0-9-]+)"\)', names) if not sys.argv[1:] or guard in sys.argv[1:]]
    work = tempfile.mkdtemp(prefix='immure-mutants.', dir='/var/tmp')
    try:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for guard, (killed, what) in zip(guards, pool.map(judge, guards)):
                report(killed, f'without {guard}: {what}')
    finally:
        subprocess.run(['chmod', '-R', 'u+rwX', work], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)
    report(set(TABLE) <= set(guards) or sys.argv[1:], 'every row is of a guard', set(TABLE) - set(guards))
    return finish()


if __name__ == '__main__':
    sys.exit(main())
