"""Tar archives byte by byte: honest ones, and those that no tool writes."""
import gzip
import struct
import zlib

BLOCK = 512
END = bytes(1024)


def octal(value, size):
    return b'%0*o\0' % (size - 1, value)


def base256(value, size):
    return bytes([0xff if value < 0 else 0x80]) + (value & (1 << 8 * (size - 1)) - 1).to_bytes(size - 1, 'big')


def number(value, size):
    """Octal where it fits; bytes are taken as they are."""
    if isinstance(value, bytes):
        return value.ljust(size, b'\0')
    if 0 <= value < 8 ** (size - 1):
        return octal(value, size)
    return base256(value, size)


def text(value):
    return value.encode('utf-8', 'surrogateescape') if isinstance(value, str) else value


def header(name, kind='0', size=0, mode=0o644, uid=0, gid=0, mtime=0, link='', magic=b'ustar\00000', prefix=b'',
           checksum=None, tail=b''):
    block = bytearray(BLOCK)
    name, link = text(name), text(link)
    block[0:100] = name[:100].ljust(100, b'\0')
    block[100:108] = number(mode, 8)
    block[108:116] = number(uid, 8)
    block[116:124] = number(gid, 8)
    block[124:136] = number(size, 12)
    block[136:148] = number(mtime, 12)
    block[148:156] = b' ' * 8
    block[156:157] = text(kind)
    block[157:257] = link[:100].ljust(100, b'\0')
    block[257:265] = magic.ljust(8, b'\0')
    block[345:500] = prefix.ljust(155, b'\0')
    if tail:
        block[BLOCK - len(tail):] = tail
    block[148:156] = b'%06o\0 ' % (sum(block) if checksum is None else checksum)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def file(name, data=b'', **fields):
    data = text(data)
    fields.setdefault('size', len(data))
    return header(name, **fields) + padded(data)


def directory(name, mode=0o755, **fields):
    return header(name, '5', mode=mode, **fields)


def symlink(name, target, **fields):
    return header(name, '2', link=target, mode=0o777, **fields)


def hardlink(name, target, **fields):
    return header(name, '1', link=target, **fields)


def record(key, value):
    body = b' ' + text(key) + b'=' + text(value) + b'\n'
    length = len(body)
    while length != len(b'%d' % length) + len(body):
        length = len(b'%d' % length) + len(body)
    return b'%d' % length + body


def pax(records, kind='x'):
    """records: a dictionary, pairs, or the body itself."""
    if not isinstance(records, bytes):
        pairs = records.items() if isinstance(records, dict) else records
        records = b''.join(record(key, value) for key, value in pairs)
    return header('./PaxHeaders/x', kind, len(records)) + padded(records)


def long_name(name, kind='L'):
    name = text(name) + b'\0'
    return header('././@LongLink', kind, len(name), magic=b'ustar  \0') + padded(name)


def archive(*parts):
    return b''.join(parts) + END


def gzipped(data, level=6):
    return gzip.compress(data, level, mtime=0)


def member(data, name=b'', extra=b'', crc=None, size=None):
    """One gzip member, whose sums may be wrong."""
    flags = (8 if name else 0) | (4 if extra else 0)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    return (b'\x1f\x8b\x08' + bytes([flags]) + bytes(6)
            + (struct.pack('<H', len(extra)) + extra if extra else b'') + (name + b'\0' if name else b'') + body
            + struct.pack('<II', zlib.crc32(data) if crc is None else crc, len(data) if size is None else size))


def zeros_gzipped(length):
    """A gzip member of that many zeros, without ever holding them."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk, parts = bytes(1 << 20), []
    while length > 0:
        parts.append(deflate.compress(chunk[:min(length, len(chunk))]))
        length -= len(chunk)
    return b''.join(parts) + deflate.flush()
