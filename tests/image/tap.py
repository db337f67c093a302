"""What the tests in Python share: TAP on standard output, a choice of cases, the user namespace that they find themselves in."""
import os
import re

ONLY = re.compile(os.environ.get('IMMURE_ONLY', ''))  # of the cases with a name of their own: those in which this is found

with open('/proc/self/uid_map', encoding='ascii') as lines:
    MAPPED = sum(int(line.split()[2]) for line in lines) > 1 and os.geteuid() == 0  # many ids, or the caller's alone

count = failures = 0


def chosen(what):
    return ONLY.search(what) is not None


def report(good, what, *details):
    global count, failures
    count += 1
    print(f"{'' if good else 'not '}ok {count} - {what}", flush=True)
    if not good:
        failures += 1
        for line in '\n'.join(map(str, details)).splitlines()[:40]:
            print('#   ' + line[:400], flush=True)


def skip(what, reason):
    global count
    count += 1
    print(f'ok {count} - {what} # SKIP {reason}', flush=True)


def finish():
    """The last line, and the exit status."""
    print(f'1..{count}', flush=True)
    return 1 if failures or not count else 0
