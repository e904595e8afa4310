#!/bin/sh
# Build cosign and the servers of a Sigstore instance: tests/real/build.sh DIRECTORY
# Versions and checksums are those of tools/go.mod and tools/go.sum; nothing is looked up, nothing newer is taken.
set -eu

directory=$1
command -v go >/dev/null || {
    echo "error: expected Go (tools/go.mod says which), found none; or set VXSEC_SIGSTORE_BIN to a folder with the programs" >&2
    exit 4
}
mkdir -p "$directory"
GOBIN=$(cd "$directory" && pwd)
GOFLAGS='-mod=readonly -trimpath -buildvcs=false'
GOTOOLCHAIN=local
export GOBIN GOFLAGS GOTOOLCHAIN

cd "$(dirname "$0")/tools"
go install -ldflags=-s \
    ./ctlog \
    github.com/sigstore/cosign/v3/cmd/cosign \
    github.com/sigstore/fulcio \
    github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix \
    github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server
mv "$GOBIN/posix" "$GOBIN/rekor-server"
