#!/usr/bin/env bash
# A run as a browser shows it: the scripts of the page must have drawn and listed what the run had.

set -euo pipefail

simulate=$1
screenshot=$2
page=$TEST_TMPDIR/run.html

env --unset=BUILD_WORKING_DIRECTORY "$simulate" --seeds=3 --ticks=300 --html="$page"
status=0
"$screenshot" "file://$page" "$TEST_TMPDIR/run.png" "$TEST_TMPDIR/run.dom" || status=$?
((status != 3)) || exit 0  # There is no browser; the line above says so.
((status == 0))

fail() {
  echo "FAILED: $*"
  exit 1
}

# These are written by the script of the page, when it has read the run and drawn it.
grep -q 'nothing is violated' "$TEST_TMPDIR/run.dom" || fail "the verdict is missing"
grep -Eq '7 servers, [0-9.]+ ticks, [1-9][0-9]* messages' "$TEST_TMPDIR/run.dom" ||
  fail "the counts are missing"
listed=$(grep -o '<time>' "$TEST_TMPDIR/run.dom" | wc -l)
((listed >= 100)) || fail "only $listed events are listed"

# A canvas with nothing on it would make the image about as small as that of an empty page.
"$screenshot" about:blank "$TEST_TMPDIR/blank.png" "$TEST_TMPDIR/blank.dom"
drawn=$(stat --format=%s "$TEST_TMPDIR/run.png")
blank=$(stat --format=%s "$TEST_TMPDIR/blank.png")
echo "the picture has $drawn bytes, an empty page $blank; $listed events listed"
((drawn > 20 * blank)) || fail "the picture is empty"
[[ -z ${TEST_UNDECLARED_OUTPUTS_DIR:-} ]] || cp "$TEST_TMPDIR/run.png" "$TEST_UNDECLARED_OUTPUTS_DIR"
