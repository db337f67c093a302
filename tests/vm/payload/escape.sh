#!/bin/bash
# escape.sh - the launcher's own escape tests, on this kernel and under this policy. Each of their lines becomes one of ours.
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
export IMMURE=/usr/bin/immure PROBES=/payload/probes
rows=/payload/project/tests/escape/rows

repeat() { # FILE LABEL: the file's own verdicts; a file that ends before its plan is a failure
	local line count=0 planned
	while read -r line; do
		case $line in
		'ok '*'# SKIP'*) skip "$2: $(cut -d' ' -f4- <<< "${line%%# SKIP*}")" "${line##*# SKIP }" ;;
		'ok '*) report ok "$2: $(cut -d' ' -f4- <<< "$line")" ;;
		'not ok '*) report 'not ok' "$2: $(cut -d' ' -f5- <<< "$line")" ;;
		'1..'*) planned=${line#1..} ;;
		*) echo "# $line" ;;
		esac
		case $line in 'ok '* | 'not ok '*) count=$((count + 1)) ;; esac
	done < "$1"
	works "$2: ran to its end" test "${planned:-0}" = "$count" -a "$count" -gt 0
}

works 'there are rows' test -d $rows
for row in "$rows"/*; do
	[ -f "$row" ] || continue
	bash "$row" > /tmp/row.tap 2>&1 < /dev/null
	repeat /tmp/row.tap "$(basename "$row" .sh)"
done
plan
