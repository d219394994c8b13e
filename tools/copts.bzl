"""Compiler flags for code of this repository, and for no one else's."""

RAFT_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    # A designated initializer says what differs from the default; the rest is meant to be left out.
    "-Wno-missing-field-initializers",
    # GCC 12 sees overlapping copies inside std::string that are not there (GCC bug 105651).
    "-Wno-restrict",
    # Clang has not heard of some of the flags above.
    "-Wno-unknown-warning-option",
]
