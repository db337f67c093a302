# docs.zsh TEXT: what zsh offers when Tab is pressed behind TEXT, a line each. The completions are in functions/ below the current directory.
zmodload zsh/zpty
zpty -b shell zsh -f -i
send() { zpty -w shell $1 }
send 'PROMPT= RPS1=; stty cols 1000 rows 100; fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D'
# matches go to a file instead of the screen: compadd is where every one of them passes by
send 'compadd() { local -a offered; builtin compadd -O offered "$@"; print -rl -- $offered >> matches; builtin compadd "$@" }'
send 'tell() { zle expand-or-complete; : > told }; zle -N tell; bindkey "^I" tell'
send 'print -r rea""dy'
rm -f matches told
zpty -r shell output '*ready*' || exit 1
zpty -w -n shell "$1"$'\t'
# the widget ends when all of them have been told
for ((i = 0; i < 600; i++)); do
	[[ -e told ]] && break
	sleep 0.1
done
zpty -d shell
cat matches
