#!/usr/bin/env python3
"""A registry that misbehaves: registry_double.py IMMURE-IMAGE. TAP on standard output.

Every request that any of its servers gets is recorded with its headers: no credentials may ever reach an origin that they
were not meant for (oracle O12). Each case is one pull (or push) into a new storage; a refused one must leave no name and no
blob there, end in time, and say so in one line without control characters.
"""
import gzip, hashlib, json, os, re, shutil, socket, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import double, layout
from double import BASIC, OWN_ERROR, PASSWORD, PROGRAM, TOKEN, USER, WORK
from double import Good, Server, case, certificate, clean, errors, leaks, pull, pulled, raw, refused, reply, run
from tap import chosen, finish, report, skip


# ---- the cases ----

def test_control():
    server = case(layout.Image(layers=3, size=200000))
    pulled('from the honest double (control)', pull(server), server.good.image)
    server = case(layout.Image(layers=2, docker=True))
    pulled("Docker's media types", pull(server), server.good.image)
    server = case(layout.Image(layers=0))
    refused('an image without layers', pull(server), 'nothing to run', server.good.image)


def test_bodies():
    def blob_of(answer):
        image = layout.Image(layers=1, size=50000)
        layer = image.layers[0]['digest']
        server = case(image)
        def blob(request, digest):
            return answer(request, image.blobs[digest]) if digest == layer else server.good.send_blob(request, digest)
        server.good.blob = blob
        return server

    def check(what, answer, words='', **keywords):
        if not chosen(what):
            return
        server = blob_of(answer)
        refused(what, pull(server, **keywords), words, server.good.image)

    flip = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    check('T-REG-01 other bytes', lambda r, d: reply(200, flip(d)))
    check('T-REG-02 one byte more', lambda r, d: reply(200, d + b'x'), 'where the manifest says')
    check('T-REG-02 one byte less', lambda r, d: reply(200, d[:-1]), 'where the manifest says')
    check('T-REG-02 no byte', lambda r, d: reply(200, b''))
    check('T-REG-02 one byte more, without a length', lambda r, d: reply(200, d + b'x', length=False), 'more than')
    check('T-REG-02 chunks without an end',
          lambda r, d: raw(reply(200, b'', ('Transfer-Encoding', 'chunked'), length=False),
                           *[b'%x\r\n%s\r\n' % (len(d), d)] * 400), 'more than')
    check('T-REG-02 a length and chunks',
          lambda r, d: reply(200, b'%x\r\n%s\r\n0\r\n\r\n' % (len(d), d), ('Transfer-Encoding', 'chunked')), 'both')
    check('T-REG-02 two lengths', lambda r, d: reply(200, d, ('Content-Length', '5')))
    for value in ('-1', '0x10', '1e5', '99999999999999999999', '5, 6', ''):
        check(f'T-REG-02 Content-Length: {value}', lambda r, d: reply(200, d, ('Content-Length', value), length=False))
    check('T-REG-28 Content-Encoding: gzip', lambda r, d: reply(200, gzip.compress(d), ('Content-Encoding', 'gzip')), 'encoded')
    check('T-REG-28 Transfer-Encoding: gzip, chunked',
          lambda r, d: reply(200, d, ('Transfer-Encoding', 'gzip, chunked'), length=False))


