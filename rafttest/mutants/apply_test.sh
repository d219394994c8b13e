#!/usr/bin/env bash
# Every mutant still applies: tools/mutants finds the work tree by its own place in it.
set -euo pipefail
exec "$(readlink -f tools/mutants)" --check
