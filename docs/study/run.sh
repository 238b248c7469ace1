#!/bin/sh
# Runs the study of docs/study/README.md: tuning, then the comparison. Needs `fanin` in the PATH and cifar10.fanin in the
# working directory (`fanin data import ARCHIVE --out cifar10.fanin`, or `fanin data fetch cifar10`). Stopped, it goes on.
# SPDX-License-Identifier: MIT
exec fanin compare \
  --scheme kaiming_normal --scheme kaiming_normal:mode=fan_out --scheme xavier_uniform \
  --scheme torch_default --scheme orthogonal:gain=1.4142 --scheme lsuv \
  --model wrn-16-1 --model wrn-16-1:norm=none \
  --model resnext-29-4x4d:widen=1 --model resnext-29-4x4d:widen=1,norm=none \
  --model densenet-bc-22-12 --model densenet-bc-22-12:norm=none \
  --tune 0.003,0.01,0.03,0.1 --tune-seeds 1 --tune-images 1000 --seeds 5 \
  --data cifar10.fanin --train-size 2000 --test-size 1000 --epochs 3 --batch 32 --jobs 2 --out study "$@"
