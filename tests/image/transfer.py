#!/usr/bin/env python3
"""import, commit, diff, export, save and load, and archives of images that lie; prints TAP.

transfer.py WORK IMMURE-IMAGE: in the user namespace it finds itself in.
"""
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile

from archives import archive, directory, file, gzipped, hardlink, header, long_name, pax, symlink
from tap import MAPPED, chosen, finish, report

WORK, IMAGE = sys.argv[1], sys.argv[2]
BASE = archive(directory('etc'), file('etc/a', 'a', mtime=5), file('etc/b', 'b'), directory('opt'), file('opt/x', 'x'), directory('same', mode=0o700))

def storage(name):
    return os.path.join(WORK, name)


def run(where, *words, data=b''):
    done = subprocess.run([IMAGE, '--storage', storage(where), *words], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr.decode('utf-8', 'replace')


def good(what, where, *words, data=b''):
    status, output, errors = run(where, *words, data=data)
    report(status == 0 and not errors, what, f'status {status}\n{errors}')
    return output


def refuses(what, where, words, pattern, data=b''):
    if not chosen(what):
        return
    before = names(where)
    status, output, errors = run(where, *words, data=data)
    report(status == 125 and re.search(pattern, errors) and errors.count('\n') <= 2 and names(where) == before,
           f'{what}: refused', f'status {status}\n{errors}{output[:200]}')


def names(where):
    status, output, _ = run(where, 'list', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}')
    return sorted(output.decode().split('\n')) if status == 0 else None


def digest(data):
    return hashlib.sha256(data).hexdigest()


def manifest_of(where, name):
    index = json.load(open(storage(where) + '/images/index.json', encoding='utf-8'))
    return next(entry['digest'] for entry in index['manifests'] if entry.get('annotations', {}).get('org.opencontainers.image.ref.name') == name)


def blob(where, text):
    with open(storage(where) + '/images/blobs/sha256/' + text[7:], 'rb') as content:
        return content.read()


# ---- what a container became ----

def make_upper(top):
    """As overlayfs leaves it: a changed file, a new one with two names, a whiteout, an opaque directory."""
    os.makedirs(top + '/etc/new')
    os.makedirs(top + '/opt')
    os.makedirs(top + '/same', mode=0o700)
    with open(top + '/etc/a', 'w', encoding='ascii') as content:
        content.write('changed')
    with open(top + '/etc/new/f', 'w', encoding='ascii') as content:
        content.write('f')
    os.link(top + '/etc/new/f', top + '/etc/new/g')
    os.symlink('/etc/passwd', top + '/link')
    os.mknod(top + '/etc/b', stat.S_IFCHR, 0)
    os.setxattr(top + '/opt', 'user.overlay.opaque', b'y')
    os.setxattr(top + '/etc/a', 'user.note', b'v')
    with open(top + '/hole', 'wb') as content:
        content.seek(1 << 20)
        content.write(b'end')
    with open(top + '/.wh.etc', 'wb'):
        pass
    os.mkfifo(top + '/fifo')
    os.link(top + '/fifo', top + '/pipe')
    try:
        for i in range(60):  # as many as a layer may have: more than a block of ext4 holds
            os.setxattr(top + '/etc/new/f', f'user.{"n" * 200}{i}', b'v')
    except OSError:
        pass
    if MAPPED:
        os.chown(top + '/etc/new/f', 5, 6)
    for path in ('', '/etc', '/opt', '/etc/new'):
        os.chmod(top + path, 0o755)
    if not MAPPED:
        os.setxattr(top + '/same', 'user.containers.override_stat', b'0:0:0700')


def commits():
    os.mkdir(storage('one'), 0o700)
    good('import', 'one', 'import', '-c', 'CMD ["/bin/sh", "-l"]', '-c', 'ENV A=b', '-c', 'WORKDIR /opt', '-m', 'hello', '-', 'base:1', data=gzipped(BASE))
    base = manifest_of('one', 'docker.io/library/base:1')
    upper = os.path.join(WORK, 'upper')
    make_upper(upper)
    output = good('diff', 'one', 'diff', '--upper', upper, '--', base).decode().split('\n')
    wanted = ['A /.wh.etc', 'A /etc/new', 'A /etc/new/f', 'A /etc/new/g', 'A /fifo', 'A /hole', 'A /link', 'A /pipe', 'C /etc', 'C /etc/a', 'C /opt', 'C /same',
              'D /etc/b', 'D /opt/x', '']
    report(sorted(output) == sorted(wanted), 'tells what was added, changed and removed', output)
    status, _, errors = run('one', 'commit', '-m', 'why', '-a', 'me', '-c', 'LABEL x=y z', '-c', 'ENV A=c', '-c', 'EXPOSE 80/tcp', '--upper', upper, '--', base, 'child:2')
    report(status == 0 and '1 sockets' in errors, 'commit tells of what it leaves out', errors)
    child = manifest_of('one', 'docker.io/library/child:2')
    manifest = json.loads(blob('one', child))
    layer = blob('one', manifest['layers'][1]['digest'])
    inside = {entry.name: entry for entry in tarfile.open(fileobj=io.BytesIO(layer), mode='r:gz')}
    report(sorted(inside) == ['etc', 'etc/.wh.b', 'etc/a', 'etc/new', 'etc/new/f', 'etc/new/g', 'fifo', 'hole', 'link', 'opt', 'opt/.wh..wh..opq', 'pipe'],
           'the layer is the difference, and only that', sorted(inside))
    report(inside['etc/new/g'].islnk() and inside['pipe'].islnk() and len(inside['etc/new/f'].pax_headers) >= len(os.listxattr(upper + '/etc/new/f')) and inside['hole'].issparse() and inside['etc/a'].pax_headers.get('SCHILY.xattr.user.note') == 'v'
           and (not MAPPED or inside['etc/new/f'].uid == 5), 'with links, holes, attributes and owners', inside['etc/a'].pax_headers)
    config = json.loads(blob('one', manifest['config']['digest']))
    report(config['config']['Cmd'] == ['/bin/sh', '-l'] and config['config']['Env'] == ['A=c'] and config['config']['Labels'] == {'x': 'y z'}
           and config['config']['ExposedPorts'] == {'80/tcp': {}} and [entry.get('comment') for entry in config['history']] == ['hello', 'why']
           and config['author'] == 'me' and len(config['rootfs']['diff_ids']) == 2, 'the configuration has all changes', json.dumps(config))
    again = good('commit without a name', 'one', 'commit', '-q', '--upper', upper, '--', base).decode().strip()
    report(re.fullmatch('[0-9a-f]{64}', again) is not None, 'prints the id', again)
    for what, words, pattern in (
            ('commit to a name that is none', ['commit', '--upper', upper, '--', base, 'Upper:x'], 'Upper'),
            ('commit without an upper', ['commit', base], '--upper'),
            ('commit of an upper that is not there', ['commit', '--upper', upper + '/none', '--', base], 'cannot open'),
            ('commit of no digest', ['commit', '--upper', upper, '--', 'base:1'], 'no digest'),
            ('commit of an image that is not there', ['commit', '--upper', upper, '--', 'sha256:' + 64 * '0'], ''),
            ('an instruction that is none', ['commit', '-c', 'RUN x', '--upper', upper, '--', base], 'expected CMD'),
            ('an instruction without a value', ['commit', '-c', 'CMD', '--upper', upper, '--', base], 'needs a value'),
            ('a variable without a value', ['commit', '-c', 'ENV A', '--upper', upper, '--', base], 'NAME=VALUE'),
            ('a relative working directory', ['commit', '-c', 'WORKDIR x', '--upper', upper, '--', base], 'WorkingDir'),
            ('an instruction that is no text', ['commit', '-c', b'CMD \xff', '--upper', upper, '--', base], 'immure: --change: is not UTF-8'),
            ('commit under a digest', ['commit', '--upper', upper, '--', base, 'x@sha256:' + 64 * 'a'], 'a digest says what it means'),
            ('import under a digest', ['import', '-', 'x@sha256:' + 64 * 'a'], 'a digest says what it means'),
            ('diff of no digest', ['diff', '--upper', upper, '--', 'base:1'], 'digest'),
            ('diff of what is not there', ['diff', '--upper', upper + '/none', '--', base], 'cannot open'),
            ('export of what is not there', ['export', upper + '/none'], 'cannot open'),
            ('save of what is not there', ['save', 'nothing:1'], 'nothing'),
            ('save in a form that is none', ['save', '--format', 'zip', 'base:1'], 'docker-archive'),
            ('unpack of what is not there', ['unpack', 'nothing:1'], 'nothing'),
            ('import of nothing', ['import', '-', 'x:1'], 'ends in the middle'),
            ('import of a file', ['import', 'file', 'x:1'], 'standard input')):
        refuses(what, 'one', words, pattern)
    refuses('import of a zip', 'one', ['import', '-', 'x:1'], 'checksum|not a tar', data=b'PK\3\4' + bytes(1000))
    tree = os.path.join(WORK, 'tree')
    os.makedirs(tree + '/d')
    os.symlink('/etc/shadow', tree + '/d/l')
    with open(tree + '/.wh.x', 'wb') as content:
        content.write(b'kept')
    made = good('export', 'one', 'export', tree)
    entries = {entry.name: entry for entry in tarfile.open(fileobj=io.BytesIO(made))}
    report(sorted(entries) == ['.', '.wh.x', 'd', 'd/l'] and entries['d/l'].issym() and entries['.wh.x'].size == 4, 'is the tree as it is', sorted(entries))
    report(good('again', 'one', 'export', tree) == made, 'and the same every time')


# ---- there and back ----

def round_trips():
    wanted = [line for line in names('one') if '<none>' not in line]
    for form in ('docker-archive', 'oci-archive'):
        saved = good(f'save as {form}', 'one', 'save', '--format', form, 'base:1', 'child:2')
        for packing in (lambda data: data, gzipped):
            shutil.rmtree(storage('two'), ignore_errors=True) if not MAPPED else subprocess.run(['rm', '-rf', storage('two')], check=True)
            os.mkdir(storage('two'), 0o700)
            output = good(f'load of {form}', 'two', 'load', data=packing(saved)).decode()
            report(output.count('Loaded image: ') == 2 and names('two') == wanted, 'gives the same images under the same names', f'{output} {names("two")}')
        status, _, errors = run('two', 'verify')
        report(status == 0, 'which are whole', errors)
        if shutil.which('skopeo'):
            path = os.path.join(WORK, 'saved.tar')
            with open(path, 'wb') as content:
                content.write(saved)
            source = f'{form}:{path}:docker.io/library/child:2'
            seen = subprocess.run(['skopeo', 'inspect', '--tmpdir', WORK, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            report(seen.returncode == 0 and len(json.loads(seen.stdout)['Layers']) == 2, 'and skopeo reads it', seen.stderr.decode())
    for form in ('oci-dir', 'docker-dir'):
        path = os.path.join(WORK, form)
        os.mkdir(path)
        good(f'save as {form}', 'one', 'save', '--format', form, '--directory', path, 'child:2')
        refuses(f'{form} into what is there', 'one', ['save', '--format', form, '--directory', path, 'child:2'], 'not empty')
        os.mkdir(storage(form + '-store'), 0o700)
        good(f'load of {form}', form + '-store', 'load', '--directory', path)
        report(run(form + '-store', 'list', '-aq') == run('one', 'list', '-q', 'child:2'), 'gives the same image', run(form + '-store', 'list', '-a'))
        status, _, errors = run(form + '-store', 'verify')
        report(status == 0, 'which is whole', errors)
    way = os.path.join(storage('two'), 'layers', 'mapped' if MAPPED else 'single')
    for name in os.listdir(way):
        subprocess.run(['rm', '-rf', os.path.join(way, name)], check=True)
    good('unpack, where the layers are gone', 'two', 'unpack', 'child:2')
    report(len(os.listdir(way)) == 2, 'makes them again from their blobs', os.listdir(way))
    good('and again', 'two', 'unpack', manifest_of('two', 'docker.io/library/child:2'))


# ---- as many layers as an image can have ----

def layered(number, name):
    """An oci-archive of that many layers, each with a file of its own."""
    return of_layers([archive(file(f'f{i}', f'{i}')) for i in range(number)], name)


def of_layers(layers, name, times=1, labels=None):
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {'Labels': labels}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest(layer) for layer in layers]}}).encode()

    def descriptor(kind, data):
        return {'mediaType': 'application/vnd.oci.image.' + kind, 'digest': 'sha256:' + digest(data), 'size': len(data)}

    manifest = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'config': descriptor('config.v1+json', config),
                           'layers': [descriptor('layer.v1.tar', layer) for layer in layers]}).encode()
    name = name.replace('{manifest}', digest(manifest))
    index = {'schemaVersion': 2, 'manifests': [{**descriptor('manifest.v1+json', manifest), 'annotations': {'org.opencontainers.image.ref.name': name}}] * times}
    return archive(file('index.json', json.dumps(index)), *(file('blobs/sha256/' + digest(data), data) for data in (config, manifest, *layers)))


