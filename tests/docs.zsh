# docs.zsh TEXT: what zsh offers when Tab is pressed behind TEXT, a line each. The completions are in functions/ below the current directory.
zmodload zsh/zpty
zpty -b shell zsh -f -i
send() { zpty -w shell $1 }
send 'PROMPT= RPS1=; stty cols 1000 rows 100; fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D'
# matches go to a file instead of the screen: compadd is where every one of them passes by
send 'compadd() { local -a offered; builtin compadd -O offered "$@"; print -rl -- $offered >> matches; builtin compadd "$@" }'
send 'print -r rea""dy'
rm -f matches
zpty -r shell output '*ready*' || exit 1
zpty -w -n shell "$1"$'\t'
for ((i = 0; i < 50; i++)); do
	sleep 0.1
	[[ -s matches ]] && break
done
sleep 0.3
zpty -d shell
cat matches
