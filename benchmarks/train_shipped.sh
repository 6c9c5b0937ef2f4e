#!/usr/bin/env bash
# Train the three shipped models again from a data folder with an index.csv:  benchmarks/train_shipped.sh DATA
# About an hour on 2 CPU cores with bfloat16, some two without, minutes on a GPU. An interrupted run goes on.
set -euo pipefail

data="$1"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$here"
out=runs
weights=src/napari_leukocyte/weights
licence="GPL-3.0-or-later AND Apache-2.0 AND MIT AND CC-BY-4.0 (training data, see NOTICE)"
mkdir -p "$out"

train() { # NAME, then the recipe's options
  local name="$1"
  shift
  napari-leukocyte train --data "$data" --split benchmarks/split.json --name "$name" --licence "$licence" \
    --out "$out/$name.safetensors" "$@"
}

ship() { # NAME: into the package, with its held-out scores and card
  local name="$1"
  cp "$out/$name.safetensors" "$weights/$name.safetensors"
  python benchmarks/accuracy.py "$data" --split benchmarks/split.json --part test --model "$name" --out "$out/$name"
  python benchmarks/card.py "$name" "$out/$name.json"
}

# goes on from the weights before it, which took 6912 steps from nothing, with rates of learning half as high
train default --recipe default --mask-notes benchmarks/mask_notes.json --from default-4 --epochs 20 --learning-rate 1e-3
train thesis-three-class --recipe thesis --epochs 50
train thesis-binary --recipe thesis --classes 2 --epochs 50
for name in default thesis-three-class thesis-binary; do ship "$name"; done
# these ranges, for 8-bit integers and of CNRs, belong to a file with its scores in it; prints how far CNRs then move
python benchmarks/engines.py "$data" --split benchmarks/split.json --calibrate 8
for name in default thesis-three-class; do
  python benchmarks/calibrate_range.py "$data" --split benchmarks/split.json --model "$name"
done