def many():
    os.mkdir(storage('many'), 0o700)
    upper = os.path.join(WORK, 'added')
    os.mkdir(upper)
    os.chmod(upper, 0o755)
    with open(upper + '/f0', 'w', encoding='ascii') as content:
        content.write('new')
    good('an image of 127 layers', 'many', 'load', '-q', data=layered(127, 'many:127'))
    base = manifest_of('many', 'docker.io/library/many:127')
    good('commit adds the 128th', 'many', 'commit', '-q', '--upper', upper, '--', base, 'many:128')
    child = manifest_of('many', 'docker.io/library/many:128')
    report(len(json.loads(blob('many', child))['layers']) == 128, 'which the image has then')
    report(good('diff over 128 layers', 'many', 'diff', '--upper', upper, '--', child) == b'C /f0\n', 'knows all of them')
    os.mkdir(storage('more'), 0o700)
    good('load of 128 layers', 'more', 'load', '-q', data=good('save of 128 layers', 'many', 'save', 'many:128'))
    status, output, errors = run('more', 'verify')
    report(status == 0, 'and all are whole', output.decode() + errors)
    refuses('a 129th layer by commit', 'many', ['commit', '--upper', upper, '--', child, 'many:129'], 'the image has 128 layers, and 128 are the most')
    refuses('a 129th layer by load', 'many', ['load'], 'layers.*more than 128', data=layered(129, 'many:129'))


