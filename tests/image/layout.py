#!/usr/bin/env python3
"""Small images for the registry tests, as OCI layouts: layout.py DIR TAG [KEY=VALUE…]

layers=3        how many; each holds layer-N with size bytes
size=1000       random bytes, so that they do not shrink
seed=0          other seed, other bytes
docker=1        Docker's media types
index=1         an index over linux/amd64, linux/arm64 and windows/amd64
twin=1          the last layer is the first one once more
"""
import gzip, hashlib, io, json, os, random, sys, tarfile

OCI = 'application/vnd.oci.image.'
DOCKER = 'application/vnd.docker.'
KINDS = {
    False: dict(manifest=OCI + 'manifest.v1+json', index=OCI + 'index.v1+json', config=OCI + 'config.v1+json',
                layer=OCI + 'layer.v1.tar+gzip'),
    True: dict(manifest=DOCKER + 'distribution.manifest.v2+json', index=DOCKER + 'distribution.manifest.list.v2+json',
               config=DOCKER + 'container.image.v1+json', layer=DOCKER + 'image.rootfs.diff.tar.gzip'),
}


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def make_layer(number, size, seed):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        info = tarfile.TarInfo(f'layer-{number}')
        info.size = size
        tar.addfile(info, io.BytesIO(random.Random(f'{seed}/{number}').randbytes(size)))
    return out.getvalue()


class Image:
    """blobs: digest -> bytes; manifest: the bytes of it; and the digest of it."""

    def __init__(self, layers=1, size=1000, seed='0', docker=False, architecture='amd64', twin=False, os_name='linux'):
        kinds = KINDS[docker]
        self.blobs, self.layers, diffs = {}, [], []
        plain = [make_layer(i, size, seed) for i in range(layers)]
        if twin:
            plain.append(plain[0])
        for tar in plain:
            packed = gzip.compress(tar, compresslevel=1, mtime=0)
            self.layers.append(self.put(packed, kinds['layer']))
            diffs.append(digest(tar))
        self.config_bytes = json.dumps({
            'architecture': architecture, 'os': os_name, 'config': {'Cmd': ['/bin/sh'], 'Env': ['PATH=/bin']},
            'rootfs': {'type': 'layers', 'diff_ids': diffs}}).encode()
        self.config = self.put(self.config_bytes, kinds['config'])
        self.document = {'schemaVersion': 2, 'mediaType': kinds['manifest'], 'config': self.config, 'layers': self.layers}
        self.media_type = kinds['manifest']
        self.seal()

    def put(self, data, media_type):
        self.blobs[digest(data)] = data
        return {'mediaType': media_type, 'digest': digest(data), 'size': len(data)}

    def seal(self):
        self.manifest = json.dumps(self.document).encode()
        self.digest = digest(self.manifest)
        return self

    def descriptor(self):
        return {'mediaType': self.media_type, 'digest': self.digest, 'size': len(self.manifest)}


def make_index(images, docker=False):
    entries = []
    for image in images:
        config = json.loads(image.config_bytes)
        entries.append(dict(image.descriptor(), platform={'os': config['os'], 'architecture': config['architecture']}))
    return json.dumps({'schemaVersion': 2, 'mediaType': KINDS[docker]['index'], 'manifests': entries}).encode()


def write(folder, tag, options):
    docker = options.get('docker') == '1'
    arguments = dict(layers=int(options.get('layers', 1)), size=int(options.get('size', 1000)), seed=options.get('seed', '0'),
                     docker=docker, twin=options.get('twin') == '1')
    images = [Image(**arguments)]
    if options.get('index') == '1':
        images += [Image(**dict(arguments, seed='arm', architecture='arm64')),
                   Image(**dict(arguments, seed='windows', os_name='windows'))]
    blobs = os.path.join(folder, 'blobs', 'sha256')
    os.makedirs(blobs, exist_ok=True)

    def save(data):
        with open(os.path.join(blobs, digest(data)[7:]), 'wb') as file:
            file.write(data)

    for image in images:
        save(image.manifest)
        for data in image.blobs.values():
            save(data)
    top = images[0].descriptor()
    if len(images) > 1:
        index = make_index(images, docker)
        save(index)
        top = {'mediaType': KINDS[docker]['index'], 'digest': digest(index), 'size': len(index)}
    top['annotations'] = {'org.opencontainers.image.ref.name': tag}
    with open(os.path.join(folder, 'oci-layout'), 'w') as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    with open(os.path.join(folder, 'index.json'), 'w') as file:
        json.dump({'schemaVersion': 2, 'manifests': [top]}, file)
    print(images[0].digest, digest(images[0].config_bytes)[7:])


if __name__ == '__main__':
    write(sys.argv[1], sys.argv[2], dict(word.split('=', 1) for word in sys.argv[3:]))
