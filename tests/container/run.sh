#!/usr/bin/env bash
# Builds the image with buildah, and runs the doctor and the attack suite in it with podman as compose.yaml would:
# no network, read-only, no capability, no new privileges, Docker's default seccomp profile.
#
#   tests/container/run.sh --seccomp default.json [--base FOLDER] [-- BUILDAH_OPTION...]
#
# --seccomp   Docker's profile: seccomp/default.json of the moby/profiles repository. podman's own is laxer.
# --base      a root file system with Python 3.11 that stands for the base image, where no image registry is reached
#             (debootstrap --include=python3,python3-venv,ca-certificates bookworm FOLDER)
# What follows -- goes to buildah, such as --build-arg TORCH_INDEX=... or --volume for local packages.
#
# Exit status: 0 when everything passed, 77 when it could not run here, which is said, else 1.
set -euo pipefail

did_not_run() {
    echo "container test DID NOT RUN: $1" >&2
    exit 77
}

profile='' base='' build_options=()
while [ $# -gt 0 ]; do
    case $1 in
        --seccomp) profile=$(realpath "$2"); shift 2 ;;
        --base) base=$(realpath "$2"); shift 2 ;;
        --) shift; build_options=("$@"); break ;;
        *) echo "unknown option $1: see the head of $0" >&2; exit 1 ;;
    esac
done
for tool in podman buildah; do
    command -v "$tool" >/dev/null || did_not_run "$tool is not installed (apt-get install podman buildah crun)"
done
[ -n "$profile" ] || did_not_run "no seccomp profile is named: --seccomp default.json of moby/profiles"

# crun takes either kind of control groups, not both at once: hide the second kind from it.
if mountpoint -q /sys/fs/cgroup/unified && [ -z "${WHYLOSS_OWN_MOUNTS-}" ]; then
    arguments=(--seccomp "$profile" ${base:+--base "$base"} -- "${build_options[@]}")
    # shellcheck disable=SC2016 # expanded by the inner shell
    WHYLOSS_OWN_MOUNTS=1 exec unshare --mount --propagation private \
        bash -c 'umount /sys/fs/cgroup/unified; exec "$0" "$@"' "$(realpath "$0")" "${arguments[@]}"
fi

cd "$(dirname "$0")/../.."
image=localhost/whyloss:test python=docker.io/library/python:3.11-slim-bookworm

if [ -n "$base" ] && ! podman image exists "$python"; then
    ln -sf python3 "$base/usr/bin/python"
    tar -C "$base" -c . | podman import - "$python" >/dev/null
fi

echo "== build"
buildah bud "${build_options[@]}" --format docker -t "$image" .
buildah bud "${build_options[@]}" --format docker --build-arg "IMAGE=$image" -t "$image-attacks" \
    --ignorefile tests/container/dockerignore -f tests/container/Dockerfile .

hardened=(
    --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges
    --security-opt "seccomp=$profile" --memory 4g --pids-limit 256 --ulimit nofile=20000:20000
    --ulimit nproc=32768:32768 --volume /run/whyloss
)

echo "== size"
podman image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB in all\n", $1 / 1e6 }'
podman run "${hardened[@]}" --entrypoint sh "$image" -c \
    'cd /opt/whyloss/lib/python3.11/site-packages && du -sm --exclude=__pycache__ -- * | sort -rn | head -12;
     find . -name "*.pyc" -print0 | du -cm --files0-from=- | tail -1 | sed "s/total/bytecode of all of them/"'

echo "== doctor"
podman run "${hardened[@]}" --env WHYLOSS_EVALUATOR__SANDBOX_FLOOR=A "$image" doctor

echo "== health"
service=$(podman run --detach "${hardened[@]}" "$image" evaluator)
trap 'podman rm --force --time 0 "$service" >/dev/null 2>&1 || true' EXIT
for _ in $(seq 60); do
    podman exec "$service" whyloss health 2>/dev/null && break
    sleep 2
done
podman exec "$service" whyloss health
podman exec --interactive "$service" whyloss ask - < examples/why-0.5514.md | sed -n 1p

echo "== attacks"
podman run "${hardened[@]}" --tmpfs /tmp "$image-attacks"
echo "container test passed"
