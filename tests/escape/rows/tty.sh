#!/bin/bash
# tty.sh - terminals and what is printed on them (T-TTY). pty(1) is the user's terminal and looks at what was typed into it.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

row T-TTY-01a 'nothing is typed into the caller'"'"'s terminal (TIOCSTI)' 'share-tty,no-seccomp,no-setsid bwrap firejail' \
	'under pty; jail -- @tty push' 'under pty; jail -- @tty whole'
without=no-seccomp,no-setsid row T-TTY-01b 'the own terminal alone stops TIOCSTI' 'share-tty' \
	'under pty; jail -- @tty push < /dev/null; echo CONTAINED: looked at by the terminal' 'jail -- /bin/true'
without=share-tty,no-setsid row T-TTY-01c 'the filter alone stops TIOCSTI' 'no-seccomp' 'under pty; jail -- @tty push' 'jail -- /bin/true'
row T-TTY-03 'no descriptor is the caller'"'"'s terminal' 'share-tty bwrap' 'under pty; jail -- @tty same %TTY' \
	'under pty; says 24 jail -- /bin/sh -c "stty rows 24; stty size"'
row T-TTY-11a 'a session of its own, with no terminal' 'no-setsid bwrap' 'jail -- @tty session' 'jail -- /usr/bin/setsid /bin/true'
row T-TTY-12 'pseudo-terminals run out soon, and the host'"'"'s do not' 'plain' 'jail -- @tty many 300' 'jail -- @tty many 5; [ $? = 10 ]'

# ---- what we print ourselves ----

evil=$'\e]0;owned\a\e[31m\u202e\x9b\r'
raw() { # does the launcher's own message hold a control character?
	local text
	text=$("$@" 2>&1)
	if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' <<< "$text"; then echo 'ESCAPED: control characters'; else echo "CONTAINED: escaped"; fi
	cat -v <<< "$text" | head -n 3
}
row T-TTY-05a 'the name of the program in a message' 'no-escape bwrap' 'raw jail -- "/nonexistent/$evil"' 'says nonexistent jail -- /nonexistent/x 2>&1; jail -- /bin/true'
row T-TTY-05c 'the values of options in messages' 'no-escape' \
	'for option in -v --tmpfs --hostname -e -w --network --cap-add -m --device; do raw jail "$option" "$evil" -- /bin/true; done' 'jail --hostname plain -- /bin/true'
row T-TTY-05e 'a mount in the plan that is printed' 'no-escape' \
	'mkdir -p "$work/$evil"; raw jail -v "$work/$evil:/x:ro" --dry-run -- /bin/true' 'jail --dry-run -- /bin/true'
log_forgery() { # can an argument or a variable forge a line of the printed plan or of the receipt?
	rm -f "$work/receipt"
	jail -e $'A=x\nforged: enforced' --receipt "$work/receipt" --dry-run -- /bin/echo $'x\nforged: enforced' > "$work/plan" 2>&1
	if [ ! -s "$work/plan" ]; then echo 'UNCLEAR: no plan'; fi
	if grep -q '^forged' "$work/plan" "$work/receipt" 2> /dev/null; then echo 'ESCAPED: a forged line'; else echo 'CONTAINED: no forged line'; fi
}
row T-TTY-09 'no forged line in the plan or the receipt' 'no-escape' log_forgery \
	'jail --receipt "$work/receipt" -- /bin/true && jq -e . "$work/receipt" > /dev/null'

finish
