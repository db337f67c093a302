#!/bin/bash
# Signals, terminals and the end of the launcher itself.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the jail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2

# forwards SIGNAL: the program's trap sees it, and its status comes out
forwards() {
	rm -f out
	"$immure" jail perl -e "\$| = 1; \$SIG{$1} = sub { exit 42 }; print \"ready\n\"; sleep 1 for 1 .. 100" < /dev/null > out 2>&1 &
	local pid=$! status
	await grep -qs ready out
	kill -s "$1" $pid
	wait $pid; status=$?
	if [ $status = 42 ]; then ok "SIG$1 reaches the program"; else not_ok "SIG$1 reaches the program" "status $status" "$(cat out)"; fi
}
for signal in HUP INT QUIT TERM USR1 USR2; do forwards $signal; done

# survivors WORD: processes anywhere with WORD among their arguments
# shellcheck disable=SC2317 # alive() calls it
survivors() { pgrep -fc -- "$1" || true; }

# shellcheck disable=SC2317 # await() calls it
alive() { [ "$(survivors "$2")" = "$1" ]; } # COUNT WORD

# gone WHAT WORD: within two seconds nothing with WORD is alive
gone() { if turns=20 await alive 0 "$2"; then ok "$1"; else not_ok "$1" "$(pgrep -fa -- "$2")"; pkill -KILL -f -- "$2"; fi; }

number=$((100000 + $$ * 10)) # nobody else's
"$immure" jail sh -c "setsid sleep $number & sleep $number" < /dev/null &
pid=$!
check 'the tree runs' await alive 2 "^sleep $number\$"
kill -KILL $pid
gone 'nothing survives a killed launcher' "^sleep $number\$"
wait $pid 2> /dev/null

number=$((number + 1))
immure jail sh -c "setsid sleep $number & true" < /dev/null
gone 'nothing survives the end of the program' "^sleep $number\$"

number=$((number + 1))
"$immure" jail sh -c "trap '' TERM HUP INT; sleep $number & while :; do wait; done" < /dev/null &
pid=$!
await alive 1 "^sleep $number\$"
kill -TERM $pid; sleep 0.3
check 'a program may ignore SIGTERM' alive 1 "^sleep $number\$"
kill -KILL $pid
gone 'but not the end of its launcher' "^sleep $number\$"
wait $pid 2> /dev/null

rm out
"$immure" jail sh -c 'echo ready; sleep 0.5; exit 42' < /dev/null > out &
pid=$!
await grep -qs ready out
for signal in $(seq 34 64); do kill -s "$signal" $pid; done
wait $pid
check 'a real-time signal does not end the launcher' test $? = 42

check 'orphans are reaped' immure jail sh -c 'for i in 1 2 3 4 5 6 7 8; do (true & ) ; done
	for i in $(seq 600); do sleep 0.1; [ "$(ls -d /proc/[0-9]* | wc -l)" -gt 5 ] || exit 0; done; ls -d /proc/[0-9]*; exit 1' < /dev/null

