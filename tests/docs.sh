#!/bin/bash
# docs.sh - tests of the documentation, as TAP: the man pages are clean and complete, what the README shows is what happens, the examples are
# good, and each shell takes its completions. As an ordinary user, in a built tree.
set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need mandoc jq cc zsh fish
man=$top/sandbox/cli/man
mkdir -p "$work/bin"
ln -s "$immure" "$work/bin/immure"
export PATH=$work/bin:$PATH
cd "$work" || exit 1
unset -f immure # the program itself from here on

# ---- man pages ----

for page in "$man"/*; do
	if output=$(mandoc -Tlint -W warning "$page" 2>&1) && [ -z "$output" ]; then ok "${page##*/} is clean"; else not_ok "${page##*/} is clean" "$output"; fi
done
for page in immure.1 immure-jail.1 immure-run.1 immure-image.1 immure-profile.5; do
	check "$page is there" test -s "$man/$page"
done

same() { # WHAT LEFT-NAME LEFT RIGHT-NAME RIGHT: two lists, one word a line
	local missing extra
	missing=$(comm -23 <(sort -u <<< "$3") <(sort -u <<< "$5"))
	extra=$(comm -13 <(sort -u <<< "$3") <(sort -u <<< "$5"))
	if [ -n "$3" ] && [ -z "$missing$extra" ]; then
		ok "$1"
	else
		not_ok "$1" "only in $2: ${missing//$'\n'/ }" "only in $4: ${extra//$'\n'/ }"
	fi
}

# "-x" and "--name" of each option, from the help and from the tags of the page
helped=$(immure help jail | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -e '--?[a-z][a-z-]*')
tagged=$(sed -n 's/^\.It Fl //p' "$man/immure-jail.1" | sed 's/ , / /' |
	awk '{ for (i = 1; i <= 2 && $i ~ /^-?[a-z]/; i++) if ($i ~ /^[a-z]$/ || $i ~ /^-[a-z]/) print "-" $i }')
same 'immure-jail(1) has the options of the help, and no other' help "$helped" page "$tagged"

# helped VERB…: "-x" and "--name" of each option, from the help
helped() { immure help "$@" | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -e '--?[A-Za-z][a-z-]*'; }
# named PAGE: every option that the page's macros name
named() { grep -E '(^\.|[[:space:]])(It |Op |Pq )?Fl ' "$man/$1" | grep -oE 'Fl -?[A-Za-z-]+( , -[a-z-]+)?' |
	sed 's/^Fl //; s/ , /\n/' | sed 's/^/-/' | sort -u; }
tagged=$(sed -n '/^\.Sh OPTIONS OF RUN/,/^\.Sh /p' "$man/immure-run.1" | sed -n 's/^\.It Fl //p' | sed 's/ , / /' |
	awk '{ for (i = 1; i <= 2 && $i ~ /^-?[a-z]/; i++) if ($i ~ /^[a-z]$/ || $i ~ /^-[a-z]/) print "-" $i }')
same 'immure-run(1) has the options of run, and no other' help "$(helped run)" page "$tagged"
for verb in start ps rm commit export cp volume; do
	missing=$(comm -23 <(helped $verb | grep '^--' | sort -u) <(named immure-run.1))
	check "immure-run(1) names the options of $verb" test -z "$missing"
done
subs=$(immure help image | awk '/^  [a-z]+  / { print $1 }')
for verb in $subs; do
	missing=$(comm -23 <(helped image "$verb" | grep '^--' | sort -u) <(named immure-image.1))
	check "immure-image(1) names the options of $verb" test -z "$missing"
done
same 'immure-image(1) has the verbs of the help, and no other' help "$subs" page "$(sed -n '/^\.Sh VERBS/,/^\.Sh FILES/s/^\.It Cm \([a-z]*\).*/\1/p' "$man/immure-image.1")"

verbs=$(immure help | sed -n 's/^  \([a-z]*\) .*/\1/p')
same 'immure(1) has the verbs of the help, and no other' help "$verbs" page \
	"$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$man/immure.1" | grep -A 1 '^\.Nm$' | sed -n 's/^\.Cm \([a-z]*\).*/\1/p')"
