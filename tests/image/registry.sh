#!/bin/bash
# Pull, push, login against docker-registry on the loopback: without TLS, with a password, with a token server, with TLS of an
# authority of our own; mirrors and short names of registries.conf. skopeo looks at what came of it.
# shellcheck source=tests/image/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need docker-registry skopeo htpasswd openssl
program=$image
export XDG_RUNTIME_DIR=$work/run CONTAINERS_REGISTRIES_CONF=$work/registries.conf
mkdir -m 700 "$XDG_RUNTIME_DIR" "$storage"
cd "$work" || exit 2

im() { guarded "$program" --storage "$storage" "$@"; }

# refuses WHAT WORDS COMMAND…: ends with 125, and WORDS are in what it says
refuses() {
	local what=$1 words=$2 output status
	shift 2
	output=$("$@" 2>&1 < /dev/null)
	status=$?
	if [ $status = 125 ] && [[ $output == *"$words"* ]]; then ok "$what"; else not_ok "$what" "status $status, want: $words" "$output"; fi
}

# gives WHAT WANTED COMMAND…: ends well, and prints exactly that on standard output
gives() {
	local what=$1 wanted=$2 output
	shift 2
	if output=$("$@" 2> "$work/stderr" < /dev/null) && [ "$output" = "$wanted" ]; then ok "$what"; else not_ok "$what" "printed: $output" "wanted:  $wanted" "$(cat "$work/stderr")"; fi
}

fresh() { chmod -R u+rwX "$storage"; rm -rf "$storage"; mkdir -m 700 "$storage"; }

configuration() { # NAME [EXTRA-YAML]
	printf '%s\n' 'version: 0.1' 'log: {level: error}' "storage: {filesystem: {rootdirectory: $work/$1}}" "http: {addr: '127.0.0.1:0'${3:-}}" "${2:-}"
}

# image NAME OPTION…: an OCI layout; its digest and id are in ${digest[NAME]} and ${id[NAME]}
declare -A digest id
image() {
	local name=$1
	read -r "digest[$name]" "id[$name]" < <(python3 "$here/layout.py" "$work/$name" t "${@:2}")
}
send() { skopeo copy -q --all --preserve-digests --dest-tls-verify=false "oci:$work/$1:t" "docker://$2"; }

image one layers=3 size=300000
image two layers=2 size=200000 seed=two
image many layers=1 index=1

# ---- without TLS ----

registry plain "$(configuration plain)"
plain=$address
printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$plain" > "$CONTAINERS_REGISTRIES_CONF"
for name in one many; do send $name "$plain/test/$name:1" || echo "Bail out! skopeo"; done

gives 'pull prints the id of the image' "${id[one]}" im pull "$plain/test/one:1"
check 'the blobs are what skopeo sent' diff <(cd one/blobs/sha256 && sha256sum -- *) <(cd "$storage/images/blobs/sha256" && sha256sum -- *)
check 'skopeo reads the store' skopeo inspect --raw "oci:$storage/images:$plain/test/one:1"
gives '--quiet says nothing else' '' bash -c '"$@" 2>&1 > /dev/null' _ "$program" --storage "$storage" pull -q "$plain/test/one:1"
gives 'by digest' "${id[one]}" im pull "$plain/test/one@${digest[one]}"
gives 'by tag and digest' "${id[one]}" im pull "$plain/test/one:1@${digest[one]}"
gives 'from an index, for this machine' "${id[many]}" im pull --platform linux/amd64 "$plain/test/many:1"
gives 'two at once' "$(printf '%s\n' "${id[one]}" "${id[many]}")" im pull "$plain/test/one:1" "$plain/test/many:1"
refuses 'no such platform: those that there are' linux/arm64 im pull --platform linux/riscv64 "$plain/test/many:1"
refuses 'no such tag' 'nothing of that name (status 404)' im pull "$plain/test/one:none"
refuses 'no such repository' 'nothing of that name' im pull "$plain/test/none"
refuses 'no name' 'needs at least 1' im pull
refuses 'a name that is none' 'lower case' im pull "$plain/Test/one"
refuses 'a policy that is none' 'always, missing and newer' im pull --policy never "$plain/test/one"
refuses 'a channel that is none' 'no open descriptor' im pull --channel 77 "$plain/test/one"
refuses 'an option that is none' '--quiet' im pull --quite "$plain/test/one"
refuses 'T-REG-23 no TLS, and nobody said so' 'no TLS connection' im pull --tls-verify=true "$plain/test/one:1"
gives '--tls-verify=false says so' "${id[one]}" env CONTAINERS_REGISTRIES_CONF=/dev/null "$program" --storage "$storage" pull --tls-verify=false "$plain/test/one:1"
refuses '--tls-verify=maybe' 'true or false' im pull --tls-verify=maybe "$plain/test/one:1"

