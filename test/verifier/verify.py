#!/usr/bin/env python3
"""A second verifier of exports, from the format alone (docs/TRANSCRIPTS.md) and with nothing but Python's own library.
python3 verify.py [--witness NAME+ID+KEY]… [--need N] FILE…: a line for each file, "ok EVENTS HEADS" or "bad LINE WHY".
With witnesses all that is in channels has to be under heads that as many as are needed have cosigned."""
import argparse, base64, hashlib, json, re, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


class Bad(Exception):
    pass


def need(fine, why):
    if not fine:
        raise Bad(why)


def sha(data):
    return hashlib.sha256(data).digest()


def b64(text, size=None):
    need(type(text) is str, 'no base64')
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and size in (None, len(data)), 'no base64 of that size')
    return data


# Ed25519 (RFC 8032), verifying only; points are (x, y, z, x*y/z).
def point(data):
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (2**255 - 1)
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - xx) % P == 0 and not (x == 0 and sign), 'no key')
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        q, p, n = (add(q, p) if n & 1 else q), add(p, p), n >> 1
    return q


BASE = point(bytes([0x58]) + bytes([0x66]) * 31)


def is_signed(key, text, signature):
    s = int.from_bytes(signature[32:], 'little')
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), 'little') % L
    left, right = times(s, BASE), add(point(signature[:32]), times(k, point(key)))
    return s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


# The tree (RFC 6962), as roots of whole trees: [(height, place, root)].
VOID = sha(b'\0')


def push(wholes, height, place, root):
    while place % 2 and wholes and wholes[-1][:2] == (height, place - 1):
        height, place, root = height + 1, place // 2, sha(b'\1' + wholes.pop()[2] + root)
    wholes.append((height, place, root))


def root_of(wholes):
    need(wholes, 'no leaves')
    right = wholes[-1][2]
    for _, _, left in reversed(wholes[:-1]):
        right = sha(b'\1' + left + right)
    return right


def peaks_of(size, roots):
    heights = [h for h in range(53, -1, -1) if size >> h & 1]
    need(len(heights) == len(roots), 'base: other peaks')
    return [(h, (size >> h) - 1, b64(r, 32)) for h, r in zip(heights, roots)]


def plain(value):
    return type(value) is str and len(value) <= 200 and re.fullmatch(r'[ !#-\[\]-~]*', value) is not None


def dumps(value):
    return json.dumps(value, separators=(',', ':'))


def entry(text):
    said = json.loads(text)
    need(type(said) is dict, 'no object')
    stub = {}
    for name in ('type', 'ts', 'from', 'by', 'to', 'msg_id', 'seq'):
        if name in ('ts', 'seq'):
            need(type(said.get(name)) is int and 0 <= said[name] < 2**53, name)
        elif name not in said and name != 'type':
            continue
        need(name in ('ts', 'seq') or plain(said.get(name)), name)
        stub[name] = said[name]
    for name in ('edit', 'retract'):
        if name in said:
            need(type(said[name]) is dict and plain(said[name].get('of')), name)
            stub[name] = {'of': said[name]['of']}
    digest = base64.b64encode(sha(text.encode())).decode()
    if said.get('erased') is True and 'hash' in said:
        b64(said['hash'], 32)
        digest = said['hash']
        changes = {name: stub[name] for name in ('edit', 'retract') if name in stub}
        blank = {'type': stub['type'], 'ts': stub['ts'], 'from': stub.get('from'), 'from_name': '', 'to': stub.get('to'), 'content': '',
                 'msg_id': stub.get('msg_id'), 'seq': stub['seq'], 'erased': True, **changes, 'hash': digest}
        need(dumps({k: v for k, v in blank.items() if v is not None}) == text, 'a blank with something in it')
    return stub, f'{dumps(stub)}\n{digest}\n'.encode()


def witness_of(text):
    name, key_id, key = text.split('+', 2)
    data = b64(key, 33)
    need(data[0] == 4 and sha(f'{name}\n'.encode() + data)[:4].hex() == key_id, 'no witness')
    return name, data


