"""A storage looked at from outside, with no code of immure: what is there, and whether it is whole."""
import hashlib
import json
import os
import re
import stat

REF = 'org.opencontainers.image.ref.name'


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def attributes(path):
    return sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in os.listxattr(path, follow_symlinks=False)
                  if not name.startswith('security.selinux'))


def describe(path, name, status):
    mode = status.st_mode
    words = [name, oct(mode), status.st_uid, status.st_gid, status.st_rdev, attributes(path)]
    if not stat.S_ISLNK(mode) and not stat.S_ISCHR(mode):
        words.append(int(status.st_mtime))
    if stat.S_ISREG(mode):
        words += [status.st_nlink, digest(read(path))]
    elif stat.S_ISLNK(mode):
        words.append(os.readlink(path))
    return words


def tree_digest(top):
    """Of every name, type, mode, owner, time, attribute and byte below top."""
    lines = []
    for where, names, files in os.walk(top):
        lines.append(describe(where, os.path.relpath(where, top), os.lstat(where)))
        for name in files + [name for name in names if os.path.islink(os.path.join(where, name))]:
            path = os.path.join(where, name)
            lines.append(describe(path, os.path.relpath(path, top), os.lstat(path)))
    lines.sort(key=lambda line: line[0])
    return digest(repr(lines).encode())


def entries(path):
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def is_temporary(name):
    return name.startswith('.immure-')


class Store:
    def __init__(self, path):
        self.path = path

    def below(self, *names):
        return os.path.join(self.path, *names)

    def tags(self):
        """name -> digests, the newest first"""
        found = {}
        for where, _, files in os.walk(self.below('tags')):
            for name in files:
                if is_temporary(name):
                    continue
                lines = read(os.path.join(where, name)).decode().splitlines()
                found[os.path.relpath(where, self.below('tags')) + name] = [line.split(' ')[0] for line in lines[1:]]
        return found

    def records(self):
        """digest of the manifest -> record"""
        return {'sha256:' + name.split('.')[0]: json.loads(read(self.below('records', name)))
                for name in entries(self.below('records')) if not is_temporary(name)}

    def blobs(self):
        return {'sha256:' + name for name in entries(self.below('images', 'blobs', 'sha256'))}

    def layers(self):
        return {(way, 'sha256:' + name) for way in ('mapped', 'single') for name in entries(self.below('layers', way))}

    def staging(self):
        return [name for name in entries(self.below('staging')) if name != '.lock']

    def temporaries(self):
        return [os.path.join(os.path.relpath(where, self.path), name) for top in ('images', 'records', 'tags')
                for where, _, files in os.walk(self.below(top)) for name in files if is_temporary(name)]

    def blob(self, name):
        return read(self.below('images', 'blobs', 'sha256', name[7:]))

    def manifest_blobs(self, name):
        """The blobs that the image with that manifest is made of; raises where one is missing."""
        manifest = json.loads(self.blob(name))
        found = [name, manifest['config']['digest']] + [layer['digest'] for layer in manifest['layers']]
        for each in found:
            if each not in self.blobs():
                raise ValueError(f'the blob {each} of the manifest {name} is missing')
        return found

    def index(self):
        return [(entry['digest'], entry.get('annotations', {}).get(REF)) for entry in
                json.loads(read(self.below('images', 'index.json')))['manifests']]

    def faults(self, trees=None, settled=False):
        """
        What is wrong with it: what can be seen and is not whole. trees: what each layer must come to. settled: also what nothing
        refers to, and what is not in its index.
        """
        try:
            return self.look(trees or {}, settled)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return [f'cannot be read: {error!r}']

    def look(self, trees, settled):
        wrong, tags, records, layers, blobs = [], self.tags(), self.records(), self.layers(), self.blobs()
        if json.loads(read(self.below('images', 'oci-layout'))) != {'imageLayoutVersion': '1.0.0'}:
            wrong.append('oci-layout')
        wrong += [f'the blob {name} is something else' for name in blobs if digest(self.blob(name)) != name]
        for name, meanings in tags.items():
            if not meanings:
                wrong.append(f'the tag {name} means nothing')
            wrong += [f'the tag {name} means {meaning}, which has no record' for meaning in meanings if meaning not in records]
            for meaning in meanings:
                self.manifest_blobs(meaning)
        for name, record in records.items():
            if record['manifest'] != name:
                wrong.append(f'the record {name} is of {record["manifest"]}')
            wrong += [f'the record {name} wants the layer {chain}' for chain in record['layers']
                      if not any((way, chain) in layers for way in ('mapped', 'single'))]
        for way, chain in layers:
            tree = self.below('layers', way, chain[7:], 'tree')
            if not os.path.isdir(tree):
                wrong.append(f'the layer {chain} has no tree')
            elif (way, chain) in trees and tree_digest(tree) != trees[way, chain]:
                wrong.append(f'the layer {chain} is not what it should be')
        for name, _ in self.index():
            if name in blobs or settled:
                self.manifest_blobs(name)
        return wrong + (self.unsettled(tags, records, layers, blobs) if settled else [])

    def unsettled(self, tags, records, layers, blobs):
        meant = {meaning for meanings in tags.values() for meaning in meanings}
        wrong = [f'staging/{name} is left' for name in self.staging()] + [f'{name} is left' for name in self.temporaries()]
        wrong += [f'the record {name} is of nothing' for name in records if name not in meant]
        wanted = {blob for meaning in meant for blob in self.manifest_blobs(meaning)}
        wrong += [f'the blob {name} is of nothing' for name in blobs - wanted]
        chains = {chain for record in records.values() for chain in record['layers']}
        wrong += [f'the layer {chain} is of nothing' for _, chain in layers if chain not in chains]
        listed = {(meanings[0], name) for name, meanings in tags.items()}
        if {entry for entry in self.index() if entry[1]} != listed:
            wrong.append('index.json says something else than the tags')
        for where, names, files in os.walk(self.below('tags')):
            if not names and not files and where != self.below('tags'):
                wrong.append(f'{where} is empty')
        return wrong


def own_lines(errors):
    """The errors that a run told of: what it says on standard error, without its progress, its notes and its hints."""
    return [line for line in errors.splitlines() if line.startswith('immure: ') and not re.match(r'immure: pulling ', line)]