# ---- terminals, driven by python's pty ----
cat > drive.py <<'P'
import fcntl, os, pty, select, signal, struct, sys, termios, time
# drive.py SIZE INPUT… -- COMMAND…: runs COMMAND on a pty; once it has said "ready", types each INPUT; prints its status and what came out
split = sys.argv.index('--')
rows, columns = sys.argv[1].split('x')
inputs, command = sys.argv[2:split], sys.argv[split + 1:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', int(rows), int(columns), 0, 0))
    os.execvp(command[0], command)
out = b''
ended = False
def drain(until, limit):
    global out, ended
    end = time.monotonic() + limit
    while time.monotonic() < end and not ended and not until():
        ready, _, _ = select.select([fd], [], [], 0.05)
        if not ready:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        ended = not data
        out += data
if inputs:
    drain(lambda: b'ready' in out, 60)
for word in inputs:
    os.write(fd, word.encode().decode('unicode_escape').encode())
    drain(lambda: False, 0.3)
drain(lambda: False, 60)
if ended:
    print('STATUS', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
else:
    os.kill(pid, signal.SIGKILL)
    print('HUNG')
sys.stdout.write(out.decode(errors='replace'))
P
on_terminal() { python3 drive.py "$@"; }

out=$(on_terminal 33x77 -- "$immure" jail sh -c 'tty; stty size')
check 'the program has a pty of the jail' grep -q '^/dev/pts/0' <<< "$out"
check 'with the size of the caller' grep -q '^33 77' <<< "$out"
# the launcher is stopped at the first mount
# shellcheck disable=SC2016 # for window(1)
python3 drive.py 33x77 -- "$probes/window" fsopen:1 'kill -STOP $(cut -d " " -f 1 /proc/$PPID/task/$PPID/children)' \
	"$immure" jail -v "$work:/work" sh -c 'stty size > /work/size' > /dev/null &
await test -s size
check 'from the beginning' test "$(cat size)" = '33 77'
kill -CONT "$(child_of "$(child_of $! window)" immure)"
wait $!
out=$(on_terminal 24x80 'hello\n' -- "$immure" jail sh -c 'echo ready; read x; echo "got $x"')
check 'what is typed goes in' grep -q 'got hello' <<< "$out"
out=$(on_terminal 24x80 '\x03' -- "$immure" jail perl -e '$| = 1; $SIG{INT} = sub { print "INTERRUPTED\n"; exit 5 }; print "ready\n"; sleep 100')
check '^C interrupts' grep -q INTERRUPTED <<< "$out"
check 'and the status comes out' grep -q 'STATUS 5' <<< "$out"
out=$(on_terminal 24x80 '\x04' -- "$immure" jail sh -c 'echo ready; exec cat')
check '^D ends the input' grep -q 'STATUS 0' <<< "$out"
out=$(on_terminal 24x80 -- sh -c "'$immure' jail sh -c 'echo out; echo err >&2' 2> $work/errors; cat $work/errors")
check 'a redirected stream stays apart' grep -qx err "$work/errors"
out=$(on_terminal 24x80 -- sh -c "'$immure' jail true; stty -a")
check 'the terminal is as it was' grep -qE '(^|[ ;])icanon' <<< "$out"
out=$(on_terminal 24x80 -- "$immure" jail sh -c 'head -c 300000 /dev/zero | tr "\0" x; echo; echo END')
check 'long output arrives whole' test "$(tr -cd x <<< "$out" | wc -c)" -ge 300000
check 'down to its end' grep -q END <<< "$out"
cat > late.py <<'P'
import os, pty, signal, sys, time
# late.py COMMAND…: on a pty that nobody reads before all that is left of it has waited there, stopped for a while
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def waits():
    with open(f'/proc/{pid}/task/{pid}/children') as children, open(f'/proc/{pid}/stat') as stat:
        return not children.read() and stat.read().rsplit(')', 1)[1].split()[0] == 'S'
out = os.read(fd, 1)
turns = 600
while turns and not waits():
    turns -= 1
    time.sleep(0.1)
os.kill(pid, signal.SIGSTOP)
time.sleep(2.5)
os.kill(pid, signal.SIGCONT)
time.sleep(0.5)
try:
    while data := os.read(fd, 65536):
        out += data
except OSError:
    pass
print(turns > 0, out.count(b'x'), b'END' in out)
P
# more than one pty holds, and less than two
out=$(python3 late.py "$immure" jail sh -c 'head -c 18000 /dev/zero | tr "\0" x; echo END')
check 'and while the launcher is stopped, its reader has time' test "$out" = 'True 18000 True'
cat > refuses.json <<'P'
{"version": 1, "extends": "untrusted", "terminal": {"mode": "none"}}
P
out=$(on_terminal 24x80 -- "$immure" jail -p ./refuses.json echo started)
check 'a profile may refuse a terminal' grep -q 'STATUS 125' <<< "$out"
check 'and says what to do' grep -q 'redirect it' <<< "$out"
finish