for verb in list show check explain; do
	check "immure(1) explains profile $verb" grep -q "^\.It Cm profile Cm $verb" "$man/immure.1"
done
for name in $(immure profile list | awk '$2 == "built-in" { print $1 }'); do
	check "immure(1) names the profile $name" grep -qE "^\.It Cm (.* )?$name( ,.*)?$" "$man/immure.1"
done

# ---- the notation of profiles ----

documented=$(grep -E '^\.(It )?Cm ' "$man/immure-profile.5" | tr -s ' ,' '\n')
missing=
for key in $(jq -r '.. | objects | .properties? // empty | keys[]' "$top/profiles/schema.json" | sort -u); do
	grep -qxF -- "$key" <<< "$documented" || missing+=" $key"
done
if [ -z "$missing" ]; then ok 'immure-profile(5) has every key of the schema'; else not_ok 'immure-profile(5) has every key of the schema' "missing:$missing"; fi

words=$(jq -r '.. | objects | .enum? // empty | .[] | strings' "$top/profiles/schema.json" | sort -u | grep -E '^[a-z@0-9-]+$')
plain=$(mandoc -Tascii "$man/immure-profile.5" | col -bx | tr -cs 'a-z0-9@-' '\n')
missing=
for word in $words; do
	grep -qxF -- "$word" <<< "$plain" || missing+=" $word"
done
if [ -z "$missing" ]; then ok 'immure-profile(5) has every word of the schema'; else not_ok 'immure-profile(5) has every word of the schema' "missing:$missing"; fi

# each example of a profile in the page: from a line "{" to the end of the display
awk -v folder="$work" '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { if (file) close(file); inside = 0; file = "" }
	inside && !file && $0 == "{" { file = folder "/example-" ++n ".json" } file { gsub(/\\e/, "\\"); print > file }' "$man/immure-profile.5"
examples=0
for file in "$work"/example-*.json; do
	examples=$((examples + 1))
	check "immure-profile(5): example $examples is a good profile" immure profile check "$file"
done
check 'immure-profile(5) has examples' test "$examples" -ge 3

# ---- the README ----

readme=$top/README.md
for markdown in README.md SECURITY.md; do
	missing=
	while read -r link; do
		[ -e "$top/$link" ] || [ "$link" = LICENSE ] || missing+=" $link" # the licence is not among what the tests are given
	done < <(grep -oE '\]\([^)#:]+\)' "$top/$markdown" | sed 's/^](//; s/)$//' | sort -u)
	if [ -z "$missing" ]; then ok "$markdown leads nowhere that is not there"; else not_ok "$markdown leads nowhere that is not there" "$missing"; fi
done
check 'README.md has the place of the benchmark' test "$(grep -cx '<!-- /\?bench -->' "$readme")" = 2
while read -r target; do
	check "README.md: there is a \`make $target\`" grep -qE "^$target:" "$top/Makefile" "$top/tests/tests.mk"
done < <(grep -oE '\bmake (demo|check|bench|install)\b' "$readme" | awk '{ print $2 }' | sort -u)

# What its sessions need: a profile (the first JSON in it), a project, a key.
mkdir -p "$HOME/.ssh" project/.git/hooks
echo key > "$HOME/.ssh/id_rsa"
printf '%s\n' '#include <stdio.h>' 'int main(void) { return puts("hello") < 0; }' > project/hello.c
echo 'TOKEN=1' > .env
awk '/^```json/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$readme" > convert.json

