#!/bin/bash
# The store: what the verbs that look at it say, what they change, and that skopeo, umoci and podman read it as it is.
# shellcheck disable=SC2016,SC2053,SC2317 # what is written in quotes is meant so; patterns; functions that check() runs
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need busybox jq skopeo umoci podman
image=${IMMURE_IMAGE:-$build/immure-image}
storage=$work/storage
export TMPDIR=$work

# im WORDS…: the second program by hand, in that storage
im() { timeout 60 "$image" --storage "$storage" "$@"; }
says() { local what=$1 want=$2 is; is=$("${@:3}" 2>&1); if [ "$is" = "$want" ]; then ok "$what"; else not_ok "$what" "want: $want" "is:   $is"; fi; }
refuses() { # WHAT PATTERN COMMAND…: exit code 125 and one line that matches
	local what=$1 pattern=$2 said status
	shift 2
	said=$("$@" 2>&1 > /dev/null); status=$?
	if [ $status = 125 ] && [[ $said == $pattern ]]; then ok "$what"; else not_ok "$what" "status $status: $said"; fi
}

# ---- images by others ----

layout=$work/layout
umoci init --layout "$layout" && umoci new --image "$layout:a"
umoci unpack --rootless --image "$layout:a" "$work/bundle" > /dev/null 2>&1
mkdir -p "$work/bundle/rootfs/bin" && cp "$(command -v busybox)" "$work/bundle/rootfs/bin/"
umoci repack --image "$layout:a" "$work/bundle" > /dev/null 2>&1
umoci config --image "$layout:a" --config.cmd /bin/busybox --config.env PATH=/bin --config.workingdir /srv/ --config.user 7:8 \
	--config.label 'note=$(reboot)' --config.exposedports 80/tcp --config.volume /data --config.stopsignal SIGQUIT
echo five > "$work/bundle/rootfs/five" && umoci repack --image "$layout:five" "$work/bundle" > /dev/null 2>&1
skopeo copy -q "oci:$layout:a" "oci-archive:$work/a.tar:docker.io/library/app:a"
skopeo copy -q "oci:$layout:five" "oci-archive:$work/five.tar:localhost:5000/team/app:five"
skopeo copy -q "oci:$layout:a" "docker-archive:$work/docker.tar:docker.io/library/app:docker"
load() { im load < "$work/$1.tar"; }
for archive in a five docker; do check "an image is loaded: $archive" load $archive; done
says 'verify finds nothing' 'no faults' sh -c "timeout 60 '$image' --storage '$storage' verify | sed 's/.*: //'"

# ---- what others read ----

index=$storage/images
for name in docker.io/library/app:a localhost:5000/team/app:five; do
	check "skopeo reads $name" timeout 60 skopeo inspect "oci:$index:$name"
	check "and its configuration" timeout 60 skopeo inspect --config "oci:$index:$name"
	check "and copies it: $name" timeout 60 skopeo copy -q "oci:$index:$name" "dir:$work/dir-${name##*:}"
done
check 'umoci lists the names' [ "$(umoci ls --layout "$index" | sort | tr '\n' ' ')" = \
	'docker.io/library/app:a docker.io/library/app:docker localhost:5000/team/app:five ' ]
check 'umoci finds nothing to collect' sh -c "umoci gc --layout '$index' && timeout 60 '$image' --storage '$storage' verify"
check 'umoci unpacks one' umoci unpack --rootless --image "$index:docker.io/library/app:a" "$work/unpacked"
mkdir -p "$work/podman" && cp -r "$index" "$work/podman/index"
mv "$work/podman" "${work,,}.podman" # podman makes a name of the path: no capitals
if timeout 60 podman --root "$work/proot" --runroot "$work/prun" --storage-driver vfs pull -q "oci:${work,,}.podman/index:docker.io/library/app:a" > "$work/pulled" 2>&1; then
	check 'podman pulls it, under the same id' grep -qx "$(im inspect -f '{{.Id}}' app:a)" "$work/pulled"
