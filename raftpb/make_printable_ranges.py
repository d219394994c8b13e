#!/usr/bin/env python3
"""Writes printable_ranges.inc: `make_printable_ranges.py < UnicodeData.txt > printable_ranges.inc`.

UnicodeData.txt is part of the Unicode Character Database (Debian: package unicode-data).
"""

import sys

PRINTABLE = ("L", "M", "N", "P", "S")  # The first letter of the general category.


def printable_ranges(lines):
    """The first and last code point of each run of printable ones."""
    runs = []
    first = None  # Of a pair of lines that stand for all code points between them.
    for line in lines:
        fields = line.split(";")
        code, name, category = int(fields[0], 16), fields[1], fields[2]
        if name.endswith(", First>"):
            first = code
            continue
        start = code if first is None else first
        first = None
        if not category.startswith(PRINTABLE) and code != ord(" "):
            continue
        if runs and runs[-1][1] + 1 == start:
            runs[-1][1] = code
        else:
            runs.append([start, code])
    return runs


def main():
    print("// Made by make_printable_ranges.py from the Unicode Character Database, 15.0.0.")
    print("// clang-format off")
    line = ""
    for run in printable_ranges(sys.stdin):
        item = "{{0x{:x}, 0x{:x}}},".format(*run)
        if len(line) + 1 + len(item) > 100:
            print(line)
            line = ""
        line += (" " if line else "") + item
    print(line)
    print("// clang-format on")


main()
