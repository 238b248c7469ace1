// SPDX-License-Identifier: MIT
#include "apps/study/recipe.h"

#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

namespace fanin {

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// What all of them share: SGD with momentum 0.9 and decay on every parameter, steps at milestones, crop and mirror.
Settings sgd(Settings own) {
  Settings all = {{"optimizer", "sgd"}, {"momentum", "0.9"},       {"dampening", "0"},
                  {"lr", "0.1"},        {"schedule", "multistep"}, {"warmup", "0"},
                  {"batch", "128"},     {"normalize", "cifar10"},  {"label_smoothing", "0"}};
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

constexpr const char* kAfter = "milestones count finished epochs";
constexpr const char* kOnTest =
    "the upstream code keeps the checkpoint that is best on the TEST set; fanin reports the last epoch";

}  // namespace

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> list = {
      {"fb-resnext",
       "facebookresearch/ResNeXt 1f59a2c: opts.lua, train.lua, datasets/cifar10.lua and the README's CIFAR command",
       sgd({{"model", "resnext-29-8x64d"},
            {"scheme", "fb-resnext"},
            {"epochs", "300"},
            {"nesterov", "true"},
            {"weight_decay", "5e-4"},
            {"factor", "0.1"},
            {"milestones", "147,222"},
            {"reset_momentum", "false"},
            {"augment", "crop:pad=4:padding=mean,mirror"},
            {"drop_last", "false"}}),
       {std::string(kAfter) +
            ": the code divides by 10 where epoch / 300 > 0.49 and > 0.74, that is from epochs 148 and 223 on",
        "zero padding after normalization: the border is the mean colour",
        "paper (Xie et al. 2017, section 5.3): 300 epochs, drops at 150 and 225, pre-activation blocks, batch 256; the "
        "README "
        "says that original blocks and batch 128 tested better",
        "upstream runs on 8 GPUs, with BatchNorm statistics of 16 images each; fanin has one batch of 128",
        "CIFAR-100 upstream has constants of its own: --normalize cifar100-fb", kOnTest},
       {}},
      {"prlz77",
       "prlz77/ResNeXt.pytorch 39fb8d0: train.py",
       sgd({{"model", "resnext-29-8x64d"},
            {"scheme", "prlz77-resnext"},
            {"epochs", "300"},
            {"nesterov", "true"},
            {"weight_decay", "5e-4"},
            {"factor", "0.1"},
            {"milestones", "150,225"},
            {"reset_momentum", "false"},
            {"augment", "crop:pad=4:padding=black,mirror"},
            {"drop_last", "false"}}),
       {std::string(kAfter) + ": the code drops where the 0-based epoch is 150 and 225",
        "padding on the bytes, so the border is black",
        "the published logs were made with a learning rate of 0.05 (--lr 0.05) on 2 GPUs; the author says 0.1 for "
        "batch 128 in "
        "issue 15",
        "upstream divides epochs and milestones by batch / 128 for other batch sizes; give --epochs and --milestones "
        "for that",
        "the constants of CIFAR-10 are used for CIFAR-100, too",
        "upstream's train_loss is an average that forgets all but the last batches; fanin's is the mean of the epoch",
        kOnTest},
       {"prlz77-cifar10", "prlz77-cifar100"}},
      {"bamos",
       "bamos/densenet.pytorch d1cd5e1: train.py",
       sgd({{"model", "densenet-bc-100-12"},
            {"scheme", "bamos-densenet"},
            {"epochs", "300"},
            {"batch", "64"},
            {"nesterov", "false"},
            {"weight_decay", "1e-4"},
            {"factor", "0.1"},
            {"milestones", "149,224"},
            {"reset_momentum", "false"},
            {"augment", "crop:pad=4:padding=black,mirror"},
            {"normalize", "bamos"},
            {"drop_last", "false"}}),
       {std::string(kAfter) + ": the code sets 0.01 from 1-based epoch 150 and 0.001 from 225",
        "paper (Huang et al. 2017, section 4.2): Nesterov momentum, drops at 50 % and 75 %; this code has no Nesterov",
        "4.77 % test error on CIFAR-10 upstream, 4.51 % in the paper"},
       {}},
      {"wrn-lua",
       "szagoruyko/wide-residual-networks ae6d0d0: train.lua, scripts/train_cifar.sh",
       sgd({{"model", "wrn-40-4"},
            {"scheme", "wrn-lua"},
            {"epochs", "200"},
            {"nesterov", "true"},
            {"weight_decay", "5e-4"},
            {"factor", "0.2"},
            {"milestones", "59,119,159"},
            {"reset_momentum", "true"},
            {"augment", "crop:pad=4:padding=reflect,mirror"},
            {"drop_last", "true"}}),
       {std::string(kAfter) + ": the code multiplies by 0.2 at the start of 1-based epochs 60, 120 and 160",
        "at each drop the optimizer's state is replaced by a fresh table: the momentum starts anew",
        "dropout variants: --model wrn-28-10:dropout=0.3", "the last, partial batch of an epoch is dropped",
        "paper (Zagoruyko & Komodakis 2016): the first tables use ZCA-whitened images, the README recommends mean and "
        "std"},
       {}},
      {"wrn-lua-2016",
       "szagoruyko/wide-residual-networks 1e3deaa (2016-05-23): the code that made the logs in logs/",
       sgd({{"model", "wrn-40-4"},
            {"scheme", "wrn-lua-2016"},
            {"epochs", "200"},
            {"nesterov", "true"},
            {"weight_decay", "5e-4"},
            {"factor", "0.2"},
            {"milestones", "59,119,159"},
            {"reset_momentum", "true"},
            {"augment", "crop:pad=4:padding=reflect,mirror"},
            {"drop_last", "true"}}),
       {std::string(kAfter) + ": drops at the start of 1-based epochs 60, 120 and 160, momentum starts anew",
        "initialized by fan_out (wrn-lua by fan_in)",
        "NOT the same here: the logs' images are whitened (GCN and ZCA); fanin normalizes by mean and std",
        "NOT the same here: one crop offset for a whole batch and exactly half of it mirrored; fanin draws per image"},
       {"wrn-40-4-whitened", "preact-164-whitened", "vgg-whitened", "nin-whitened"}},
      {"wrn-pytorch",
       "szagoruyko/wide-residual-networks ae6d0d0: pytorch/main.py",
       sgd({{"model", "wrn-28-10"},
            {"scheme", "wrn-pytorch"},
            {"epochs", "200"},
            {"nesterov", "false"},
            {"weight_decay", "5e-4"},
            {"factor", "0.2"},
            {"milestones", "59,119,159"},
            {"reset_momentum", "true"},
            {"augment", "crop:pad=4:padding=reflect,mirror"},
            {"drop_last", "false"}}),
       {std::string(kAfter) +
            ": a new SGD object is made at the start of 1-based epochs 60, 120 and 160, so the momentum starts anew",
        "says that it reproduces the Lua code exactly, but has no Nesterov momentum, no dropout, keeps the partial "
        "batch, and "
        "draws the Linear weight with six times the variance"},
       {}},
  };
  return list;
}

const Recipe& recipe_named(std::string_view name) {
  std::vector<std::string> known;
  for (const Recipe& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    known.push_back(recipe.name);
  }
  fail(ErrorKind::usage, "unknown recipe '{}'{}", name, did_you_mean(name, known));
}

void apply(const Recipe& recipe, RunConfig& config) {
  for (const auto& [key, value] : recipe.settings) set_setting(config, key, value, "recipe " + recipe.name);
}

std::string scale_milestones(const Recipe& recipe, RunConfig& config) {
  RunConfig own;
  apply(recipe, own);
  if (config.epochs == own.epochs || config.milestones != own.milestones) return {};
  for (double& milestone : config.milestones) milestone = milestone * config.epochs / own.epochs;
  return fmt::format("recipe {}: milestones moved from {} of {} epochs to {} of {}", recipe.name,
                     fmt::join(own.milestones, ","), own.epochs, fmt::join(config.milestones, ","), config.epochs);
}

}  // namespace fanin