else
	skip 'podman pulls it' "podman cannot work here: $(tail -n 1 "$work/pulled" | cut -c 1-100)"
fi
rm -rf "${work,,}.podman"
timeout 60 podman --root "$work/proot" --runroot "$work/prun" --storage-driver vfs unshare rm -rf "$work/proot" "$work/prun" 2> /dev/null

# ---- list ----

says 'the heading of the list' 'REPOSITORY TAG IMAGE ID CREATED SIZE' sh -c "timeout 60 '$image' --storage '$storage' list | head -n 1 | tr -s ' '"
says 'a template' "docker.io/library/app a
docker.io/library/app docker
localhost:5000/team/app five" sh -c "timeout 60 '$image' --storage '$storage' list --format '{{.Repository}} {{.Tag}}' | sort"
says 'a table by a template' 'TAG IMAGE ID' sh -c "timeout 60 '$image' --storage '$storage' list --format 'table {{.Tag}}\t{{.ID}}' | head -n 1 | tr -s ' '"
says 'by reference' five im list --filter 'reference=*team*' --format '{{.Tag}}'
says 'by the name people write' 'a
docker' sh -c "timeout 60 '$image' --storage '$storage' list --format '{{.Tag}}' app | sort"
says 'by label' '' im list --filter label=nothing --format '{{.Tag}}'
check 'as JSON' sh -c "timeout 60 '$image' --storage '$storage' list --format=json | jq -e 'length == 3 and all(.Size > 0 and (.Id | length) == 64)'"
check 'ids alone, each once' [ "$(im list -q | sort -u | wc -l)" = "$(im list -q | wc -l)" ]
refuses 'a field that is not there' '*Wrong: there is no such field; there are: ID, *' im list --format '{{.Wrong}}'
refuses 'a template without its end' '*without its "}}"*' im list --format '{{.ID'
refuses 'a filter that is none' '*is no filter: there are reference=*' im list --filter color=red
refuses 'an option that is none' '*no such option*did you mean --quiet?*' im list --quite
refuses 'a verb that is none' '*no such verb*did you mean `list`?*' im lists

# ---- inspect, history, tree ----

says 'a field' '[/bin/busybox]' im inspect -f '{{.Config.Cmd}}' app:a
says 'a field as JSON' '{"note": "$(reboot)"}' im inspect -f '{{json .Config.Labels}}' app:a
says 'what else is known' '7:8 /srv SIGQUIT amd64 linux 1' im inspect -f '{{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}} {{.Architecture}} {{.Os}} {{len .RootFS.Layers}}' app:a
check 'skopeo says the same' [ "$(skopeo inspect --config "oci:$index:docker.io/library/app:a" | jq -c '.rootfs.diff_ids')" = "$(im inspect -f '{{json .RootFS.Layers}}' app:a | tr -d ' ')" ]
check 'as JSON, of two' sh -c "timeout 60 '$image' --storage '$storage' inspect app:a team/nothing 2> /dev/null | jq -e 'length == 1'; timeout 60 '$image' --storage '$storage' inspect app:a app:docker | jq -e 'length == 2 and .[0].Config.Env == [\"PATH=/bin\"]'"
refuses 'an image that is not here' '*nothing: this image is not here*' im inspect nothing
id=$(im inspect -f '{{.Id}}' app:a)
says 'by three digits of its id' "$id" im inspect -f '{{.Id}}' "$(im list -q --no-trunc | few_digits "$id")"
says 'by sha256: and some digits' "$id" im inspect -f '{{.Id}}' "sha256:${id:0:20}"
says 'by its digest' "$id" im inspect -f '{{.Id}}' "app@$(im inspect -f '{{.Digest}}' app:a)"
refuses 'two digits are too few' '*not here*' im inspect "${id:0:2}"
says 'the history, the youngest step first' 'umoci config' sh -c "timeout 60 '$image' --storage '$storage' history --format '{{.CreatedBy}}' app:a | head -n 1"
check 'the history as JSON' sh -c "timeout 60 '$image' --storage '$storage' history --format=json app:a | jq -e 'length == 2 and .[0].emptyLayer'"
check 'the tree counts a shared layer once' sh -c "timeout 60 '$image' --storage '$storage' tree | grep -q '^3 images, 2 layers: '"

