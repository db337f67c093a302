#!/bin/bash
# A registry that misbehaves, and what becomes of the credentials (T-REG, oracle O12): registry_double.py prints the TAP.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need python3
TMPDIR=$work python3 "$top/tests/image/registry_double.py" "$build/immure-image"
