"""Compiler flags for code of this repository, and for no one else's."""

RAFT_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
]