# ---- names ----

check 'a second name' im tag app:a quay.io/other/name:1
refuses 'no name for what is not here' '*not here*' im tag nothing x:y
refuses 'no digest as a name' '*a digest says what it means*' im tag app:a "x@sha256:$(printf %064d 0)"
check 'a name is moved' im tag localhost:5000/team/app:five quay.io/other/name:1
says 'and goes back' "quay.io/other/name:1: $(im inspect -f '{{.Digest}}' app:a)" im rollback quay.io/other/name:1
refuses 'but no further' '*never meant another image*' im rollback quay.io/other/name:1
mkdir -m 700 "$storage/short" # as pull leaves it
for link in name=quay.io/other/name gone=quay.io/nothing/here near=quay.io/other .new-0123456789abcdef=quay.io/other/name nonsense='no name'; do
	ln -s "${link#*=}" "$storage/short/${link%%=*}"
done
check 'a name is moved by its short form' im tag localhost:5000/team/app:five name:1
says 'which goes back by it' "quay.io/other/name:1: $(im inspect -f '{{.Digest}}' app:a)" im rollback name:1
says 'prune forgets what short names lead nowhere, and what a killed writer left' name sh -c "timeout 60 '$image' --storage '$storage' prune > /dev/null && ls -A '$storage/short'"
says 'one of its names goes' 'Untagged: quay.io/other/name:1' im rm quay.io/other/name:1
says 'and its short form with it' '' ls -A "$storage/short"
: > "$storage/short/file"
mkdir "$storage/short/directory"
says 'what is no link stays there, which is told' 'immure: short/directory: is no link of ours, and stays
immure: short/file: is no link of ours, and stays' sh -c "timeout 60 '$image' --storage '$storage' prune 2>&1 > /dev/null | sort"
rm -r "$storage"/short/*
chmod 750 "$storage/short"
refuses 'short names that others can look into' '*short in it is not yours alone*' im list
chmod 700 "$storage/short"
mkdir -p "$storage/containers/cafe" && ln -s "$(im inspect -f '{{.Digest}}' team/app:five 2> /dev/null || im inspect -f '{{.Digest}}' localhost:5000/team/app:five)" "$storage/containers/cafe/image"
echo '{"name":"busy_bee"}' > "$storage/containers/cafe/container.json"
refuses 'an image that a container was made from' '*the container busy_bee was made from this image*' im rm localhost:5000/team/app:five
says 'prune --all leaves it' '0' sh -c "timeout 60 '$image' --storage '$storage' prune -a > /dev/null; timeout 60 '$image' --storage '$storage' inspect localhost:5000/team/app:five > /dev/null; echo \$?"
rm -r "$storage/containers/cafe"
check 'without it, it goes' im rm localhost:5000/team/app:five
says 'nothing is left' '0 0 0' sh -c "cd '$storage' && echo \$(find images/blobs layers/*/* -type f 2> /dev/null | wc -l) \$(ls records | wc -l) \$(ls tags | wc -l)"
says 'an empty list' 'REPOSITORY TAG IMAGE ID CREATED SIZE' sh -c "timeout 60 '$image' --storage '$storage' list | tr -s ' '"

# ---- nothing of a stranger's reaches the terminal raw (T-REG-34) ----

