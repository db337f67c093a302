#!/bin/bash
# Proxies, from the caller's environment through the jail of the fetching program to a registry that only the proxy can find.
# shellcheck disable=SC2016,SC2317 # what stands in single quotes is for the shell in the container; functions that check calls by name
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need docker-registry openssl htpasswd
cd "$work" || exit 2
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
export XDG_RUNTIME_DIR=$work/run XDG_CONFIG_HOME=$work/config CONTAINERS_REGISTRIES_CONF=$work/registries.conf
mkdir -m 700 "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME"
word=of-the-registry own=of-the-proxy
tiny tiny

# proxy NAME [USER:PASSWORD]: its port in $port, what it was asked in NAME.log
proxy() {
	coproc PROXY { exec python3 "$here/proxy.py" "$work/$1.log" "${@:2}"; }
	helpers+=("$PROXY_PID")
	read -r port <&"${PROXY[0]}"
	touch "$1.log" "$1.log.bytes"
}
# serve NAME EXTRA HTTP-EXTRA: a registry; its port in $port
port=$((20000 + $$ % 20000))
serve() {
	local try
	for try in {1..20}; do
		port=$((port + 1))
		printf '%s\n' 'version: 0.1' 'log: {level: error}' "storage: {filesystem: {rootdirectory: $work/$1}}" "http: {addr: 127.0.0.1:$port${3:-}}" "${2:-}" > "$1.yml"
		docker-registry serve "$1.yml" > "$1.log" 2>&1 &
		helpers+=($!)
		for _ in {1..50}; do
			(: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && kill -0 $! 2> /dev/null && return
			kill -0 $! 2> /dev/null || break
			sleep 0.1
		done
		[ "$try" -lt 20 ] || { echo 'Bail out! no registry'; exit 1; }
	done
}
asked() { jq -r .line "$1.log" | cut -d ' ' -f 1-2 | sort -u; } # what a proxy was asked for
forget() { : > "$1.log"; : > "$1.log.bytes"; }
# fails WHAT PATTERN COMMAND…: exit 125, PATTERN in what is said, and no password
fails() {
	local what=$1 pattern=$2 output status
	shift 2
	output=$("$@" 2>&1 < /dev/null); status=$?
	if [ $status = 125 ] && [[ $output == *$pattern* ]] && [[ $output != *"$own"* ]] && [[ $output != *"$word"* ]]; then ok "$what"
	else not_ok "$what" "status $status, wanted 125 and \"$pattern\"" "$output"; fi
}

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ours -keyout ours.key -out ours.crt 2> /dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=secret.test -keyout server.key -out server.csr 2> /dev/null
openssl x509 -req -in server.csr -CA ours.crt -CAkey ours.key -CAcreateserial -days 2 -out server.crt -extfile <(echo subjectAltName=DNS:secret.test) 2> /dev/null
htpasswd -Bbn alice $word > users
serve plain
plain=open.test:$port
serve closed "auth: {htpasswd: {realm: basic, path: $work/users}}" ", tls: {certificate: $work/server.crt, key: $work/server.key}"
closed=secret.test:$port
mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/$closed"
cp ours.crt "$XDG_CONFIG_HOME/containers/certs.d/$closed/ca.crt"
printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$plain" > registries.conf
proxy free
free=http://127.0.0.1:$port
proxy locked "me:$own"
locked=http://me:$own@127.0.0.1:$port
wrong=http://me:not-$own@127.0.0.1:$port
im tag tiny "$plain/x/tiny:1" > /dev/null
im tag tiny "$closed/x/tiny:1" > /dev/null

fails 'without the proxy nobody finds the registry' open.test im push "$plain/x/tiny:1"
check 'push goes through http_proxy' env http_proxy="$free" "$immure" push --storage "$storage" -q "$plain/x/tiny:1"
check 'for whole URLs of the registry' test "$(asked free | cut -d / -f 1-3 | sort -u | tr '\n' ' ')" = "HEAD http://$plain POST http://$plain PUT http://$plain "
im rmi "$plain/x/tiny:1" > /dev/null
forget free
check 'pull does' env http_proxy="$free" "$immure" pull --storage "$work/other" -q "$plain/x/tiny:1"
check 'all of it: a manifest, a configuration, three layers' test "$(asked free | grep -c "^GET http://$plain/v2/x/tiny/\(manifests\|blobs\)/")" = 5
fails 'HTTP_PROXY in capitals is not asked (httpoxy)' open.test env HTTP_PROXY="$free" "$immure" pull --storage "$storage" "$plain/x/tiny:1"
check 'ALL_PROXY is' env ALL_PROXY="$free" "$immure" pull --storage "$storage" -q "$plain/x/tiny:1"
forget free
for none in no_proxy NO_PROXY; do
	fails "$none: the proxy is not asked" open.test env http_proxy="$free" "$none=.test" "$immure" pull --storage "$storage" "$plain/x/tiny:1"
done
check 'really' test ! -s free.log

# ---- TLS: the proxy sees names, and nothing else ----
login() { env "$1" "$immure" login --storage "$storage" -u alice --password-stdin "$closed" <<< "$word"; }
check 'login goes through https_proxy' login https_proxy="$free"
check 'push does' env https_proxy="$free" "$immure" push --storage "$storage" -q "$closed/x/tiny:1"
im rmi "$closed/x/tiny:1" > /dev/null
check 'pull does' env https_proxy="$free" "$immure" pull --storage "$storage" -q "$closed/x/tiny:1"
check 'run --pull always, too' test "$(https_proxy=$free im run --rm -q --pull always "$closed/x/tiny:1" sh -c 'echo ran $https_proxy' < /dev/null)" = ran
check 'by CONNECT alone' test "$(asked free)" = "CONNECT $closed"
check 'without credentials for the registry' test "$(jq -r '.headers | keys[]' free.log | grep -c -e authorization -e cookie)" = 0
check 'which go through the tunnel unseen' test "$(grep -c -a -F -e "$word" -e "$(printf 'alice:%s' $word | base64)" -e x/tiny free.log free.log.bytes)" = $'free.log:0\nfree.log.bytes:0'
check 'by which all of the image went' test "$(wc -c < free.log.bytes)" -gt "$(find closed -name data -size +64k -printf '%s\n' | sort -n | tail -n 1)"
forget free
check 'HTTPS_PROXY in capitals' env HTTPS_PROXY="$free" "$immure" pull --storage "$storage" -q "$closed/x/tiny:1"
check 'was asked' test "$(asked free)" = "CONNECT $closed"
fails 'http_proxy is not for https' secret.test env http_proxy="$free" "$immure" pull --storage "$storage" "$closed/x/tiny:1"

# ---- a proxy with a password ----
check 'its password goes to it' env https_proxy="$locked" http_proxy="$locked" "$immure" pull --storage "$storage" -q "$plain/x/tiny:1" "$closed/x/tiny:1"
check 'and no further' test "$(grep -c -a -F -e "$own" -e "$(printf 'me:%s' $own | base64)" locked.log.bytes)" = 0
check 'the registry'"'"'s does not come to it' test "$(jq -r 'select(.headers.authorization) | .line' locked.log | grep -c .)" = 0
fails 'a wrong one is refused, and not told' 407 env https_proxy="$wrong" "$immure" pull --storage "$storage" "$closed/x/tiny:1"
fails 'for http, too' 407 env http_proxy="$wrong" "$immure" pull --storage "$storage" "$plain/x/tiny:1"
fails 'a proxy that is not there is named, its password is not' '127.0.0.1 port 1' env https_proxy="http://me:$own@127.0.0.1:1" "$immure" pull --storage "$storage" "$closed/x/tiny:1"
check 'nothing is left' test -z "$(left)"
finish
