"""Images that nobody may be able to pull: each with what it is and what the line that refuses it must say."""
import itertools
import json

from archives import archive, file, hardlink, symlink
from small import Image
from store import digest
from world import noise


def lies(image, change):
    """A manifest changed after all was in place."""
    document = json.loads(image.manifest)
    change(document)
    image.blobs.pop(image.digest)
    image.manifest = json.dumps(document).encode()
    image.digest = digest(image.manifest)
    image.blobs[image.digest] = image.manifest
    return image


def first_layer(image):
    return json.loads(image.manifest)['layers'][0]['digest']


def hostile_images():
    """(what, image, what the line must say)"""
    good = archive(file('x', 'x'))
    number = itertools.count()

    def plain(**words):
        """Each of other layers than the one before: none of it may be there already."""
        return Image([archive(file('x', f'{next(number)}')), archive(file('y', 'y'))], **words)

    def wrong_layer(change):
        image = plain()
        name = first_layer(image)
        image.blobs[name] = change(image.blobs[name])
        if image.blobs[name] is None:
            del image.blobs[name]
        return image

    def set_layer(key, value):
        return lambda document: document['layers'][0].__setitem__(key, value)

    diff = digest(good)
    layers = {
        'a name with ".."': (file('../x', 'x'), r'\.\.'),
        'a hard link out of the layer': (hardlink('x', '/etc/passwd'), 'neither in this layer'),
        'a file through a file': (file('x', 'x') + file('x/y', 'y'), 'is a file'),
        'an entry of an unknown type': (file('x', 'x', kind='Z'), 'type of entry'),
        'a terminal\'s sequence in a name': (file('\x1b[2J/../x', 'x'), r'\\x1[bB]'),
        'a wrong checksum': (file('x', 'x', checksum=1), 'checksum'),
        'a symbolic link at the root': (symlink('.', '/'), 'root of a layer'),
    }
    for what, (entry, pattern) in layers.items():
        yield f'a layer with {what}', Image([good, archive(entry)]), pattern
    yield 'a layer that is cut off', Image([good, archive(file('x', noise(5000, 1)))[:3000]]), 'end|cut'
    yield 'a layer of another diff id', Image([good], diffs=[digest(b'other')]), 'unpacked'
    yield 'a layer that swells a thousandfold', Image([archive(file('zero', bytes(80 << 20)))]), 'times|ratio|bomb'
    yield 'a layer of other bytes', wrong_layer(lambda data: noise(len(data), 2)), 'comes to|digest|compressed'
    yield 'a layer that is longer', wrong_layer(lambda data: data + b'more'), 'bytes|compressed'
    yield 'a layer that is shorter', wrong_layer(lambda data: data[:-1]), 'bytes|compressed'
    yield 'a layer that is not there', wrong_layer(lambda data: None), '404|not there|no such|unknown'
    yield 'a layer of 2^63 bytes', lies(plain(), set_layer('size', 1 << 63)), 'size|integer'
    yield 'a layer of -1 bytes', lies(plain(), set_layer('size', -1)), 'size'
    yield 'a layer of 9 GiB', lies(plain(), set_layer('size', 9 << 30)), 'size|bytes'
    yield 'a layer whose digest is a path', lies(plain(), set_layer('digest', 'sha256:../../../etc/passwd')), 'digest'
    yield 'a layer of an unknown kind', lies(plain(), set_layer('mediaType', 'text/plain')), 'media|kind|text/plain'
    yield '129 layers', lies(plain(), lambda document: document.__setitem__('layers', document['layers'][:1] * 129)), '128|layers'
    yield 'layers that are no list', lies(plain(), lambda document: document.__setitem__('layers', {})), 'layers'
    yield 'layers and manifests in one document', lies(plain(), lambda document: document.__setitem__('manifests', [])), 'at once'
    yield 'a manifest with a key twice', plain(manifest=lambda document: json.dumps(document).encode()[:-1] + b',"layers":[]}'), 'already'
    yield 'a manifest of the first schema', lies(plain(), lambda document: document.__setitem__('schemaVersion', 1)), 'schema'
    yield 'a manifest that is no JSON', plain(manifest=b'<html>'), 'expected a value'
    yield 'a manifest of 100,000 levels', plain(manifest=b'[' * 100000), 'deeper'
    yield 'a configuration that is no JSON', plain(config=b'nothing'), 'expected a value'
    yield 'a configuration of too few layers', plain(diffs=[diff]), 'layers|diff_ids'
    yield 'a user that only looks like a number', plain(config={'config': {'User': '1e0'}}), 'User'
    yield 'a variable with a new line', plain(config={'config': {'Env': ['A=b\x01']}}), 'Env'
    yield 'a working directory with ".."', plain(config={'config': {'WorkingDir': 'a/../../b\x07'}}), 'WorkingDir'