hostile=$'\e]52;c;eA==\a\e[2J\xe2\x80\xae'
umoci config --image "$layout:a" --config.label "title=$hostile" --history.created_by "$hostile" --history.comment "$hostile" > /dev/null 2>&1
skopeo copy -q "oci:$layout:a" "oci-archive:$work/hostile.tar:docker.io/library/hostile:1"
check 'an image with hostile labels is loaded' load hostile
says 'its label is there, twice' 2 sh -c "timeout 60 '$image' --storage '$storage' inspect hostile:1 | grep -c 'title.*u001B]52'"
for words in 'list --format {{.Labels}}' 'list --format=json' 'inspect hostile:1' 'inspect -f {{.Labels}} hostile:1' 'inspect -f {{json.Labels}} hostile:1' \
	'history --no-trunc hostile:1' 'history --format=json hostile:1' 'history --format {{.CreatedBy}} hostile:1' 'tree' 'verify'; do
	read -r -a verb <<< "${words//json./json .}"
	[[ $words == *json.Labels* ]] && verb=(inspect -f '{{json .Labels}}' hostile:1)
	if im "${verb[@]}" 2>&1 | grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae'; then not_ok "raw: $words"; else ok "escaped: $words"; fi
done

# ---- damage ----

tag=$storage/tags/docker.io/library/hurt/:1
stored() { (cd "$storage" && ls records images/blobs/sha256 layers/*); }
for what in cut empty other fifo circle large; do
	im tag hostile:1 hurt:1; load a
	case $what in
	cut) truncate -s 30 "$tag" ;;
	empty) : > "$tag" ;;
	other) echo 'immure tag 2' > "$tag" ;;
	fifo) rm "$tag"; mkfifo "$tag" ;;
	circle) ln -sf :1 "$tag" ;;
	large) truncate -s 1M "$tag" ;;
	esac
	before=$(stored)
	refuses "a damaged name ($what): rmi of another says that nothing is collected" 'immure: docker.io/library/hurt:1: what is stored under this name is damaged: nothing is collected*' im rm app:a
	[ "$what" != cut ] || says 'in one line and one of advice' 2 sh -c "timeout 60 '$image' --storage '$storage' prune 2>&1 | wc -l"
	refuses "prune, too ($what)" '*hurt:1: what is stored under this name is damaged*' im prune
	says "nothing is lost ($what)" "$before" stored
	check "rmi gives the name up ($what)" im rm hurt:1
	check "and then all is well ($what)" sh -c "timeout 60 '$image' --storage '$storage' verify -q > /dev/null"
done
manifest=$(im inspect -f '{{.Digest}}' hostile:1)
record=$storage/records/${manifest#sha256:}.json
for place in "$storage/images/blobs/sha256/${manifest#sha256:}=blobs" "$record=layers"; do
	mv "${place%=*}" "$work/aside"
	says "without a part of an image, prune deletes no ${place#*=}, and says so in one line" 1 \
		sh -c "timeout 60 '$image' --storage '$storage' prune 2>&1 > /dev/null | grep -c 'immure: .*no ${place#*=} are deleted until'"
	mv "$work/aside" "${place%=*}"
	says 'with it, nothing is said' '' sh -c "timeout 60 '$image' --storage '$storage' prune 2>&1 > /dev/null"
done
blob=$(find "$storage/images/blobs/sha256" -size +100k | head -n 1)
echo x >> "$blob"
says 'verify tells of a damaged blob' 1 sh -c "timeout 60 '$image' --storage '$storage' verify > '$work/verified'; echo \$?"
check 'by its digest' grep -q "^sha256:${blob##*/}: this blob was damaged" "$work/verified"
check 'loading it again mends that' sh -c "timeout 60 '$image' --storage '$storage' load < '$work/hostile.tar' && timeout 60 '$image' --storage '$storage' verify"
chmod -R u+rwX "$storage/layers"
rm -rf "$storage"/layers/*/*
check 'verify unpacks lost layers again' sh -c "timeout 60 '$image' --storage '$storage' verify | grep -q mended"
says 'then all is well' 'no faults' sh -c "timeout 60 '$image' --storage '$storage' verify | sed 's/.*: //'"
chmod 750 "$storage/tags"
refuses 'a storage that others can look into' '*tags in it is not yours alone*' im list
chmod 700 "$storage/tags"
refuses 'no storage' '*--storage*' timeout 60 "$image" list
refuses 'a relative storage' '*not an absolute path*' timeout 60 "$image" --storage here list
finish