# Each "$ command" of a console block runs in one shell; what is printed must be what is shown, line by line; "…" stands for any lines.
console() {
	awk '/^```console/ { inside = 1; next } /^```/ { inside = 0; next } inside' "$readme"
}
matches() { # SHOWN-FILE GOT-FILE
	if grep -qx '…' "$1"; then grep -vx '…' "$1" | while IFS= read -r line; do grep -qxF -- "$line" "$2" || return 1; done; else cmp -s "$1" "$2"; fi
}
while IFS= read -r line; do
	if [[ $line == '$ '* ]]; then
		number=$((${number:-0} + 1))
		echo "${line#\$ }" > "command-$(printf %02d $number)"
		: > "shown-$(printf %02d $number)"
	else
		echo "${line//\/home\/me/$HOME}" >> "shown-$(printf %02d "$number")"
	fi
done < <(console)
exec 3> statuses
(
	for file in "$work"/command-*; do
		eval "$(cat "$file")" > "$work/got-${file##*-}" 2>&1 < /dev/null
		echo "$?" >&3
	done
)
exec 3>&-
for file in "$work"/command-*; do
	index=${file##*-}
	status=$(sed -n "$((10#$index))p" statuses)
	if [ "$status" = 0 ] && matches "shown-$index" "got-$index"; then
		ok "README.md: $(cat "$file")"
	else
		not_ok "README.md: $(cat "$file")" "status $status" "shown:" "$(cat "shown-$index")" "printed:" "$(cat "got-$index")"
	fi
done
check 'README.md shows sessions' test "${number:-0}" -ge 10

# ---- completions ----

for shell in bash zsh fish; do
	immure completion $shell > "completion.$shell" || not_ok "completion $shell" 'not printed'
done
offers() { # SHELL WORD…: what the shell offered must have each WORD on a line
	local shell=$1 word missing=
	shift
	for word; do
		grep -qE -- "^$word([[:space:]]|$)" offered || missing+=" $word"
	done
	if [ -z "$missing" ]; then ok "$shell offers: $*"; else not_ok "$shell offers: $*" "not among them:$missing" "$(cat offered)"; fi
}

check 'bash loads its completions' bash -uc '. ./completion.bash && complete -p immure'
complete_in_bash() { # WORD…: the last one is completed
	bash -c '. ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _immure; printf "%s\n" "${COMPREPLY[@]}"' bash "$@" > offered 2>&1
}
complete_in_bash immure ''
# shellcheck disable=SC2086 # a list of words
offers bash $verbs
complete_in_bash immure jail --mem
offers bash --memory --memory-swap
complete_in_bash immure run --pu
offers bash --pull
complete_in_bash immure image ''
# shellcheck disable=SC2086 # a list of words
offers bash $subs
complete_in_bash immure image pull --pl
offers bash --platform
complete_in_bash immure rmi --fo
offers bash --force
complete_in_bash immure jail -p ''
offers bash untrusted dev

mkdir -p functions
cp completion.zsh functions/_immure
# shellcheck disable=SC2016 # for zsh to expand
check 'zsh loads its completions' zsh -fc \
	'fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D; [ "$_comps[immure]" = _immure ] && autoload +X _immure && functions _immure > /dev/null'
# zsh completes only at a terminal: one of its own, in which Tab is pressed once the prompt is there
complete_in_zsh() { # TEXT
	zsh -f "$top/tests/docs.zsh" "$1" > offered 2>&1
}
complete_in_zsh 'immure '
# shellcheck disable=SC2086
offers zsh $verbs
complete_in_zsh 'immure jail --mem'
offers zsh --memory --memory-swap

complete_in_zsh 'immure run --pul'
offers zsh --pull
complete_in_zsh 'immure image '
offers zsh pull list

check 'fish loads its completions' fish --no-config -c 'source completion.fish'
fish --no-config -c 'source completion.fish; complete -C "immure "' > offered 2>&1
# shellcheck disable=SC2086
offers fish $verbs
fish --no-config -c 'source completion.fish; complete -C "immure jail --mem"' > offered 2>&1
offers fish --memory --memory-swap
fish --no-config -c 'source completion.fish; complete -C "immure run --pul"' > offered 2>&1
offers fish --pull

finish
