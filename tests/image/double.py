"""What the misbehaving registries of registry_double.py are made of: servers that record every request, an honest registry whose
parts a case replaces, one run of the program against them, and the marks of a refusal. sys.argv[1] is the program.
"""
import base64, contextlib, http, json, os, re, socket, ssl, subprocess, sys, tempfile, threading, time
import layout
from tap import report

PROGRAM = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp(prefix='immure-double.')
USER, PASSWORD = 'alice', 'correct horse'
BASIC = 'Basic ' + base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
TOKEN = 'token-of-the-registry'
OWN_ERROR = 125
peak = 0  # KiB, of all the runs


# ---- servers ----

class Request:
    def __init__(self, server, method, path, headers, body):
        self.server, self.method, self.path, self.body = server, method, path, body
        self.headers = headers  # [(lower-case name, value)]
        self.where = path.split('?')[0]

    def get(self, name):
        return next((value for key, value in self.headers if key == name), None)


class Server:
    """One origin. answer(request) gives bytes, or a function that gets the socket."""

    def __init__(self, host='127.0.0.1', tls=None):
        self.socket, self.tls = socket.create_server((host, 0)), tls
        self.host, self.port = host, self.socket.getsockname()[1]
        self.name = f'{host}:{self.port}'
        self.requests, self.answer, self.proxied = [], lambda request: reply(404), False
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with contextlib.suppress(OSError, ValueError), self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as connection:
            connection.settimeout(300)
            head = b''
            while b'\r\n\r\n' not in head:
                more = connection.recv(65536)
                if not more:
                    return
                head += more
                if head[0] == 0x16:  # TLS: somebody looks whether we speak it
                    return
            head, _, body = head.partition(b'\r\n\r\n')
            lines = head.decode('latin-1').split('\r\n')
            method, path, _ = lines[0].split(' ')
            headers = [(line.split(':', 1)[0].lower(), line.split(':', 1)[1].strip()) for line in lines[1:]]
            request = Request(self, method, path, headers, b'')
            wanted = int(request.get('content-length') or 0)
            while len(body) < wanted:
                body += connection.recv(1 << 16)
            request.body = body
            self.requests.append(request)
            answer = self.answer(request)
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)


def reply(status, body=b'', *headers, length=True):
    if isinstance(body, str):
        body = body.encode()
    lines = [f'HTTP/1.1 {status} {http.HTTPStatus(status).phrase}', 'Connection: close']
    lines += [f'{name}: {value}' for name, value in headers]
    if length:
        lines.append(f'Content-Length: {len(body)}')
    return '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + body


def raw(*chunks):
    """Bytes and pauses (numbers), one after the other, and the connection closed."""
    def send(connection):
        for chunk in chunks:
            if isinstance(chunk, (int, float)):
                time.sleep(chunk)
            else:
                connection.sendall(chunk)
    return send


def errors(status, code, message, *headers):
    return reply(status, json.dumps({'errors': [{'code': code, 'message': message}]}), ('Content-Type', 'application/json'), *headers)


class Good:
    """An honest registry of one image; cases override parts of it."""

    def __init__(self, image):
        self.image, self.index = image, None
        self.manifest = lambda request: reply(200, self.image.manifest, ('Content-Type', self.image.media_type),
                                              ('Docker-Content-Digest', self.image.digest))
        self.blob = lambda request, digest: self.send_blob(request, digest)
        self.before = lambda request: None

    def send_blob(self, request, digest):
        data = self.image.blobs.get(digest)
        if data is None:
            return errors(404, 'BLOB_UNKNOWN', 'blob unknown')
        wanted = request.get('range')
        if wanted:
            start = int(re.fullmatch(r'bytes=(\d+)-', wanted)[1])
            return reply(206, data[start:], ('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}'))
        return reply(200, data)

    def __call__(self, request):
        early = self.before(request)
        if early is not None:
            return early
        found = re.fullmatch(r'/v2/app/(manifests|blobs)/(.*)', request.where)
        if not found:
            return reply(200, '{}') if request.where == '/v2/' else errors(404, 'NAME_UNKNOWN', 'unknown')
        return self.manifest(request) if found[1] == 'manifests' else self.blob(request, found[2])


# ---- running ----

class Result:
    pass


def watch_memory(process, result):
    """The most that the program itself ever had: the kernel's figure for children counts ours as well."""
    result.peak = 0
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f'/proc/{process.pid}/status') as file:
                text = file.read()
            if 'immure-image' in text.split('\n')[0]:
                result.peak = max(result.peak, int(text.split('VmHWM:')[1].split()[0]))
        time.sleep(0.01)