# ---- what has changed on the disk since ----

LAYERS = [
    archive(directory('d', mode=0o750), pax({'SCHILY.xattr.user.note': 'v'}), file('d/f', 'content', mtime=7, mode=0o640), hardlink('d/g', 'd/f'),
            symlink('l', 'd'), file('old', 'o'), directory('o'), file('o/x', 'x'), file('big', bytes(300000))),
    archive(hardlink('h', 'd/f'), file('l/x', 'through a link'), file('d/y', 'y'), file('.wh.old'), file('o/.wh..wh..opq'), directory('empty'))]


def spoilings():
    """What is done to which layer's tree, and what verify says of it."""
    def write(path, data):
        times = os.stat(path)
        with open(path, 'r+b') as content:
            content.write(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def replace(path, make):
        subprocess.run(['rm', '-rf', path], check=True)
        make(path)

    def own(path):
        if MAPPED:
            os.chown(path, 3, 4)
        else:
            os.setxattr(path, 'user.containers.override_stat', b'3:4:0640')

    def copy(path):
        shutil.copy2(path, path + '.new')
        os.rename(path + '.new', path)

    return (
        (0, 'd/f', lambda path: write(path, b'C'), 'd/f has other content'),
        (0, 'big', lambda path: os.truncate(path, 299999), 'big has another size'),
        (0, 'd/f', lambda path: os.utime(path, (7, 8)), 'd/f has another time'),
        (0, 'd/f', lambda path: os.chmod(path, 0o666), 'd/f has another mode'),
        (0, 'd', lambda path: os.chmod(path, 0o777), 'd has another mode'),
        (0, 'big', own, 'big has (another owner|other extended attributes)'),
        (0, 'd/f', lambda path: os.removexattr(path, 'user.note'), 'd/f has other extended attributes'),
        (0, 'd/f', lambda path: os.setxattr(path, 'user.more', b''), 'd/f has other extended attributes'),
        (0, 'd/g', copy, 'd/f has another number of names'),
        (0, 'd/f', os.unlink, 'd/f is missing'),
        (0, 'l', lambda path: replace(path, lambda name: os.symlink('e', name)), 'l leads elsewhere'),
        (0, 'old', lambda path: replace(path, os.mkdir), 'old is of another type'),
        (0, 'new', lambda path: os.symlink('/etc', path), 'new is not in the image'),
        (0, 'd', lambda path: (os.rename(path, WORK + '/moved'), os.symlink(WORK + '/moved', path)), 'd is of another type'),
        (1, 'old', os.unlink, 'old is missing'),
        (1, 'o', lambda path: os.removexattr(path, 'user.overlay.opaque'), 'o has other extended attributes'),
        (1, 'h', lambda path: write(path, b'C'), 'd/f has other content'),
        (1, 'd/more', lambda path: open(path, 'wb').close(), 'd/more is not in the image'))


def damages():
    os.mkdir(storage('hurt'), 0o700)
    good('an image of two layers', 'hurt', 'load', '-q', data=of_layers(LAYERS, 'hurt:1'))
    good('and one that shares the first', 'hurt', 'load', '-q', data=of_layers([LAYERS[0], archive(file('z'))], 'other:1'))
    report(b'no faults' in good('which is verified', 'hurt', 'verify'), 'as it is')
    first = 'sha256:' + digest(LAYERS[0])
    chains = [first, 'sha256:' + digest(f'{first} sha256:{digest(LAYERS[1])}'.encode())]
    for index, path, spoil, said in spoilings():
        tree = os.path.join(storage('hurt'), 'layers', 'mapped' if MAPPED else 'single', chains[index][7:], 'tree')
        spoil(os.path.join(tree, path))
        status, output, _ = run('hurt', 'verify', '-q')
        report(status == 0 and b'no faults' in output, f'quickly, nothing is seen of it: {said}', output.decode())
        status, output, errors = run('hurt', 'verify')
        report(status == 0 and re.search(f'layer {index + 1} was damaged: {said} .mended.', output.decode()) and b' 0 faults, 1 more mended' in output,
               f'mended: {said}', f'status {status} {output.decode()}{errors}')
        status, output, errors = run('hurt', 'verify')
        report(status == 0 and b'no faults' in output, 'and it is', output.decode() + errors)
    subprocess.run(['rm', '-rf', WORK + '/moved'], check=True)
    os.unlink(tree + '/h')
    with open(f"{storage('hurt')}/records/{manifest_of('hurt', 'docker.io/library/hurt:1')[7:]}.json", 'rb') as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        status, output, _ = run('hurt', 'verify')
        report(status == 1 and b'd/f has another number of names; ' in output and b'containers run from it' in output and not os.path.exists(tree + '/h'),
               'what a container runs from is left in its place', output.decode())
    report(b'(mended)' in good('until it has ended', 'hurt', 'verify'), 'and is mended then')


# ---- T-TAR-39 ----

def often():
    """An image that its archive has again and again takes no more memory for that."""
    data = of_layers([archive(file('x'))], 'often:1', 60, {str(i): 'v' * 1000 for i in range(1500)})
    limit = 'ulimit -d 65536; ' if 'asan' not in IMAGE else ''
    done = subprocess.run(['sh', '-c', limit + 'exec "$@"', 'sh', IMAGE, '--storage', storage('three'), 'load', '-q'], input=data, stderr=subprocess.PIPE, timeout=300, check=False)
    report(done.returncode == 0, 'an image sixty times in one archive', done.stderr)


def hole(top):
    os.makedirs(top + '/blobs/sha256')
    with open(top + '/blobs/sha256/' + 64 * '0', 'wb') as content:
        content.truncate((8 << 30) + 1)


def hostile():
    os.mkdir(storage('three'), 0o700)
    secret = os.path.join(WORK, 'secret')
    with open(secret, 'w', encoding='ascii') as content:
        content.write('{"secret": "token-of-the-host"}')
    layer = archive(file('x', 'x'))
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest(layer)]}})

    def docker(entry, *more):
        return archive(file('manifest.json', json.dumps([entry])), file('config.json', config), file('layer.tar', layer), *more)

    whole = {'Config': 'config.json', 'RepoTags': ['evil:1'], 'Layers': ['layer.tar']}
    good('an honest archive', 'three', 'load', data=docker(whole))
    for what, change, pattern in (
            ('a configuration through ".."', {'Config': '../../../..' + secret}, 'configuration that is not in it'),
            ('a configuration of the host', {'Config': secret}, 'configuration that is not in it'),
            ('a layer through ".."', {'Layers': ['../../../..' + secret]}, 'layer that is not in it'),
            ('a layer of the host', {'Layers': [secret]}, 'layer that is not in it'),
            ('a layer that is no text', {'Layers': [7]}, 'layer that is not in it'),
            ('layers that are no list', {'Layers': 'layer.tar'}, 'no list'),
            ('no layers where the configuration has one', {'Layers': []}, 'layers|diff'),
            ('two layers where the configuration has one', {'Layers': ['layer.tar'] * 2}, 'layers|diff'),
            ('1,000 layers', {'Layers': ['layer.tar'] * 1000}, 'no list of at most'),
            ('another file for a layer', {'Layers': ['config.json']}, 'not a tar|checksum|number|in the middle'),
            ('a tag with ".."', {'RepoTags': ['../../etc:1']}, ''),
            ('a tag that is no text', {'RepoTags': [{}]}, 'no texts'),
            ('a tag with a newline', {'RepoTags': ['a\nb:1']}, ''),
            ('a good tag and a bad one', {'RepoTags': ['fine:1', 'a b']}, ''),
            ("another image's name by its digest", {'RepoTags': ['debian@sha256:' + 64 * 'a']}, "is, by its digest, another image's name")):
        refuses(what, 'three', ['load'], pattern, data=docker({**whole, 'RepoTags': ['other:1'], **change}))
    refuses("another image's name by its digest, in index.json", 'three', ['load'], "is, by its digest, another image's name",
            data=of_layers([layer], 'debian@sha256:' + 64 * 'a'))
    good("the image's own", 'three', 'load', '-q', data=of_layers([layer], 'debian@sha256:{manifest}'))
    report(any('debian:<none>' in name for name in names('three')), 'which is its name then', names('three'))
    other = archive(file('y', 'y'))
    configs = [json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest(which)]}}) for which in (layer, other)]
    shared = [{'Config': '0', 'RepoTags': ['shared:0'], 'Layers': ['x']}, {'Config': '0', 'RepoTags': ['shared:1'], 'Layers': ['x']}, {'Config': '1', 'RepoTags': ['shared:2'], 'Layers': ['y']}]

    def sharing(*entries):
        return archive(file('manifest.json', json.dumps(entries)), file('0', configs[0]), file('1', configs[1]), file('x', layer), file('y', other))

    good('images that share a layer', 'three', 'load', '-q', data=sharing(*shared))
    refuses('and one that has it for another that is here', 'three', ['load'], 'is not the layer that the image says it is',
            data=sharing(shared[0], {'Config': '1', 'RepoTags': ['shared:3'], 'Layers': ['x']}))
    linked = {'Config': 'config.json', 'RepoTags': ['linked:1'], 'Layers': ['a/layer.tar']}
    good('a layer that is a link to another name in the archive', 'three', 'load', data=docker(linked, symlink('a/layer.tar', '../layer.tar')))
    for what, entry, pattern in (
            ('a link out of the archive', symlink('a/layer.tar', '../../..' + secret), 'link out of'),
            ('a link to a file of the host', symlink('a/layer.tar', secret), 'not in it'),
            ('a circle of links', symlink('a/layer.tar', 'layer.tar'), 'not in it'),
            ('a hard link to a file of the host', hardlink('a/layer.tar', secret), 'not in it'),
            ('a name with ".."', file('a/../../layer.tar', layer), 'no name'),
            ('a device', header('a/layer.tar', '3'), 'neither a file nor a link')):
        refuses(what, 'three', ['load'], pattern, data=docker({**linked, 'RepoTags': ['other:1']}, entry))
    refuses('manifest.json that is a link', 'three', ['load'], 'neither manifest.json nor index.json', data=archive(symlink('manifest.json', secret)))
    for what, text in (('no JSON', 'x'), ('no list', '{}'), ('a key twice', '[{"Config": "a", "Config": "b"}]')):
        refuses(f'manifest.json with {what}', 'three', ['load'], '', data=archive(file('manifest.json', text)))
    refuses('no image archive at all', 'three', ['load'], 'holds no images', data=archive(file('x')))
    refuses('nothing', 'three', ['load'], 'ends in the middle')
    for what, descriptor in (('without a digest', {}), ('whose digest is a path', {'digest': '../../x'}), ('that is not there', {'digest': 'sha256:' + 64 * '0'})):
        refuses(f'index.json with a descriptor {what}', 'three', ['load'], '', data=archive(file('index.json', json.dumps({'manifests': [descriptor]}))))
    wrong = digest(b'wrong')
    refuses('a blob that is not what its name says', 'three', ['load'], '',
            data=archive(file(f'blobs/sha256/{wrong}', '{}'), file('index.json', json.dumps({'manifests': [{'digest': 'sha256:' + wrong}]}))))
    for what, make, pattern in (
            ('a layout whose index is a link', lambda top: os.symlink(secret, top + '/index.json'), 'index.json: cannot open it: it is a link'),
            ('a layout whose index is a FIFO', lambda top: os.mkfifo(top + '/index.json'), 'index.json: is no file'),
            ('a layout whose index is a directory', lambda top: os.mkdir(top + '/index.json'), 'index.json: is no file'),
            ('a layout whose blob is a link', lambda top: (os.makedirs(top + '/blobs/sha256'), os.symlink(secret, top + '/blobs/sha256/' + 64 * '0')),
             'blobs/sha256/0*: cannot open it: it is a link'),
            ('a layout whose blobs are a link', lambda top: os.symlink(WORK, top + '/blobs'), 'blobs/sha256: cannot read it'),
            ('a layout with a blob that is one large hole', hole, 'blobs/sha256/0*: is larger than 8589934592 bytes'),
            ('a directory of other things', lambda top: shutil.copy(secret, top + '/secret'), 'holds no images'),
            ('a directory that is not there', os.rmdir, 'cannot open it')):
        path = os.path.join(WORK, 'layout')
        os.mkdir(path)
        make(path)
        refuses(what, 'three', ['load', '--directory', path], pattern)
        shutil.rmtree(path, ignore_errors=True)
    for words, pattern in ((['--format', 'oci-dir', 'a:1'], 'needs the name of a directory'), (['--directory', WORK, 'a:1'], 'to a file'),
                           (['--format', 'oci-dir', '--directory', WORK, 'a:1'], 'not empty'), (['--format', 'docker-dir', '--directory', WORK, 'a:1', 'b:1'], 'one image')):
        refuses('save ' + ' '.join(words[:-1]), 'three', ['save', *words], pattern)
    for what, size in (('a hole at its beginning', b'\0' * 4096 + b'x' * 512), ('a hole at its end', b'x' * 512 + b'\0' * 4096)):
        records = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'config.json', 'GNU.sparse.realsize': str(len(size))}
        data = ('1\n%d\n512\n' % size.index(b'x')).encode().ljust(512, b'\0') + b'x' * 512
        refuses(f'a sparse file with {what}', 'three', ['load'], 'config.json: is a sparse file', data=archive(pax(records), file('GNUSparseFile.0/config.json', data)))
    refuses('more names than memory is for', 'three', ['load'], 'more than 16777216 bytes of names',
            data=gzipped(archive(*(long_name('/'.join([f'{i:04}'] + ['y' * 250] * 15)) + header('x', '2', link='t', magic=b'ustar  \0') for i in range(4600))), 1))
    refuses('more images than one archive has', 'three', ['load'], 'index.json: has more than 1024 images or names',
            data=archive(file('index.json', json.dumps({'manifests': [{'digest': 'sha256:' + 64 * 'a'}] * 1025}))))
    refuses('more names than one archive has', 'three', ['load'], 'manifest.json: has more than 1024 images or names', data=docker({**whole, 'RepoTags': [f'x:{i}' for i in range(1025)]}))
    often()
    found = subprocess.run(['grep', '-rl', 'token-of-the-host', storage('three')], stdout=subprocess.PIPE, check=False).stdout
    report(not found, 'nothing of the host came into the store', found)


def main():
    commits()
    round_trips()
    many()
    damages()
    hostile()
    return finish()


if __name__ == '__main__':
    sys.exit(main())
