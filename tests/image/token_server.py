#!/usr/bin/env python3
"""A token server for docker-registry: token_server.py KEY CERTIFICATE LOG USER:PASSWORD. Prints its port, then serves.

Anonymous users may pull what begins with open/; the user may do everything. Each question goes to LOG: who asked, for what.
openssl signs (RS256), as the registry's rootcertbundle wants it.
"""
import base64, http.server, json, subprocess, sys, time
from urllib.parse import parse_qs, urlparse

KEY, CERTIFICATE, LOG, USER = sys.argv[1:5]
CHAIN = ''.join(line for line in open(CERTIFICATE).read().split('\n') if line and not line.startswith('-'))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def sign(access, service):
    header = {'typ': 'JWT', 'alg': 'RS256', 'x5c': [CHAIN]}
    now = int(time.time())
    claims = {'iss': 'issuer', 'sub': 'x', 'aud': service, 'exp': now + 300, 'nbf': now - 10, 'iat': now, 'jti': 'x', 'access': access}
    text = encode(json.dumps(header).encode()) + '.' + encode(json.dumps(claims).encode())
    signature = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', KEY], input=text.encode(), capture_output=True, check=True).stdout
    return text + '.' + encode(signature)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def grant(self, query, user):
        access = []
        scopes = query.get('scope', [])
        with open(LOG, 'a') as log:
            log.write(f'{self.command} {user or "anonymous"} {" ".join(scopes)}\n')
        for scope in ' '.join(scopes).split():
            kind, name, actions = scope.split(':')
            allowed = [a for a in actions.split(',') if user or (a == 'pull' and name.startswith('open/'))]
            if allowed:
                access.append({'type': kind, 'name': name, 'actions': allowed})
        self.answer(200, {'token': sign(access, query['service'][0]), 'expires_in': 300})

    def do_GET(self):
        header, user = self.headers.get('Authorization'), None
        if header:
            pair = base64.b64decode(header.split()[1]).decode()
            if pair != USER:
                return self.answer(401, {'details': 'incorrect username or password'})
            user = pair.split(':')[0]
        self.grant(parse_qs(urlparse(self.path).query), user)

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        if form.get('refresh_token') != ['identity-of-alice'] or form.get('grant_type') != ['refresh_token']:
            return self.answer(401, {'details': 'no'})
        self.grant(form, 'alice')

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