def test_slow():
    image = layout.Image(layers=1, size=50000)
    layer = image.layers[0]['digest']

    def only(answer):
        server = case(image)
        server.good.blob = lambda r, digest: answer(image.blobs[digest]) if digest == layer else server.good.send_blob(r, digest)
        return server

    stall = only(lambda d: raw(reply(200, b'', ('Content-Length', len(d)), length=False), d[:len(d) * 99 // 100], 60))
    # each try is ended after a second without progress; the partial file stays, and the next try goes on from there
    refused('T-REG-26 stalled at 99 %', pull(stall, timeout_seconds='1'), 'in time', image)
    ranges = [request.get('range') for request in stall.requests if layer in request.path]
    first = next((number for number, each in enumerate(ranges) if each), 5)  # after a try that was answered in time
    report(len(ranges) == 5 and 0 < first < 5 and all(ranges[first:]), 'five tries, each from where the last one stopped', ranges)
    drip = only(lambda d: raw(reply(200, b'', ('Content-Length', len(d)), length=False), *[b'x', 0.2] * 60))
    refused('T-REG-26 five bytes a second', pull(drip, timeout_seconds='1'), '', image)
    silent = Server()
    silent.answer = lambda request: raw(8)
    refused('T-REG-26 no answer at all', pull(silent, timeout_seconds='1'), 'in time')


def test_resume():
    image = layout.Image(layers=1, size=400000)
    layer, data = image.layers[0]['digest'], image.blobs[image.layers[0]['digest']]

    cut = raw(reply(200, b'', ('Content-Length', len(data)), length=False), data[:250000])
    server = case(image)
    state = {'tries': 0}
    def cut_once(request, digest):
        if digest == layer:
            state['tries'] += 1
            if state['tries'] == 1:
                return cut
        return server.good.send_blob(request, digest)
    server.good.blob = cut_once
    result = pull(server)
    ranges = [request.get('range') for request in server.requests if layer in request.path]
    pulled('T-REG-29 cut off once', result, image, *([] if ranges == [None, 'bytes=250000-'] else [ranges]))

    for what, anomaly in (
            ('200 to a Range', lambda start: reply(200, data)),
            ('another range', lambda start: reply(206, data[start + 1:], ('Content-Range', f'bytes {start + 1}-{len(data) - 1}/{len(data)}'))),
            ('another size', lambda start: reply(206, data[start:], ('Content-Range', f'bytes {start}-{len(data)}/{len(data) + 1}'))),
            ('no Content-Range', lambda start: reply(206, data[start:])),
            ('a range in words', lambda start: reply(206, data[start:], ('Content-Range', 'bytes some/of it'))),
            ('an overlap', lambda start: reply(206, data[start - 5:], ('Content-Range', f'bytes {start - 5}-{len(data) - 1}/{len(data)}'))),
            ('416', lambda start: errors(416, 'RANGE', 'no'))):
        server = case(image)
        def blob(request, digest, anomaly=anomaly, state={'cut': False}):
            if digest != layer:
                return server.good.send_blob(request, digest)
            wanted = request.get('range')
            if wanted:
                return anomaly(int(wanted[6:-1]))
            if not state['cut']:
                state['cut'] = True
                return cut
            return server.good.send_blob(request, digest)
        server.good.blob = blob
        pulled(f'T-REG-29 {what} where the rest was asked for', pull(server), image)

    # what an earlier process left behind
    box = tempfile.mkdtemp(dir=WORK)
    server = case(image)
    server.good.blob = lambda r, d: cut if d == layer and not r.get('range') else (
        errors(404, 'X', 'x') if d == layer else server.good.send_blob(r, d))
    refused('a pull that is cut off', pull(server, keep=box), '', image)
    server.good.blob = server.good.send_blob
    before = len(server.requests)
    result = pull(server, keep=box)
    ranges = [request.get('range') for request in server.requests[before:] if layer in request.path]
    pulled('what another process left is taken up', result, image, *([] if ranges == ['bytes=250000-'] else [ranges]))

    box = tempfile.mkdtemp(dir=WORK)
    server.good.blob = lambda r, d: cut if d == layer and not r.get('range') else (
        reply(206, b'?' * (len(data) - 250000), ('Content-Range', f'bytes 250000-{len(data) - 1}/{len(data)}')) if d == layer
        else server.good.send_blob(r, d))
    refused('the rest of another blob', pull(server, keep=box), '', image)
    server.good.blob = server.good.send_blob
    pulled('and the next pull begins anew', pull(server, keep=box), image)


def test_manifests():
    def manifest(what, text, words='', content_type=layout.KINDS[False]['manifest'], headers=(), name='app', image=None):
        if not chosen(what):
            return
        server = case(image or layout.Image())
        body = text(server.good.image) if callable(text) else text
        types = [('Content-Type', content_type)] if content_type else []
        server.good.manifest = lambda request: reply(200, body, *types, *headers)
        refused(what, pull(server, name=name), words, server.good.image)

    changed = lambda **changes: lambda image: json.dumps({**image.document, **changes})
    manifest('T-REG-06 Docker-Content-Digest of something else', lambda i: i.manifest, 'which it is not',
             headers=[('Docker-Content-Digest', 'sha256:' + '0' * 64)])
    for digest in ('', 'sha256:../../x', 'sha256:ABC', 'md5:' + '0' * 32, 'sha256:' + '0' * 63, 'sha256:' + '0' * 200):
        manifest(f'T-REG-06 Docker-Content-Digest: {digest[:30]}', lambda i: i.manifest, '',
                 headers=[('Docker-Content-Digest', digest)])
    manifest('T-REG-05 a tag that is not what the digest says', lambda i: i.manifest, 'not what was asked for',
             name='app:latest@sha256:' + '1' * 64)
    manifest('T-REG-07 layers and manifests', changed(manifests=[]))
    manifest('T-REG-07 an index called a manifest', lambda i: layout.make_index([i]))
    manifest('T-REG-07 a manifest called an index', lambda i: i.manifest, content_type=layout.KINDS[False]['index'])
    manifest('T-REG-07 a manifest that calls itself an index', changed(mediaType=layout.KINDS[False]['index']))
    manifest('T-REG-07 OCI inside, Docker outside', lambda i: i.manifest, content_type=layout.KINDS[True]['manifest'])
    manifest('T-REG-07 text/html', lambda i: i.manifest, content_type='text/html')
    manifest('T-REG-27 two Content-Types', lambda i: i.manifest, 'twice', headers=[('Content-Type', layout.KINDS[False]['index'])])
    manifest('T-REG-09 a key twice', lambda i: i.manifest[:-1] + b', "layers": []}')
    manifest('T-REG-12 larger than 4 MiB', lambda i: i.manifest + b' ' * (4 << 20), 'larger than is allowed')
    manifest('T-REG-13 deeper than 32', '[' * 100000)
    manifest('T-REG-13 100,001 values', '[' + '0,' * 1000000 + '0]')
    manifest('no JSON', 'hello')
    manifest('nothing', '', 'empty')
    manifest('schema 1', json.dumps({'schemaVersion': 1, 'name': 'app', 'tag': 'latest', 'fsLayers': []}),
             content_type='application/vnd.docker.distribution.manifest.v1+prettyjws')
    for size in (0, -1, 1.5, '5', 1 << 40, 49999):
        manifest(f'T-REG-03 a layer of {size!r} bytes',
                 lambda i: json.dumps({**i.document, 'layers': [{**i.layers[0], 'size': size}]}))
    for digest in ('sha256:../../../../etc/passwd', 'x', 'sha256:' + 'A' * 64, 'sha1:' + '0' * 40, 'sha256+b64:' + '0' * 64, 5,
                   'sha256:' + '0' * 1000000):
        manifest(f'T-REG-04 a layer with the digest {str(digest)[:40]}',
                 lambda i: json.dumps({**i.document, 'layers': [{**i.layers[0], 'digest': digest}]}))
    manifest('T-REG-11 a configuration for more layers', lambda i: json.dumps({**i.document, 'layers': []}))
    manifest('T-REG-30 129 layers', lambda i: json.dumps({**i.document, 'layers': i.layers * 129}))
    broken = layout.Image()
    broken.blobs[broken.config['digest']] = broken.config_bytes.replace(b'linux', b'Linux')
    manifest('T-REG-11 another configuration', lambda i: i.manifest, 'not what was asked for', image=broken)


def test_indexes():
    amd, arm = layout.Image(), layout.Image(architecture='arm64', seed='arm')

    def index(what, text, options=(), image=None, words='', below=None):
        if not chosen(what):
            return
        server = case(layout.Image())
        kind = layout.KINDS[False]['index']
        documents = {amd.digest: amd.manifest, arm.digest: arm.manifest, **(below or {})}
        server.good.image.blobs.update(arm.blobs)
        def manifest(request):
            name = request.path.rsplit('/', 1)[1]
            if name in documents:
                return reply(200, documents[name], ('Content-Type', amd.media_type))
            return reply(200, text, ('Content-Type', kind))
        server.good.manifest = manifest
        result = pull(server, *options)
        if image:
            pulled(what, result, image)
        else:
            refused(what, result, words, amd)

    both = layout.make_index([amd, arm])
    index('an index', both, image=amd)
    index('--platform', both, options=['--platform', 'linux/arm64'], image=arm)
    alone = case(arm)
    result = pull(alone)
    pulled('another platform without an index, with a warning', result, arm,
           *([] if 'for linux/arm64, not for this machine' in result.err else [result.err]))
    refused('--platform that it is not for', pull(case(arm), '--platform', 'linux/amd64'), 'this image is for linux/arm64', arm)
    pulled('--platform that it is for', pull(case(arm), '--platform', 'linux/arm64/v8'), arm)
    index('T-REG-10 no such platform', both, options=['--platform', 'linux/s390x'])
    index('T-REG-10 an index of nothing', layout.make_index([]))
    inner = layout.make_index([amd])
    nested = json.loads(both)
    nested['manifests'] = [{**nested['manifests'][0], 'digest': layout.digest(inner), 'size': len(inner)}]
    index('T-REG-10 an index called a manifest, within an index', json.dumps(nested), below={layout.digest(inner): inner})
    wrong = json.loads(both)
    wrong['manifests'][0]['size'] += 1
    index('T-REG-03 a manifest of another size', json.dumps(wrong), words='where the index says')
    wrong = json.loads(both)
    wrong['manifests'][0]['digest'] = 'sha256:' + '2' * 64
    index('T-REG-01 a manifest of another digest', json.dumps(wrong), below={'sha256:' + '2' * 64: amd.manifest},
          words='not what was asked for')
    index('T-REG-10 100,000 entries', json.dumps({**json.loads(both), 'manifests': json.loads(both)['manifests'] * 50000}))


def test_http():
    def manifest(what, answer, words='', **keywords):
        if not chosen(what):
            return
        server = case()
        server.good.manifest = lambda request: answer(server.good.image)
        refused(what, pull(server, **keywords), words, server.good.image)

    head = lambda i, *lines: raw(b'HTTP/1.1 200 OK\r\n' + b''.join(line + b'\r\n' for line in lines) +
                                 b'Content-Type: ' + i.media_type.encode() + b'\r\nContent-Length: %d\r\n\r\n' % len(i.manifest) + i.manifest)
    manifest('T-REG-27 HTTP/0.9', lambda i: raw(i.manifest))
    manifest('T-REG-27 no HTTP', lambda i: raw(b'SSH-2.0-x\r\n\r\n'))
    manifest('T-REG-27 a head that breaks off', lambda i: raw(b'HTTP/1.1 200 OK\r\nContent-Type: ' + i.media_type.encode() + b'\r\n'), 'breaks off')
    manifest('T-REG-27 only an interim head', lambda i: raw(b'HTTP/1.1 199 OK\r\nX: y\r\n'), 'breaks off')
    manifest('T-REG-27 a folded header', lambda i: head(i, b'X-A: b', b' folded'), 'folded')
    manifest('T-REG-27 a bare CR', lambda i: head(i, b'X-A: b\rContent-Type: x'))
    manifest('T-REG-27 a NUL', lambda i: head(i, b'X-A: b\0c'))
    manifest('T-REG-27 a line without a colon', lambda i: head(i, b'nonsense'))
    manifest('T-REG-27 a space before the colon', lambda i: head(i, b'Content-Type : text/html'))
    manifest('T-REG-12 headers without an end', lambda i: head(i, *[b'X-%d: %s' % (n, b'y' * 1000) for n in range(80)]), 'headers are larger')
    manifest('T-REG-12 one huge header', lambda i: head(i, b'X: ' + b'y' * 200000))
    manifest('T-REG-27 a flood of interim answers', lambda i: raw(b'HTTP/1.1 102 Processing\r\nX: y\r\n\r\n' * 5000), 'headers are larger')
    manifest('T-REG-27 101 Switching Protocols', lambda i: raw(b'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n', i.manifest))
    manifest('T-REG-12 an error of 2 MiB', lambda i: reply(403, b'x' * (2 << 20)), 'larger than is allowed')
    manifest('204', lambda i: reply(204))
    manifest('418', lambda i: reply(418, 'I am a teapot'), 'status 418')
    esc = '\x1b]52;c;cm0gLXJm\x07\x1b[2J\u202emoor\r\n'
    manifest('T-REG-34 an error with terminal codes', lambda i: errors(403, 'DENIED' + esc, 'no' + esc))
    manifest('T-REG-34 a status line with them', lambda i: raw(b'HTTP/1.1 403 \x1b[2J\r\nContent-Length: 0\r\n\r\n'))
    server = case()
    server.good.manifest = lambda r: reply(200, server.good.image.manifest, ('Content-Type', server.good.image.media_type),
                                           *[('Warning', f'299 - "careful {n}"') for n in range(500)])
    result = pull(server)
    pulled('T-REG-35 500 Warnings', result, server.good.image, *([] if 'careful 0' in result.err and len(result.err) < 4500 else [result.err]))


def test_retries():
    def blob(what, answers, good=True, words='', least=0, tries=None):
        image = layout.Image()
        server = case(image)
        layer, count = image.layers[0]['digest'], [0]
        def serve(request, digest):
            if digest != layer:
                return server.good.send_blob(request, digest)
            count[0] += 1
            return answers[count[0] - 1] if count[0] <= len(answers) else server.good.send_blob(request, digest)
        server.good.blob = serve
        result = pull(server)
        faults = []
        if result.seconds < least:
            faults.append(f'after {result.seconds:.1f} s')
        if tries and count[0] != tries:
            faults.append(f'{count[0]} tries')
        if good:
            pulled(what, result, image, *faults)
        else:
            refused(what, result, words, image)
            report(not faults, what + ': as many tries as there should be', *faults)

    busy, trouble = errors(429, 'TOOMANYREQUESTS', 'slow down'), errors(503, 'UNAVAILABLE', 'x')
    blob('429 once', [busy])
    blob('429 with Retry-After: 2', [errors(429, 'T', 'x', ('Retry-After', '2'))], least=2)
    blob('Retry-After: a date', [errors(429, 'T', 'x', ('Retry-After', 'Fri, 31 Dec 2999 23:59:59 GMT'))])
    blob('Retry-After: -1', [errors(429, 'T', 'x', ('Retry-After', '-1'))])
    blob('500, 502, 503, 504', [errors(n, 'X', 'x') for n in (500, 502, 503, 504)])
    blob('503 for ever', [trouble] * 20, good=False, words='status 503', tries=5)
    blob('429 for ever', [busy] * 20, good=False, words='too many requests', tries=5)
    blob('404 is final', [errors(404, 'BLOB_UNKNOWN', 'gone')] * 20, good=False, words='gone', tries=1)
    blob('403 is final', [errors(403, 'DENIED', 'x')] * 20, good=False, tries=1)
    blob('closed without an answer', [raw(), raw()])
    manifest_server = case()
    count = [0]
    honest = manifest_server.good.manifest
    def manifest(request):
        count[0] += 1
        return busy if count[0] < 3 else honest(request)
    manifest_server.good.manifest = manifest
    pulled('a manifest after two 429', pull(manifest_server), manifest_server.good.image)


def test_credentials():
    other, third = Server(), Server('127.0.0.2')

    def guarded(server, realm=None, service='registry', scheme=None):
        challenge = scheme or f'Bearer realm="{realm}",service="{service}",scope="repository:app:pull,push repository:other:* registry:catalog:*"'
        accepted = 'Basic' if scheme and scheme.startswith('Basic') else 'Bearer'
        def before(request):
            want = BASIC if accepted == 'Basic' else 'Bearer ' + TOKEN
            if request.where == '/token':
                return None
            if request.get('authorization') == want:
                return None
            return reply(401, '{}', ('WWW-Authenticate', challenge))
        server.good.before = before

    def tokens(request):
        return reply(200, json.dumps({'token': TOKEN, 'expires_in': 300})) if '/token' in request.path else reply(404)

    # a realm on the registry's own host may have the credentials; one elsewhere may not
    for what, realm_server, shown in (('the same host', other, True), ('another host', third, False)):
        server = case()
        for each in (other, third):
            each.requests.clear()
            each.answer = tokens
        guarded(server, f'http://{realm_server.name}/token')
        result = pull(server, auth=[server.name])
        if not shown:
            refused('T-REG-18 a realm without https on another host', result, 'without https', server.good.image)
            report(not third.requests, 'nothing is sent there', third.requests)
            continue
        seen = [request for request in realm_server.requests]
        pulled(f'T-REG-18 a realm on {what}', result, server.good.image,
               *([] if len(seen) == 1 and seen[0].get('authorization') == BASIC else ['the realm was asked otherwise']),
               *leaks([server, other, third], {'authorization': [server.name, other.name]}))
        from urllib.parse import parse_qs, urlparse
        query = parse_qs(urlparse(seen[0].path).query)
        report(query == {'service': ['registry'], 'scope': ['repository:app:pull']}, 'T-REG-21 the scope is this repository, and pull', query)

    for what, realm in (('file:', 'file:///etc/passwd'), ('ftp:', 'ftp://127.0.0.1/x'), ('a user name in it', f'http://u:p@{other.name}/token'),
                        ('http://169.254.169.254', 'http://169.254.169.254/token'), ('https on 10.0.0.1', 'https://10.0.0.1/token'),
                        ('https on 192.168.0.1', 'https://192.168.0.1/token'), ('https on [fd00::1]', 'https://[fd00::1]/token'),
                        ('a control character', 'http://x/\x01'), ('not a URL', '://'), ('a space', 'http://x y/')):
        server = case()
        guarded(server, realm)
        refused(f'T-REG-16/18 realm {what}', pull(server, auth=[server.name]), '', server.good.image)

    # answers of a token server
    for what, text in (('no token', '{}'), ('an empty one', '{"token": ""}'), ('a line end in it', json.dumps({'token': 'a\r\nX-Injected: 1'})),
                       ('a number', '{"token": 5}'), ('not JSON', 'hello'), ('a key twice', '{"token": "a", "token": "b"}'),
                       ('2 MiB', '{"token": "' + 'a' * (2 << 20) + '"}'), ('60 KiB', '{"token": "' + 'a' * 60000 + '"}'),
                       ('an array', '[]')):
        server = case()
        other.answer = lambda request, text=text: reply(200, text)
        guarded(server, f'http://{other.name}/token')
        refused(f'T-REG-12 a token answer with {what}', pull(server, auth=[server.name]), '', server.good.image)
    for expires in (-5, 0, 1, 10 ** 18, '"x"', 1.5):
        server = case()
        other.answer = lambda request: reply(200, '{"access_token": "%s", "expires_in": %s}' % (TOKEN, expires))
        guarded(server, f'http://{other.name}/token')
        pulled(f'T-REG-42 expires_in {expires}', pull(server, auth=[server.name]), server.good.image)

    # loops
    server = case()
    server.good.before = lambda request: reply(401, '{}', ('WWW-Authenticate', f'Bearer realm="http://{other.name}/token",service="x"'))
    other.answer = tokens
    other.requests.clear()
    refused('401 whatever the token', pull(server, auth=[server.name]), 'not enough', server.good.image)
    report(len(server.requests) <= 3 and len(other.requests) == 1, 'and it is asked twice, not for ever', len(server.requests), len(other.requests))
    server = case()
    server.good.before = lambda request: reply(401, '{}', ('WWW-Authenticate', 'Basic realm="x"'))
    refused('401 whatever the password', pull(server, auth=[server.name]), 'not enough', server.good.image)
    report(len(server.requests) <= 3, 'and it is asked twice, not for ever', len(server.requests))
    server = case()
    server.good.before = lambda request: reply(401, '{}')
    refused('401 without a challenge', pull(server, auth=[server.name]), 'wants credentials', server.good.image)
    report(not leaks([server], {}), 'and no credentials are sent', leaks([server], {}))
    server = case()
    guarded(server, scheme='Basic realm="x"')
    pulled('Basic', pull(server, auth=[server.name]), server.good.image, *leaks([server], {'authorization': [server.name]}))
    report(server.requests[0].get('authorization') is None, 'nothing is shown before it is asked for')
    server = case()
    guarded(server, scheme='Negotiate, Digest realm="x", nonce="y", Basic realm="x"')
    refused('the first of a list that is not Basic alone', pull(server), 'wants credentials', server.good.image)
    for header in ('Bearer realm="x', 'Bearer realm=', 'Bearer realm="a",realm="b"', 'Basic realm="x" y', '=', '"', 'Bearer ' + 'a=b,' * 5000):
        server = case()
        server.good.before = lambda request, header=header: reply(401, '{}', ('WWW-Authenticate', header))
        refused(f'the challenge {header[:30]}', pull(server, auth=[server.name]), '', server.good.image)
    # an entry of another registry is not ours
    server = case()
    guarded(server, scheme='Basic realm="x"')
    refused('T-REG-40 credentials of another registry', pull(server, auth=[other.name, '127.0.0.1', 'docker.io']), 'immure login', server.good.image)
    report(not leaks([server], {}), 'and none are sent', leaks([server], {}))


def test_redirects():
    image = layout.Image(size=50000)
    layer = image.layers[0]['digest']
    elsewhere, far = Server(), Server('127.0.0.2')
    store = lambda request: reply(200, image.blobs[layer])

    def go(location, status=307, what='blob', auth=True, **keywords):
        server = case(image)
        for each in (elsewhere, far):
            each.requests.clear()
            each.answer = store if what == 'blob' else lambda request: reply(200, image.manifest, ('Content-Type', image.media_type))
        def before(request):
            if request.get('authorization') != BASIC:
                return reply(401, '{}', ('WWW-Authenticate', 'Basic realm="x"'))
            return None
        if auth:
            server.good.before = before
        target = location(server) if callable(location) else location
        moved = lambda: reply(status, '', ('Location', target)) if target is not None else reply(status)
        if what == 'blob':
            server.good.blob = lambda r, d: (moved() if d == layer and 'moved' not in r.path else server.good.send_blob(r, d.split('?')[0]))
        else:
            honest = server.good.manifest
            server.good.manifest = lambda r: honest(r) if 'moved' in r.path else moved()
        keywords.setdefault('insecure', [server.name])
        result = pull(server, auth=[server.name] if auth else None,
                      home_files={'.netrc': f'machine 127.0.0.1 login {USER} password {PASSWORD}\ndefault login {USER} password {PASSWORD}\n'},
                      **keywords)
        return server, result, leaks([server, elsewhere, far], {'authorization': [server.name]})

    def follows(title, location, keeps=False, **keywords):
        if not chosen(title):
            return
        server, result, found = go(location, **keywords)
        moved = [r for r in server.requests if 'moved' in r.path]
        if keeps and not (moved and moved[0].get('authorization') == BASIC):
            found.append('the registry itself was asked without credentials')
        pulled(f'T-REG-14 {title}', result, image, *found)

    def stops(title, location, words='', silent=True, **keywords):
        if not chosen(title):
            return
        server, result, found = go(location, **keywords)
        reached = elsewhere.requests + far.requests if silent else []
        refused(f'T-REG-14/15/16/17 {title}', result, words, image)
        if found or reached:
            report(False, f'{title}: nothing leaks', found, [r.path for r in reached])
        return server

    for status in (301, 302, 303, 307, 308):
        follows(f'{status} to another port', lambda s: f'http://{elsewhere.name}/x', status=status)
    follows('another host', lambda s: f'http://{far.name}/x')
    follows('a name of the same host', lambda s: f'http://localhost:{elsewhere.port}/x')
    follows('a subdomain', lambda s: f'http://sub.localhost:{elsewhere.port}/x')
    follows('without a scheme', lambda s: f'//{far.name}/x')
    follows('a signed URL', lambda s: f'http://{far.name}/x?X-Amz-Signature=SIGNATURE&token=abc')
    follows('a manifest elsewhere', lambda s: f'http://{far.name}/x', what='manifest')
    follows('the same origin', lambda s: f'http://{s.name}/v2/app/blobs/{layer}?moved', keeps=True)
    follows('a path', lambda s: f'/v2/app/blobs/{layer}?moved', keeps=True)
    follows('a relative path', lambda s: f'../blobs/{layer}?moved', keeps=True)
    follows('a query', lambda s: '?moved', keeps=True)
    follows('the registry by another name of it', lambda s: f'http://localhost:{s.port}/v2/app/blobs/{layer}?moved', auth=False)
    follows('a decimal address', lambda s: f'http://2130706433:{elsewhere.port}/x')
    follows('a fragment', lambda s: f'http://{elsewhere.name}/x#y')
    follows('another port, with a proxy in capitals', lambda s: f'http://{elsewhere.name}/x', environment={'HTTP_PROXY': 'http://127.0.0.1:1/'})
    for scheme in ('file:///etc/passwd', 'ftp://127.0.0.1/x', 'gopher://127.0.0.1/x', 'dict://127.0.0.1/x', 'unix:/run/x', 'javascript:1', 'ldap://127.0.0.1/',
                   'HTTPX://127.0.0.1/', 'data:,x', 'telnet://127.0.0.1:1/', 'smb://127.0.0.1/x', 'tftp://127.0.0.1/x'):
        stops(f'to {scheme}', scheme)
    stops('a user name in it', lambda s: f'http://user@{elsewhere.name}/x', 'user name')
    stops('a password in it', lambda s: f'http://user:secret@{elsewhere.name}/x', 'user name')
    stops('the registry before an @', lambda s: f'http://{s.name}@{elsewhere.name}/x', 'user name')
    stops('a backslash', lambda s: f'http://{elsewhere.name}\\@{s.name}/x')
    stops('a space', lambda s: f'http://{elsewhere.name}/ x')
    stops('a line end', lambda s: f'http://{elsewhere.name}/\rX: y')
    stops('no Location', None, 'where to')
    stops('an empty one', '')
    stops('20 KiB of it', lambda s: f'http://{elsewhere.name}/' + 'x' * 20000)
    for address in ('10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.100.100.200', '[fd00::1]', '[fe80::1]', '[::ffff:10.0.0.1]',
                    '0xa9fea9fe', '2852039166', '0251.0376.0251.0376', '[64:ff9b::a9fe:a9fe]', '224.0.0.1', '255.255.255.255', '[2002:a00:1::1]'):
        stops(f'to {address}', f'http://{address}:9/x', 'address of the local network')
    server = stops('itself', lambda s: f'http://{s.name}/v2/app/blobs/{layer}', 'redirects', silent=True)
    if server:
        report(len(server.requests) < 40, 'and it is not asked for ever', len(server.requests))
    what = 'T-REG-22 a certificate that nobody has signed'
    if chosen(what):
        server = case(image, tls=certificate())
        refused(what, pull(server, insecure=()), 'certificate', image)
        report(not server.requests, 'nothing is asked there')
    what = 'T-REG-15 from https to http'
    if chosen(what):
        server = case(image, tls=certificate())
        server.good.blob = lambda r, d: reply(307, '', ('Location', f'http://{elsewhere.name}/x')) if d == layer else server.good.send_blob(r, d)
        elsewhere.requests.clear()
        elsewhere.answer = store
        refused(what, pull(server), 'from https to http', image)
        report(not elsewhere.requests, 'nothing is asked there')
    # ping-pong between two
    server = case(image)
    server.good.blob = lambda r, d: reply(307, '', ('Location', f'http://{elsewhere.name}/x')) if d == layer else server.good.send_blob(r, d)
    elsewhere.answer = lambda r: reply(307, '', ('Location', f'http://{server.name}/v2/app/blobs/{layer}'))
    refused('T-REG-17 to and fro', pull(server), 'redirects', image)
    stops('303 that is 300', lambda s: f'http://{elsewhere.name}/x', status=300)
    stops('304', lambda s: f'http://{elsewhere.name}/x', status=304)
    # the way back gets the credentials no more than the way out: what another origin says is a stranger's
    server, result, found = go(lambda s: f'http://{elsewhere.name}/missing')
    pulled('T-REG-14 control', result, image, *found)
    # what is told of a signed URL
    far.answer = lambda request: errors(403, 'DENIED', 'x')
    server = case(image)
    server.good.blob = lambda r, d: reply(307, '', ('Location', f'http://127.0.0.2:{closed_port()}/x?X-Amz-Signature=SIGNATURE')) if d == layer \
        else server.good.send_blob(r, d)
    result = pull(server)
    refused('a signed URL that nobody answers', result, '127.0.0.2', image)
    report('SIGNATURE' not in result.err, 'T-REG-25 its query is not told', result.err)


def closed_port():
    with socket.create_server(('127.0.0.2', 0)) as probe:
        return probe.getsockname()[1]


def test_proxy():
    """A proxy that plays registry.example: what is public by its name must not lead into the local network."""
    image = layout.Image()
    layer = image.layers[0]['digest']
    near = Server()
    proxy = case(image)
    environment = {'http_proxy': f'http://{proxy.name}/', 'https_proxy': f'http://127.0.0.1:{near.port}/', 'no_proxy': socket.gethostname() + ',127.0.0.1,localhost'}

    def through(location=None, **keywords):
        proxy.requests.clear()
        near.requests.clear()
        near.answer = lambda request: reply(200, image.blobs[layer]) if request.method == 'GET' else reply(502)
        good = Good(image)
        if location:
            good.blob = lambda r, d: reply(307, '', ('Location', location)) if d == layer else good.send_blob(r, d)
        def answer(request):
            request.where = re.sub(r'^http://registry\.example', '', request.where)
            return good(request)
        proxy.answer = answer
        return run(['pull', 'registry.example/app'], insecure=['registry.example'], environment=environment, **keywords)

    pulled('T-REG-39 through a proxy', through(), image, *([] if proxy.requests else ['the proxy was not asked']))
    report(all(r.path.startswith('http://registry.example/') for r in proxy.requests), 'the proxy is asked for whole URLs')
    report(not leaks([proxy, near], {}), 'and gets no credentials')
    for location in (f'http://127.0.0.1:{near.port}/x', f'http://localhost:{near.port}/x', f'http://a.localhost:{near.port}/x',
                     f'http://2130706433:{near.port}/x', f'http://[::1]:{near.port}/x', f'http://0:{near.port}/x', 'http://169.254.169.254/x'):
        refused(f'T-REG-16 a public registry that points to {location.split("/")[2].split(":" + str(near.port))[0]}', through(location),
                'address of the local network', image)
        report(not [r for r in near.requests if r.method == 'GET'], 'nothing is asked there')
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = None
    if address and re.match(r'(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\.', address):
        refused('T-REG-16 a name that resolves to a local address (rebinding)', through(f'http://{name}:{near.port}/x'),
                'address of the local network', image)
    else:
        skip('T-REG-16 rebinding', 'the name of this host has no local address')


def test_push():
    """Uploads: where the bytes go, and what goes along."""
    image = layout.Image(size=30000)
    box = tempfile.mkdtemp(dir=WORK)
    source = case(image)
    pulled('something to push', pull(source, keep=box), image)
    elsewhere, far = Server(), Server('127.0.0.2')

    def push(location, mount=202, put=201, manifest=201, status=202, **keywords):
        server = Server()
        for each in (elsewhere, far):
            each.requests.clear()
            each.answer = lambda request: reply(201)
        def answer(request):
            if request.get('authorization') != BASIC:
                return reply(401, '{}', ('WWW-Authenticate', 'Basic realm="x"'))
            if request.method == 'HEAD':
                return reply(404)
            if request.method == 'POST':
                target = location(server) if callable(location) else location
                return reply(status, '', *([('Location', target)] if target is not None else []))
            if '/manifests/' in request.path:
                return manifest if isinstance(manifest, bytes) else reply(manifest)
            return put(request) if callable(put) else reply(put)
        server.answer = answer
        result = run(['push', f'{source.name}/app', f'{server.name}/copy:1'], insecure=[server.name], auth=[server.name], keep=box, **keywords)
        return server, result, leaks([server, elsewhere, far], {'authorization': [server.name]})

    def pushed(what, location, at=None, **keywords):
        if not chosen(what):
            return
        server, result, found = push(location, **keywords)
        puts = {hashlib.sha256(r.body).hexdigest() for each in (server, elsewhere, far) for r in each.requests if r.method == 'PUT' and '/manifests/' not in r.path}
        want = {digest[7:] for digest in image.blobs}
        manifests = [r.body for r in server.requests if '/manifests/1' in r.path and r.method == 'PUT']
        faults = found + ([] if puts >= want else ['blobs did not arrive']) + ([] if result.code == 0 and image.manifest in manifests else ['no manifest'])
        report(not faults, f'pushed: {what}', *faults, result.err)

    def stops(what, location, words='', leads=False, **keywords):
        """leads: the manifest is sent, and must not come to anybody else; else it is not sent at all."""
        if not chosen(what):
            return
        server, result, found = push(location, **keywords)
        manifests = [r for each in ([elsewhere, far] if leads else [server]) for r in each.requests if leads or '/manifests/' in r.path]
        report(result.code == OWN_ERROR and words in result.err and not found and not manifests and clean(result.err),
                f'push refused: {what}', *found, result.code, result.err)

    pushed('relative', '/v2/copy/blobs/uploads/1?state=a')
    pushed('absolute', lambda s: f'http://{s.name}/v2/copy/blobs/uploads/1')
    pushed('to a store elsewhere, without credentials', lambda s: f'http://{far.name}/up')
    for status in (307, 308):
        pushed(f'{status} on PUT', lambda s: f'http://{s.name}/up', put=lambda r, status=status: reply(status, '', ('Location', f'http://{elsewhere.name}/up')))
    for status in (301, 302, 303):
        stops(f'{status} on PUT', lambda s: f'http://{s.name}/up', 'no answer to a PUT', put=lambda r, status=status: reply(status, '', ('Location', f'http://{elsewhere.name}/up')))
    for status in (307, 308):
        stops(f'{status} on the manifest', '/x', 'to somebody else', manifest=reply(status, '', ('Location', f'http://{elsewhere.name}/up')), leads=True)
    stops('to file:', 'file:///tmp/x')
    stops('to 169.254.169.254', 'http://169.254.169.254/x', 'address of the local network')
    stops('with a user name', lambda s: f'http://u:p@{far.name}/x')
    stops('no Location', None, 'where to')
    stops('POST answered 200', '/x', status=200)
    stops('PUT answered 404', '/x', put=404)
    stops('a digest that does not hold there', '/x', put=lambda r: errors(400, 'DIGEST_INVALID', 'no\x1b[2J'), words='DIGEST_INVALID')
    server, result, found = push('/x', manifest=400)
    report(result.code == OWN_ERROR, 'push refused: the manifest is not taken', result.err)
    state = {'count': 0}
    def flaky(request):
        state['count'] += 1
        return errors(503, 'X', 'x') if state['count'] == 1 else reply(201)
    pushed('after a 503', '/x', put=flaky)


def test_memory():
    image = layout.Image(layers=6, size=12 << 20)
    result = pull(case(image))
    pulled('six layers of 12 MB', result, image)
    if 'asan' not in PROGRAM:
        report(0 < result.peak < 64 * 1024, 'T-REG-12/13 memory never went over 64 MiB', result.peak)
        report(0 < double.peak < 64 * 1024, 'in any of the cases', double.peak)


def main():
    try:
        wanted = sys.argv[2:] or ['control', 'bodies', 'slow', 'resume', 'manifests', 'indexes', 'http', 'retries', 'credentials', 'redirects', 'proxy',
                                  'push', 'memory']
        for name in wanted:
            print(f'# {name}')
            globals()['test_' + name]()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    return finish()


if __name__ == '__main__':
    sys.exit(main())