def run(arguments, environment=None, insecure=(), auth=None, home_files=None, limit=60, keep=None, timeout_seconds='30'):
    global peak
    result = Result()
    box = keep or tempfile.mkdtemp(dir=WORK)
    storage, home = os.path.join(box, 'storage'), os.path.join(box, 'home')
    for folder in (storage, home):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    conf = os.path.join(box, 'registries.conf')
    with open(conf, 'w') as file:
        for name in insecure:
            file.write(f'[[registry]]\nlocation = "{name}"\ninsecure = true\n')
    env = {'PATH': os.environ['PATH'], 'HOME': home, 'LC_ALL': 'C.UTF-8', 'CONTAINERS_REGISTRIES_CONF': conf,
           'IMMURE_REGISTRY_TIMEOUT': timeout_seconds}
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'IMMURE_MUTANT'):
        if name in os.environ:
            env[name] = os.environ[name]
    if auth:
        env['REGISTRY_AUTH_FILE'] = os.path.join(box, 'auth.json')
        with open(os.open(env['REGISTRY_AUTH_FILE'], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as file:
            json.dump({'auths': {name: {'auth': BASIC.split()[1]} for name in auth}}, file)
    for name, text in (home_files or {}).items():
        with open(os.open(os.path.join(home, name), os.O_CREAT | os.O_WRONLY, 0o600), 'w') as file:
            file.write(text)
    env.update(environment or {})
    start = time.monotonic()
    process = subprocess.Popen([PROGRAM, '--storage', storage, *arguments], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    timer = threading.Timer(limit, process.kill)
    timer.start()
    watch = threading.Thread(target=watch_memory, args=(process, result))
    watch.start()
    result.out, result.err = (stream.decode('utf-8', 'replace') for stream in process.communicate())
    timer.cancel()
    watch.join()
    peak = max(peak, result.peak)
    result.code, result.seconds = process.returncode, time.monotonic() - start
    result.box, result.storage = box, storage
    blobs = os.path.join(storage, 'images', 'blobs', 'sha256')
    result.blobs = {'sha256:' + name for name in os.listdir(blobs)} if os.path.isdir(blobs) else set()
    result.tags = [name for _, _, names in os.walk(os.path.join(storage, 'tags')) for name in names if not name.startswith('.')]
    return result


def leaks(servers, allowed):
    """O12: requests with credentials at an origin that may not have them."""
    found = []
    for server in servers:
        for request in server.requests:
            for name, value in request.headers:
                secret = name in ('authorization', 'cookie', 'proxy-authorization') or PASSWORD in value or TOKEN in value
                secret |= BASIC.split()[1] in value
                if secret and server.name not in allowed.get(name, ()):
                    found.append(f'{server.name} {request.method} {request.path}: {name}: {value}')
            for secret in (PASSWORD, TOKEN, BASIC.split()[1]):
                if secret.encode() in request.body or secret in request.path:
                    found.append(f'{server.name} {request.method} {request.path}: in the body or path')
    return found


def clean(text):
    return all(c == '\n' or (c >= ' ' and not 0x7f <= ord(c) < 0xa0 and c not in '\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
               for c in text)


def refused(what, result, words='', image=None, most=100):
    """The marks of a refusal; words must be in what it says."""
    faults = []
    if result.code != OWN_ERROR:
        faults.append(f'exit status {result.code}')
    if result.tags:
        faults.append(f'names were set: {result.tags}')
    if image and result.blobs & {layer['digest'] for layer in image.layers}:
        faults.append('a layer is in the store')
    if result.seconds > most:
        faults.append(f'took {result.seconds:.1f} s')
    if words not in result.err:
        faults.append(f'does not say "{words}"')
    if not clean(result.err + result.out) or len(result.err) > 6000:
        faults.append('control characters, or far too much, on the terminal')
    for secret in (PASSWORD, TOKEN, BASIC.split()[1]):
        if secret in result.err:
            faults.append('a secret is told')
    report(not faults, f'refused: {what}', *faults, result.err)


def pulled(what, result, image, *more):
    faults = list(more)
    if result.code or result.out.strip() != image.config['digest'][7:]:
        faults.append(f'exit status {result.code}, printed {result.out!r}')
    if not result.blobs >= set(image.blobs) | {image.digest}:
        faults.append('blobs are missing')
    report(not faults, f'pulled: {what}', *faults, result.err)


def certificate():
    """A server's side of TLS, by a certificate that nobody has signed."""
    names = [os.path.join(WORK, name) for name in ('tls.crt', 'tls.key')]
    if not os.path.exists(names[0]):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-out', names[0], '-keyout', names[1]], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*names)
    return context


def case(image=None, tls=None, **parts):
    """A new server with an honest registry, changed where parts say so."""
    server = Server(tls=tls)
    good = Good(image or layout.Image(layers=1, size=50000))
    for name, part in parts.items():
        setattr(good, name, part)
    server.answer = good
    server.good = good
    return server


def pull(server, *options, name='app', **keywords):
    keywords.setdefault('insecure', [server.name])
    return run(['pull', *options, f'{server.name}/{name}'], **keywords)
