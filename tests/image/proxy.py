#!/usr/bin/env python3
"""A forward proxy, such as a company has: GET and the like for whole URLs, CONNECT for tunnels. Any name is the loopback's.

proxy.py LOG [USER:PASSWORD]: prints its port. LOG has a line of JSON for each request (its line, its headers), and LOG.bytes what clients
have sent through tunnels. With credentials, it answers 407 to who does not give them.
"""
import base64
import json
import select
import socket
import sys
import threading

LOG = sys.argv[1]
WANTED = 'Basic ' + base64.b64encode(sys.argv[2].encode()).decode() if len(sys.argv) > 2 else None
OWN = ('proxy-authorization', 'proxy-connection', 'connection')
lock = threading.Lock()


def note(path, data):
    with lock, open(path, 'ab') as log:
        log.write(data)


def read_head(client):
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = client.recv(1)
        if not byte:
            return None
        head += byte
    first, *lines = head.decode('latin-1').rstrip('\r\n').split('\r\n')
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(':') for line in lines)]
    note(LOG, json.dumps({'line': first, 'headers': {name.lower(): value for name, value in headers}}).encode() + b'\n')
    return first, headers


def join(client, server, log=None):
    while True:
        for side in select.select([client, server], [], [])[0]:
            data = side.recv(65536)
            if not data:
                return
            if log and side is client:
                note(log, data)
            (server if side is client else client).sendall(data)


def serve(client):
    head = read_head(client)
    if not head:
        return
    first, headers = head
    method, target, version = first.split(' ')
    if WANTED and dict((name.lower(), value) for name, value in headers).get('proxy-authorization') != WANTED:
        client.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n'
                       b'Connection: close\r\n\r\n')
        return
    if method == 'CONNECT':
        with socket.create_connection(('127.0.0.1', int(target.rpartition(':')[2]))) as server:
            client.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            join(client, server, LOG + '.bytes')
        return
    host, _, path = target.removeprefix('http://').partition('/')
    kept = ''.join(f'{name}: {value}\r\n' for name, value in headers if name.lower() not in OWN)
    with socket.create_connection(('127.0.0.1', int(host.rpartition(':')[2]))) as server:
        server.sendall(f'{method} /{path} {version}\r\n{kept}Connection: close\r\n\r\n'.encode('latin-1'))
        join(client, server)


def serve_one(client):
    with client:
        try:
            serve(client)
        except OSError:
            pass  # one side has gone


listener = socket.create_server(('127.0.0.1', 0), backlog=64)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()
