"""Compiler flags for code of this repository, and for no one else's."""

RAFT_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    # A designated initializer says what differs from the default; the rest is meant to be left out.
    "-Wno-missing-field-initializers",
    # GCC 12 sees overlapping copies inside std::string that are not there (GCC bug 105651).
    "-Wno-restrict",
    # GCC 12 joins the stores and loads of neighbouring fields into vectors. A field that was stored by
    # itself cannot be forwarded to the load of a pair, so that a struct which is copied soon after it
    # was made waits for the cache: a tenth of what a commit costs. There are no loops here that
    # vectors would help; checksums are a library's.
    "-fno-tree-vectorize",
    # Clang has not heard of some of the flags above.
    "-Wno-unknown-warning-option",
]