class Archive:
    def __init__(self, witnesses=(), needed=0):
        self.witnesses, self.needed = witnesses, needed
        self.header = self.now = None
        self.events = self.heads = 0
        self.ended, self.hash, self.counts = False, hashlib.sha256(), {}

    def line(self, raw):
        need(not self.ended, 'something follows the end')
        record = json.loads(raw.decode())
        need(type(record) is dict and raw.endswith(b'\n'), 'no record')
        if self.header is None:
            self.start(record)
        elif record.get('kind') == 'event':
            self.event(record)
        elif record.get('kind') == 'head':
            self.head(record)
        elif record.get('kind') == 'cosigned':
            self.cosigned(record)
        elif record.get('kind') == 'end':
            return self.end(record)
        else:
            self.closed()
        if 'kind' in record:
            self.counts[record['kind']] = self.counts.get(record['kind'], 0) + 1
        self.hash.update(raw)

    def start(self, header):
        need(header.get('format') == 'agentchat-export/2', 'another format')
        pem = header['server_pubkey']
        der = b64(''.join(pem.split('\n')[1:-2]), 44)
        self.key, self.header = der[12:], header
        need(der[:12].hex() == '302a300506032b6570032100' and sha(pem.encode()).hex() == header['server_id'], 'server_pubkey')

    def event(self, record):
        need(set(record) == {'kind', 'stream', 'seq', 'text'}, 'fields')
        stream, seq, text = record['stream'], record['seq'], record['text']
        if self.now is None or self.now[0] != stream or self.now[3]:
            self.closed()
            self.now, self.notes = [stream, seq - 1, [], False, seq - 1], []
        stub, data = entry(text)
        pair = '|'.join(sorted((stub.get('from', ''), stub.get('to', ''))))
        need(stub['seq'] == seq > self.now[4] and stream == (stub.get('to') if stream.startswith('#') else pair), 'of another place')
        for place in range(self.now[4], seq):
            push(self.now[2], 0, place, sha(b'\0' + data) if place == seq - 1 else VOID)
        self.now[4] = seq
        self.events += 1

    def note(self, stream, size, root, text):
        """The lines under what the relay signed, its own first."""
        name = f"agentchat/{self.header['server_id']}"
        body = f"{name}/{self.header['epoch']}/{stream}\n{size}\n{base64.b64encode(root).decode()}\n"
        need(text.startswith(f'{body}\n— {name} ') and text.endswith('\n'), 'not what the relay signed')
        lines = [line.split(' ') for line in text[len(body) + 1:-1].split('\n')]
        need(all(len(line) == 3 and line[0] == '—' for line in lines), 'a line that is no signature')
        signature = b64(lines[0][2], 68)
        need(signature[:4] == sha(f'{name}\n'.encode() + b'\1' + self.key)[:4] and is_signed(self.key, body.encode(), signature[4:]), 'not signed')
        return body, lines[1:]

    def cosigned(self, record):
        need(set(record) == {'kind', 'stream', 'checkpoint'}, 'fields')
        need(self.now is not None and self.now[0] == record['stream'] and not self.now[3] and len(self.notes) < 16, 'a head without its events')
        self.notes.append((self.now[4], list(self.now[2]), record['checkpoint']))

    def cosigners(self, stream, start, peaks):
        """The size up to which each witness cosigned."""
        upto = {}
        for size, added, text in self.notes:
            wholes = peaks_of(start, peaks)
            for whole in added:
                push(wholes, *whole)
            body, lines = self.note(stream, size, root_of(wholes), text)
            for name, key in self.witnesses:
                found = [b64(data) for _, by, data in lines if by == name and b64(data)[:4] == sha(f'{name}\n'.encode() + key)[:4]]
                if found and key[1:] != self.key:
                    time = int.from_bytes(found[0][4:12], 'big')
                    need(len(found[0]) == 76 and is_signed(key[1:], f'cosignature/v1\ntime {time}\n{body}'.encode(), found[0][12:]), 'not cosigned')
                    upto[key] = size
        return upto

    def head(self, record):
        need(set(record) == {'kind', 'stream', 'checkpoint', 'base'} and set(record['base']) == {'size', 'peaks'}, 'fields')
        need(self.now is not None and self.now[0] == record['stream'] and not self.now[3], 'a head without its events')
        stream, start, added, _, size = self.now
        need(record['base']['size'] == start, 'base: begins elsewhere')
        wholes = peaks_of(start, record['base']['peaks'])
        for whole in added:
            push(wholes, *whole)
        self.note(stream, size, root_of(wholes), record['checkpoint'])
        upto = self.cosigners(stream, start, record['base']['peaks'])
        need(not stream.startswith('#') or sum(at == size for at in upto.values()) >= self.needed, 'fewer witnesses than are needed')
        self.now[3] = True
        self.heads += 1

    def closed(self):
        need(self.now is None or self.now[3], 'events without a head')

    def end(self, record):
        self.closed()
        counted = {kind: count for kind, count in self.counts.items() if kind not in ('head', 'cosigned')}
        need({'kind', 'counts', 'sha256'} <= set(record) <= {'kind', 'counts', 'sha256', 'signature'}, 'fields')
        need({k: v for k, v in record['counts'].items() if v} == counted and record['counts'] == self.header['counts'], 'other counts')
        need(record['sha256'] == self.hash.hexdigest(), 'another SHA-256')
        if 'signature' in record:
            need(set(record['signature']) == {'pubkey', 'sig'} and record['signature']['pubkey'] == self.header['server_pubkey'], 'fields')
            signed = f"AGENTCHAT_EXPORT_V1|{self.header['server_id']}|{record['sha256']}"
            need(is_signed(self.key, signed.encode(), b64(record['signature']['sig'], 64)), 'not signed')
        self.ended = True


def verdict(name, *witnesses):
    archive, n = Archive(*witnesses), 0
    try:
        with open(name, 'rb') as file:
            for n, raw in enumerate(file, 1):
                archive.line(raw)
        need(archive.ended, 'its end is missing')
    except (Bad, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return f'bad {n} {error}'.replace('\n', ' ')
    return f'ok {archive.events} {archive.heads}'


if __name__ == '__main__':
    options = argparse.ArgumentParser()
    options.add_argument('--witness', action='append', default=[], type=witness_of)
    options.add_argument('--need', type=int)
    options.add_argument('files', nargs='*')
    asked = options.parse_args()
    needed = asked.need if asked.need is not None else min(1, len(asked.witness))
    verdicts = [verdict(name, asked.witness, needed) for name in asked.files]
    print('\n'.join(verdicts))
    sys.exit(any(each.startswith('bad') for each in verdicts))
