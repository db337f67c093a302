"""Images made of archives, in a layout, and a registry that serves them as they are, lies included."""
import http.server
import json
import os
import threading

from archives import gzipped
from store import REF, digest

MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'


class Image:
    """archives: one a layer. diffs: other ids of them than their own. config, manifest: members to change, or bytes."""

    def __init__(self, archives, diffs=None, config=None, manifest=None):
        self.blobs = {}
        layers = [self.put(gzipped(archive), LAYER) for archive in archives]
        document = {'architecture': 'amd64', 'os': 'linux', 'config': {'Cmd': ['/bin/true'], 'Env': ['PATH=/bin']},
                    'rootfs': {'type': 'layers', 'diff_ids': diffs or [digest(archive) for archive in archives]}}
        described = self.put(self.encode(document, config), CONFIG)
        document = {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': described, 'layers': layers}
        self.manifest = self.encode(document, manifest)
        self.digest = digest(self.manifest)
        self.blobs[self.digest] = self.manifest

    @staticmethod
    def encode(document, changes):
        if isinstance(changes, bytes):
            return changes
        if callable(changes):
            changes = changes(document)
            return changes if isinstance(changes, bytes) else Image.encode(changes, None)
        return json.dumps({**document, **(changes or {})}).encode()

    def put(self, data, kind):
        self.blobs[digest(data)] = data
        return {'mediaType': kind, 'digest': digest(data), 'size': len(data)}


def write_layout(folder, images):
    """images: name -> Image"""
    os.makedirs(os.path.join(folder, 'blobs', 'sha256'), exist_ok=True)
    listed = []
    for name, image in images.items():
        for key, data in image.blobs.items():
            with open(os.path.join(folder, 'blobs', 'sha256', key[7:]), 'wb') as file:
                file.write(data)
        listed.append({'mediaType': MANIFEST, 'digest': image.digest, 'size': len(image.manifest), 'annotations': {REF: name}})
    with open(os.path.join(folder, 'oci-layout'), 'w', encoding='ascii') as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    with open(os.path.join(folder, 'index.json'), 'w', encoding='ascii') as file:
        json.dump({'schemaVersion': 2, 'manifests': listed}, file)


class Registry:
    """Serves images, name -> Image: the tag of each is "1"."""

    def __init__(self, images):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                found = registry.find(self.path)
                self.send_response(200 if found else 404)
                kind, data = found or ('application/json', b'{"errors":[]}')
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *words):
                pass

        self.images = images
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.name = f'127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, path):
        if path == '/v2/':
            return 'application/json', b'{}'
        for name, image in self.images.items():
            for kind in ('manifests', 'blobs'):
                start = f'/v2/{name}/{kind}/'
                if not path.startswith(start):
                    continue
                wanted = path[len(start):]
                if kind == 'manifests' and wanted in ('1', image.digest):
                    return MANIFEST, image.manifest
                if kind == 'blobs' and wanted in image.blobs:
                    return 'application/octet-stream', image.blobs[wanted]
        return None