kill -STOP "$registry"
gives '--policy missing asks nobody' "${id[one]}" im pull --policy missing "$plain/test/one:1"
kill -CONT "$registry"
send two "$plain/test/one:1"
gives '--policy missing keeps what is there' "${id[one]}" im pull --policy missing "$plain/test/one:1"
gives '--policy newer takes what is new' "${id[two]}" im pull --policy newer "$plain/test/one:1"
printf '[[registry]]\nlocation = "%s"\n[[registry.mirror]]\nlocation = "127.0.0.1:1"\n' "$plain" > closed.conf
gives '--policy newer keeps what is there when nobody answers' "${id[two]}" \
	env CONTAINERS_REGISTRIES_CONF="$work/closed.conf" http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 "$program" --storage "$storage" pull --policy newer "$plain/test/one:1"
send one "$plain/test/one:1"

# ---- both programs, joined ----

fresh
# shellcheck disable=SC2317 # called by name
both() { guarded python3 - "$program" "$storage" "$@" << 'END'
import socket, subprocess, sys
program, storage, *words = sys.argv[1:]
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
unpack = subprocess.Popen([program, '--storage', storage, 'unpack', '--channel', str(b.fileno())], pass_fds=[b.fileno()])
fetch = subprocess.Popen([program, '--storage', storage, 'pull', '--channel', str(a.fileno()), *words], pass_fds=[a.fileno()])
a.close(), b.close()
sys.exit(fetch.wait() or unpack.wait())
END
}
gives 'pull and unpack, joined' "${id[one]}" both "$plain/test/one:1"
check 'three layers are unpacked' [ "$(find "$storage/layers" -name 'layer-?' -type f | wc -l)" = 3 ]
gives 'once more: nothing is to be done' "${id[one]}" both "$plain/test/one:1"
chmod -R u+rwX "$storage/layers"; rm -rf "$storage"/layers/*/*
gives 'the blobs are there, the layers not: from the store' "${id[one]}" both "$plain/test/one:1"
check 'three layers are unpacked again' [ "$(find "$storage/layers" -name 'layer-?' -type f | wc -l)" = 3 ]
rm -f "$storage"/images/blobs/sha256/*
gives 'the layers are there, the blobs not: they are fetched' "${id[one]}" both "$plain/test/one:1"
check 'all five blobs' [ "$(find "$storage/images/blobs" -type f | wc -l)" = 5 ]
refuses 'one image at a time' 'one image at a time' both "$plain/test/one:1" "$plain/test/many:1"
image twin layers=2 size=100000 twin=1
send twin "$plain/test/twin:1"
gives 'the same layer twice' "${id[twin]}" both "$plain/test/twin:1"
check 'nothing is left in staging' [ -z "$(find "$storage/staging" -mindepth 1 ! -name '.*')" ]

# ---- a password ----

htpasswd -Bbn alice 'pa:ss wörd' > users
registry basic "$(configuration basic "auth: {htpasswd: {realm: basic, path: $work/users}}")"
basic=$address
printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$basic" >> "$CONTAINERS_REGISTRIES_CONF"
auth=$XDG_RUNTIME_DIR/containers/auth.json
login() { im login "$@" < <(printf '%s\n' "$password"); }

refuses 'nobody is logged in' "immure login $basic" im pull "$basic/test/one:1"
password=wrong
output=$(login "$basic" -u alice --password-stdin 2>&1); status=$?
if [ $status = 125 ] && [[ $output == *'not enough'* && $output != *wrong* ]] && [ ! -e "$auth" ]; then ok 'a wrong password: refused, nothing written'; else not_ok 'a wrong password' "$output"; fi
password='pa:ss wörd'
check 'login' [ "$(login "$basic" -u alice --password-stdin 2>&1)" = 'Login Succeeded!' ]
check 'auth.json is ours alone' [ "$(stat -c %a:%u "$auth")" = "600:$(id -u)" ]
check 'skopeo can push with it' skopeo copy -q --authfile "$auth" --dest-tls-verify=false "oci:$work/one:t" "docker://$basic/test/one:1"
gives 'pull with it' "${id[one]}" im pull "$basic/test/one:1"
gives '--get-login' alice im login --get-login "$basic"
refuses '--get-login of another' 'nobody is logged in' im login --get-login quay.io
gives 'login once more' "Existing credentials are valid. Already logged in to $basic" im login "$basic"
refuses 'login without a terminal' 'password-stdin' im login -u bob "$basic"
refuses '--password-stdin without a name' 'needs --username' im login --password-stdin "$basic"
refuses 'a password on the command line' 'password' im login -u alice --password "$password" "$basic"
refuses 'a registry that is none' 'not the name of a registry' im login "alice@$basic"
refuses 'a registry that asks nobody' 'nothing to log in to' bash -c 'printf x | "$@"' _ "$program" login -u a --password-stdin "$plain"
chmod 644 "$auth"
output=$(im pull "$basic/test/one:1" 2>&1)
if [[ $output == *"$auth: others may read"* ]]; then ok 'T-REG-25 others may read it: a warning'; else not_ok 'others may read it' "$output"; fi
jq '.auths["quay.io"] = {auth: "eDp5", "x-kept": 1} | .credHelpers = {"gcr.io": "gcloud"} | ."x-other" = [1, 2]' "$auth" > kept.json
cp kept.json "$auth"
check 'login again' [ "$(login "$basic" -u alice --password-stdin 2>&1)" = 'Login Succeeded!' ]
check 'what is not ours in auth.json stays' diff <(jq -S . kept.json) <(jq -S . "$auth")
check 'and it is closed again' [ "$(stat -c %a "$auth")" = 600 ]
# shellcheck disable=SC2016 # for the inner shell
refuses 'T-REG-41 a helper is named, not run' 'docker-credential-evil' \
	bash -c 'mkdir -p d && echo "{\"credsStore\": \"evil\"}" > d/config.json && DOCKER_CONFIG=$PWD/d XDG_RUNTIME_DIR=$PWD HOME=$PWD/h "$@"' _ "$program" --storage "$storage" pull "$basic/test/one:1"
mkdir -p "$HOME/.docker"
printf '{"auths": {"http://%s/v2/": {"auth": "%s"}}}' "$basic" "$(printf '%s' "alice:$password" | base64 -w0)" > "$HOME/.docker/config.json"
gives 'logout' "Removed login credentials for $basic" im logout "$basic"
check 'the others stay' [ "$(jq -r '.auths | keys | join(" ")' "$auth")" = quay.io ]
gives "docker's config.json, and an old spelling" "${id[one]}" im pull "$basic/test/one:1"
rm "$HOME/.docker/config.json"
refuses 'logged out' "immure login $basic" im pull "$basic/test/one:1"
refuses 'logout again' 'nobody is logged in' im logout "$basic"
gives 'logout --all' 'Removed login credentials for all registries' im logout --all
check 'nobody is left' [ "$(jq -c .auths "$auth")" = '{}' ]
echo '{' > "$auth"
refuses 'a broken auth.json is told of, with its place' 'auth.json:2:1' im pull "$basic/test/one:1"
# shellcheck disable=SC2016 # for the inner shell
refuses 'and is not overwritten' 'auth.json:2:1' bash -c 'printf %s "$0" | "$@"' "$password" "$program" login -u alice --password-stdin "$basic"
check 'really' [ "$(cat "$auth")" = '{' ]
rm "$auth"

# ---- push ----

fresh
im pull -q "$plain/test/one:1" > /dev/null
gives 'push prints the digest' "${digest[one]}" im push "$plain/test/one:1" "docker://$plain/pushed/one:v1"
check 'skopeo finds it there' [ "$(skopeo inspect --tls-verify=false "docker://$plain/pushed/one:v1" --format '{{.Digest}}')" = "${digest[one]}" ]
# logged COUNT PATTERN: so many requests; each is logged a moment after its answer
# shellcheck disable=SC2317 # await() calls it
logged() { [ "$(grep -c "$2" plain.log)" = "$1" ]; }
check 'the layers were mounted across' await logged 3 'POST /v2/pushed/one/blobs/uploads/?mount=.*from=test/one.* 201 '
check 'the configuration travels' await logged 1 'PUT /v2/pushed/one/blobs'
gives 'push again' "${digest[one]}" im push -q "$plain/test/one:1" "$plain/pushed/one:v2"
await logged 1 'PUT /v2/pushed/one/manifests/v2'
check 'no blob travels twice' logged 1 'PUT /v2/pushed/one/blobs'
refuses 'push without being logged in' "immure login $basic" im push "$plain/test/one:1" "$basic/pushed/one"
refuses 'push of nothing' 'nothing' im push "$plain/nothing:1"
login "$basic" -u alice --password-stdin > /dev/null 2>&1
gives 'push with a password' "${digest[one]}" im push "$plain/test/one:1" "$basic/pushed/one:v1"
check 'skopeo copies it back' skopeo copy -q --authfile "$auth" --src-tls-verify=false "docker://$basic/pushed/one:v1" "oci:$work/back:t"
refuses 'push to another digest' 'the digest of this image' im push "$plain/test/one:1" "$basic/pushed/one@sha256:$(printf '0%.0s' {1..64})"
im logout "$basic" > /dev/null

# ---- tokens ----

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=issuer -keyout token.key -out token.crt 2> /dev/null
: > token.log
coproc issuer { exec python3 "$here/token_server.py" token.key token.crt token.log 'alice:s3cret'; }
helpers+=("$issuer_PID")
read -r token_port <&"${issuer[0]}"
registry tokens "$(configuration tokens "auth: {token: {realm: 'http://127.0.0.1:$token_port/token', service: reg, issuer: issuer, rootcertbundle: $work/token.crt}}")"
tokens=$address
printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$tokens" >> "$CONTAINERS_REGISTRIES_CONF"
skopeo copy -q --dest-creds alice:s3cret --preserve-digests --dest-tls-verify=false "oci:$work/one:t" "docker://$tokens/open/one:1"
skopeo copy -q --dest-creds alice:s3cret --preserve-digests --dest-tls-verify=false "oci:$work/two:t" "docker://$tokens/closed/two:1"
fresh
: > token.log
gives 'an anonymous token' "${id[one]}" im pull "$tokens/open/one:1"
check 'T-REG-21 one question, for this repository and pull' [ "$(cat token.log)" = 'GET anonymous repository:open/one:pull' ]
refuses 'what is not for everybody' "immure login $tokens" im pull "$tokens/closed/two:1"
password=wrong
output=$(login "$tokens" -u alice --password-stdin 2>&1)
if [[ $output == *'incorrect username or password'* ]]; then ok "a wrong password: the token server's words"; else not_ok "a wrong password" "$output"; fi
password=s3cret
check 'login' [ "$(login "$tokens" -u alice --password-stdin 2>&1)" = 'Login Succeeded!' ]
: > token.log
gives 'a token for a user' "${id[two]}" im pull "$tokens/closed/two:1"
check 'asked once' [ "$(cat token.log)" = 'GET alice repository:closed/two:pull' ]
: > token.log
gives 'push with tokens' "${digest[two]}" im push "$tokens/closed/two:1" "$tokens/closed/copy:1"
check 'T-REG-21 pull and push of this one, pull of the other' \
	[ "$(cat token.log)" = 'GET alice repository:closed/copy:pull,push repository:closed/two:pull' ]
jq '.auths |= map_values({auth: "YWxpY2U6", identitytoken: "identity-of-alice"})' "$auth" > identity.json && cp identity.json "$auth"
: > token.log
gives 'an identity token' "${id[two]}" im pull "$tokens/closed/two:1"
check 'is exchanged' [ "$(cat token.log)" = 'POST alice repository:closed/two:pull' ]
rm "$auth"

# ---- TLS ----

authority() { openssl req -x509 -newkey rsa:2048 -nodes -days "${2:-2}" -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2> /dev/null; }
certificate() { # NAME AUTHORITY ALTERNATIVE-NAMES [DAYS]
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2> /dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days "${4:-2}" -out "$1.crt" -extfile <(echo "subjectAltName=$3") 2> /dev/null
}
authority ours
certificate good ours IP:127.0.0.1
certificate other ours DNS:other.example
certificate expired ours IP:127.0.0.1 -1
certs() { echo ", tls: {certificate: $work/$1.crt, key: $work/$1.key${2:-}}"; }

registry tls "$(configuration plain '' "$(certs good)")"
tls=$address
fresh
refuses 'T-REG-22 an authority that nobody trusts' 'certificate is not to be trusted' im pull "$tls/test/one:1"
gives 'SSL_CERT_FILE' "${id[one]}" env SSL_CERT_FILE="$work/ours.crt" "$program" --storage "$storage" pull "$tls/test/one:1"
refuses 'SSL_CERT_FILE that is not there' 'No such file' env SSL_CERT_FILE="$work/none.crt" "$program" --storage "$storage" pull "$tls/test/one:1"
# the same through the jail, which sees what the variables name and nothing beside it; seen from here, where they are relative
refuses 'in the jail: an authority that nobody trusts' 'certificate is not to be trusted' immure pull --storage "$work/jailed" "$tls/test/one:1"
gives 'in the jail: SSL_CERT_FILE' "${id[one]}" env SSL_CERT_FILE="$work/ours.crt" "$immure" pull --storage "$work/jailed" -q "$tls/test/one:1"
gives 'in the jail: SSL_CERT_FILE, relative' "${id[one]}" env SSL_CERT_FILE=ours.crt "$immure" pull --storage "$work/jailed" -q "$tls/test/one:1"
gives 'in the jail: SSL_CERT_FILE, by ..' "${id[one]}" env SSL_CERT_FILE="../${work##*/}/ours.crt" "$immure" pull --storage "$work/jailed" -q "$tls/test/one:1"
refuses 'in the jail: SSL_CERT_FILE that is not there' 'No such file' env SSL_CERT_FILE="$work/none.crt" "$immure" pull --storage "$work/jailed" "$tls/test/one:1"
mkdir authorities && cp ours.crt authorities/ && openssl rehash authorities
gives 'in the jail: SSL_CERT_DIR' "${id[one]}" env SSL_CERT_DIR="/usr/none:authorities" "$immure" pull --storage "$work/jailed" -q "$tls/test/one:1"
mkdir -p docker.config && jq -n --arg at "$basic" '{auths: {($at): {auth: ("alice:pa:ss wörd" | @base64)}}}' > docker.config/config.json && chmod 600 docker.config/config.json
gives 'in the jail: DOCKER_CONFIG' "${id[one]}" env DOCKER_CONFIG=docker.config "$immure" pull --storage "$work/jailed" -q --tls-verify=false "$basic/test/one:1"
gives 'in the jail: REGISTRY_AUTH_FILE' "${id[one]}" env REGISTRY_AUTH_FILE=docker.config/config.json "$immure" pull --storage "$work/jailed" -q --tls-verify=false "$basic/test/one:1"
mkdir -p "$HOME/.config/containers/certs.d/$tls"
cp ours.crt "$HOME/.config/containers/certs.d/$tls/ca.crt"
gives 'certs.d' "${id[one]}" im pull "$tls/test/one:1"
rm -r "$HOME/.config/containers/certs.d"
gives '--tls-verify=false' "${id[one]}" im pull --tls-verify=false "$tls/test/one:1"
for bad in other expired; do
	registry "tls-$bad" "$(configuration plain '' "$(certs $bad)")"
	refuses "T-REG-22 a certificate that is $bad" 'certificate is not to be trusted' env SSL_CERT_FILE="$work/ours.crt" "$program" --storage "$storage" pull "$address/test/one:1"
