#!/usr/bin/env python3
"""order.py MAP MET: prints sandbox/order.ld, by the linker's map of a launcher and the addresses that a launch of it met (order.c)."""
import bisect
import re
import sys

HEAD = '''\
/*
 * What a launch runs, side by side: the functions of its child, which finds none of their pages mapped, then those of the launcher alone.
 * They are a sixth of the program; where they lie scattered, a launch maps most of it, page by page. `make order` writes this anew. A name
 * that is no more does no harm; a new one costs a page until then.
 */
SECTIONS
{
	.text.launch :
	{
'''
TAIL = '''\
	}
}
INSERT BEFORE .text;
'''


def sections(path):
    """Of the text: address, name and the file that it came from."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    text = text[text.index('Linker script and memory map'):]
    found = re.findall(r'^ (\.text\S*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$', text, re.M)
    return sorted((int(address, 16), name, origin) for name, address, size, origin in found if int(size, 16) and int(address, 16))


def main():
    known = sections(sys.argv[1])
    starts = [address for address, _, _ in known]
    child, launcher = {}, {}
    with open(sys.argv[2], encoding='utf-8') as file:
        for line in file:
            who, address = line.split()
            section = known[bisect.bisect_right(starts, int(address, 16)) - 1]
            (child if who == '1' else launcher)[section] = True
    print(HEAD, end='')
    for _, name, origin in sorted(child) + sorted(set(launcher) - set(child)):
        member = re.fullmatch(r'.*/(lib\w[^/]*\.a)\((.*)\)', origin)
        if member:
            print(f'\t\t*{member[1]}:{member[2]}({name})')
        elif origin.endswith('/main.o'):
            print(f'\t\t*main.o({name})')
    print(TAIL, end='')


main()
