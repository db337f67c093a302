#!/bin/bash
# hand.sh - what tools of the host later execute or obey must not come out of a jail (T-HAND): the profile `dev` in a working tree.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
peer_bwrap_tree() { command=(bwrap --ro-bind / / --bind "$tree" "$tree" --dev /dev --proc /proc --chdir "$tree" "$@"); }
peer_bwrap_stub() { command=(bwrap --ro-bind / / --bind "$tree" "$tree" --ro-bind /dev/null "$tree/.envrc" --ro-bind /dev/null "$tree/.mcp.json" "$@"); }

tree=$work/tree
make_tree() {
	chmod -R u+w "$tree" 2> /dev/null
	rm -rf "$tree"
	mkdir -p "$tree"/.git/{hooks,info,refs,objects} "$tree"/{.vscode,.idea,.ssh,.config/autostart,.config/systemd,.local/bin,.cargo,.husky,src}
	local file
	for file in .git/hooks/pre-commit .git/config .git/info/attributes .gitmodules .gitattributes .pre-commit-config.yaml .envrc .env .tool-versions \
		.vscode/tasks.json .idea/workspace.xml .npmrc .yarnrc .pypirc .cargo/config.toml .mcp.json .gdbinit .bashrc .bash_profile .profile .zshrc \
		.zshenv .ssh/config .ssh/authorized_keys .config/autostart/a.desktop .local/bin/tool .editorconfig .exrc .vimrc .husky/pre-push; do
		echo "honest" > "$tree/$file"
	done
	protected=$(cd "$tree" && find .git/hooks .git/config .git/info .[a-fh-z]* .gitmodules .gitattributes -type f | sort)
}
in_tree() { (cd "$tree" && jail -p dev -w "$tree" -v "$tree:$tree" "$@"); }

tamper() { # SCRIPT with $f: for each protected file, inside; then looks from outside
	make_tree
	(cd "$tree" && jail -p dev -- /bin/sh -c "for f in $(tr '\n' ' ' <<< "$protected"); do $1; done" > /dev/null 2>&1)
	local file lines
	for file in $protected; do
		lines=()
		mapfile -t lines < "$tree/$file"
		[ "${lines[*]}" = honest ] || echo "ESCAPED: $file is $(head -c 40 "$tree/$file" 2>&1)"
	done
	if [ -e "$tree/done" ] || [ "$launcher" = immure ]; then echo 'CONTAINED: all are as they were'; fi
}
works='make_tree; cd "$tree"; jail -p dev -- /bin/sh -c "echo x > src/new && echo y > README && rm README && mkdir build && mv src/new build" && [ -e "$tree/build/new" ]'
row T-HAND-01a 'protected files are not written' 'bwrap_tree' 'tamper "echo evil > \$f"' "$works"
row T-HAND-01b 'nor deleted and made anew' 'bwrap_tree' 'tamper "rm -f \$f; echo evil > \$f"' "$works"
row T-HAND-01c 'nor renamed over' 'bwrap_tree' 'tamper "echo evil > new; mv -f new \$f"' "$works"
row T-HAND-01d 'nor linked over' 'bwrap_tree' 'tamper "echo evil > new; ln -sf \$PWD/new \$f; ln -f new \$f"' "$works"
row T-HAND-03b 'nor reached by renaming the folder above' 'bwrap_tree' \
	'tamper "d=\${f%/*}; [ \$d = \$f ] || { mv \$d moved-\$\$; mkdir -p \$d; echo evil > \$f; }"' "$works"
row T-HAND-02a '.git as a whole cannot be put aside' 'bwrap_tree' \
	'make_tree; (cd "$tree" && jail -p dev -- /bin/sh -c "mv .git .other && mkdir -p .git/hooks && echo evil > .git/hooks/post-checkout"); [ -e "$tree/.git/hooks/post-checkout" ] && echo ESCAPED: a hook || echo CONTAINED: no hook' \
	'make_tree; cd "$tree"; jail -p dev -- /bin/sh -c "echo ref > .git/refs/x && echo obj > .git/objects/y"'
row T-HAND-02b 'no new hook beside the ones there are' 'bwrap_tree' \
	'make_tree; (cd "$tree" && jail -p dev -- /bin/sh -c "echo evil > .git/hooks/post-checkout"); [ -e "$tree/.git/hooks/post-checkout" ] && echo ESCAPED: a hook || echo CONTAINED: no hook' "$works"
row T-HAND-02c 'a .git that is a file, as in a worktree, keeps naming what it names' 'bwrap_tree' \
	'make_tree; rm -rf "$tree/.git"; echo "gitdir: elsewhere" > "$tree/.git"; (cd "$tree" && jail -p dev -- /bin/sh -c "echo gitdir: evil > .git; rm -f .git; echo gitdir: evil > new; mv new .git") 2> /dev/null
	[ "$(cat "$tree/.git")" = "gitdir: elsewhere" ] && echo CONTAINED: the same || echo ESCAPED: another' "$works"
row T-HAND-03c 'by another spelling: case, links, the path through /proc' 'bwrap_tree' \
	'tamper "ln -s .git link; echo evil > link/hooks/pre-commit; echo evil > /proc/self/cwd/\$f; echo evil > /proc/self/root\$PWD/\$f; cd src; echo evil > ../\$f; cd .."' "$works"
row T-HAND-01e 'and no stub is left where they were looked for' 'bwrap_stub' \
	'make_tree; rm -rf "$tree"/{.envrc,.vscode,.mcp.json}; (cd "$tree" && jail -p dev -- /bin/true); for f in .envrc .vscode .mcp.json .claude .direnv; do [ ! -e "$tree/$f" ] || echo "ESCAPED: a stub $f"; done; echo CONTAINED: no stub' "$works"
row T-HAND-05 'our own folder of profiles is not there to write' 'wrong-bind,no-landlock' \
	'mkdir -p "$HOME/.config/immure/profiles"; jail -- /bin/sh -c "for h in /wrong-bind $HOME; do echo x > \$h/.config/immure/profiles/untrusted.json; done" 2> /dev/null
	[ -e "$HOME/.config/immure/profiles/untrusted.json" ] && echo ESCAPED: written || echo CONTAINED: not written; rm -rf "$HOME/.config"' 'jail -- /bin/true'
row T-HAND-09 'no socket or FIFO is left in a working tree' 'no-landlock' \
	'make_tree; (cd "$tree" && jail -p dev -v "$tree:/bound" -- @nodes /bound/src)' "$works"
row T-HAND-11 'no set-user-id file comes out with rights of another' 'unshare_auto' \
	'make_tree; (cd "$tree" && jail -p dev -- /bin/sh -c "cp /bin/true src/suid; chmod 4755 src/suid; chown 1:1 src/suid; true" 2> /dev/null); [ "$(stat -c %u "$tree/src/suid")" = "$(id -u)" ] && echo CONTAINED: ours || echo ESCAPED: of another' "$works"
row T-HAND-10 'names with control characters are escaped in what we print' 'no-escape' \
	'make_tree; mkdir "$tree/$(printf "a\033]0;x\007b")"; text=$(cd "$tree"; jail -p dev -v "$tree/$(printf "a\033]0;x\007b"):/x" --dry-run -- /bin/true 2>&1); cat -v <<< "$text"; [[ $text == *$(printf "\033")* ]] && echo ESCAPED: raw || echo CONTAINED: escaped' \
	'make_tree; cd "$tree"; jail -p dev --dry-run -- /bin/true'
finish