done
certificate client ours DNS:client
registry mutual "$(configuration plain '' "$(certs good ", clientcas: [$work/ours.crt]")")"
mutual=$address
mkdir -p "$HOME/.config/containers/certs.d/$mutual"
cp ours.crt "$HOME/.config/containers/certs.d/$mutual/ca.crt"
refuses 'a client certificate is wanted' "127.0.0.1" im pull "$mutual/test/one:1"
cp client.crt "$HOME/.config/containers/certs.d/$mutual/client.cert"
refuses 'a certificate without its key' 'client.key' im pull "$mutual/test/one:1"
cp client.key "$HOME/.config/containers/certs.d/$mutual/"
gives 'and is shown' "${id[one]}" im pull "$mutual/test/one:1"

# ---- registries.conf ----

conf() { cat > "$work/mirrors.conf"; }
mirrored() { env CONTAINERS_REGISTRIES_CONF="$work/mirrors.conf" "$program" --storage "$storage" "$@"; }
fresh
conf << END
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "registry.example/apps"
location = "$plain/test"
insecure = true
[[registry]]
prefix = "mirrored.example"
location = "127.0.0.1:1"
insecure = true
[[registry.mirror]]
location = "127.0.0.1:1/dead"
insecure = true
[[registry.mirror]]
location = "$plain/test"
insecure = true
[[registry]]
prefix = "blocked.example"
location = "$plain"
blocked = true
[[registry]]
prefix = "*.wild.example"
location = "$plain"
insecure = true
[aliases]
"short" = "registry.example/apps/one"
END
gives 'another location' "${id[one]}" mirrored pull registry.example/apps/one:1
check 'the name is the one that was written' test -e "$storage/tags/registry.example/apps/one/:1"
gives 'a dead mirror, then a living one' "${id[one]}" mirrored pull mirrored.example/one:1
refuses 'no mirror has it, and the registry is dead' 'cannot connect' mirrored pull mirrored.example/none:1
refuses 'blocked' 'blocks blocked.example' mirrored pull blocked.example/test/one:1
gives 'a wildcard' "${id[one]}" mirrored pull a.wild.example/test/one:1
gives 'an alias' "${id[one]}" mirrored pull short:1
conf <<< 'unqualified-search-registries = ["a.example", "b.example"]'
refuses 'T-REG-24 a short name and several registries: the candidates' 'a.example/app, b.example/app' mirrored pull app
conf <<< 'unqualified-search-registries = "a.example"'
refuses 'a value of another type' 'mirrors.conf: unqualified-search-registries' mirrored pull app
conf <<< '[[registry]'
refuses 'not TOML: the line' 'mirrors.conf:1' mirrored pull app
printf '[[registry]]\nlocation = "%s"\ninsecure = true\nunheard-of = 1\n' "$plain" > mirrors.conf
output=$(mirrored pull "$plain/test/one:1" 2>&1)
if [[ $output == *'unheard-of: ignored'* ]]; then ok 'a key that nobody knows: a warning'; else not_ok 'a key that nobody knows' "$output"; fi
refuses 'a registries.conf that is not there' 'no such file' env CONTAINERS_REGISTRIES_CONF="$work/none.conf" "$program" --storage "$storage" pull app
finish
