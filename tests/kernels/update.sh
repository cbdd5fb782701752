#!/usr/bin/env bash
# Writes traffic.tsv, resources.tsv and the tables of docs/kernels.md anew. Needs nvcc; compiles the kernels twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cmake --preset cuda-emulated >/dev/null
cmake --build build/cuda-emulated --target kernel_traffic
build/cuda-emulated/tests/kernels/kernel_traffic >build/traffic.tsv && mv build/traffic.tsv tests/kernels/traffic.tsv
tests/kernels/compile.py build/nvcc --update
tests/kernels/document.py
