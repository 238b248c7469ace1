// SPDX-License-Identifier: MIT
#include "init/presets.h"

namespace fanin {

// Sources were read at the commits named.
const std::vector<Preset>& presets() {
  using Order = TorchProgram::Order;
  static const std::vector<Preset> list = {
      {"fb-resnext",
       "conv?=kaiming_normal:mode=fan_out,groups=torch;norm_scale?=ones;norm_shift?=zeros;linear?=torch_default;"
       "bias?=zeros",
       "facebookresearch/ResNeXt models/resnext.lua 1f59a2c: N(0, 2 / (k k out)), groups ignored; the Linear weight "
       "stays at Torch7's default",
       {}},
      {"prlz77-resnext",
       "conv?=kaiming_normal:mode=fan_out,groups=torch;norm_scale?=ones;norm_shift?=zeros;linear?=kaiming_normal;"
       "bias?=zeros",
       "prlz77/ResNeXt.pytorch models/model.py 39fb8d0: fan_out without groups; the classifier by fan_in",
       {.constructs = true, .order = Order::classifier_first}},
      {"bamos-densenet",
       "conv?=kaiming_normal:mode=fan_out,groups=torch;norm_scale?=ones;norm_shift?=zeros;linear?=torch_default;"
       "bias?=zeros",
       "bamos/densenet.pytorch densenet.py d1cd5e1: N(0, 2 / (k k out)); the Linear weight stays at PyTorch's default",
       {}},
      {"wrn-lua",
       "conv?=kaiming_normal:groups=ignored;norm_scale?=uniform:a=0,b=1;norm_shift?=zeros;linear?=torch_default;bias?="
       "zeros",
       "szagoruyko/wide-residual-networks models/utils.lua since ea02518 (2016-09-08): N(0, 2 / (k k in)); gamma stays "
       "U(0, 1), the Linear weight at Torch7's default",
       {}},
      {"wrn-lua-2016",
       "conv?=kaiming_normal:mode=fan_out,groups=torch;norm_scale?=uniform:a=0,b=1;norm_shift?=zeros;linear?=torch_"
       "default;bias?=zeros",
       "the same before ea02518, when the published logs were made: N(0, 2 / (k k out))",
       {}},
      {"wrn-lua-vgg",
       "conv?=kaiming_normal:groups=ignored;norm_scale?=uniform:a=0,b=1;norm_shift?=zeros;linear?=torch_default;linear_"
       "bias?=torch_"
       "default",
       "the same code's nin.lua and vgg.lua, whose testModel draws the Linear bias anew after it was zeroed",
       {}},
      {"wrn-pytorch",
       "conv?=kaiming_normal;norm_scale?=uniform:a=0,b=1;norm_shift?=zeros;linear?=kaiming_normal;bias?=zeros",
       "szagoruyko/wide-residual-networks pytorch/resnet.py, utils.py ae6d0d0: fan_in everywhere, gamma U(0, 1)",
       {.constructs = false, .order = Order::functional_wrn}},
      {"torch7-default",
       "conv?=torch_default:groups=ignored;linear?=torch_default;bias?=torch_default:groups=ignored;"
       "norm_scale?=uniform:a=0,b=1;norm_shift?=zeros",
       "torch/nn reset() of SpatialConvolution, Linear, BatchNormalization",
       {}},
      {"pytorch-0.4-default",
       "conv?=torch_default:groups=ignored;linear?=torch_default;bias?=torch_default:groups=ignored;"
       "norm_scale?=uniform:a=0,b=1;norm_shift?=zeros",
       "PyTorch up to 0.4: the fan of a grouped convolution is not divided by groups, gamma U(0, 1)",
       {}},
      {"pytorch-default",
       "conv?=torch_default;linear?=torch_default;bias?=torch_default;norm_scale?=ones;norm_shift?=zeros",
       "PyTorch since 1.2: kaiming_uniform(a = sqrt 5), which is U(+-1 / sqrt(fan_in)); gamma 1",
       {}},
      {"torchvision-resnet",
       "conv?=kaiming_normal:mode=fan_out,groups=torch,nonlinearity=relu;linear?=torch_default;linear_bias?=torch_"
       "default",
       "pytorch/vision torchvision/models/resnet.py, zero_init_residual off",
       {}},
      {"keras-default",
       "conv?=xavier_uniform:groups=torch;linear?=xavier_uniform;bias?=zeros;norm_scale?=ones;norm_shift?=zeros",
       "Keras and TensorFlow 2 layers: glorot_uniform, biases 0",
       {}},
      {"flax-default",
       "conv?=variance_scaling:draw=truncated;linear?=variance_scaling:draw=truncated;bias?=zeros;norm_scale?=ones;"
       "norm_shift?=zeros",
       "Flax layers: lecun_normal, which is truncated; biases 0",
       {}},
      {"gamma-one",
       "conv?=kaiming_normal;linear?=kaiming_normal;norm_scale=ones",
       "what BatchNorm's paper and PyTorch since 1.2 start from (Ioffe & Szegedy 2015); compare gamma-uniform and "
       "zero_gamma",
       {}},
      {"gamma-uniform",
       "conv?=kaiming_normal;linear?=kaiming_normal;norm_scale=uniform:a=0,b=1",
       "Torch7's default, in which the wide residual networks were trained: a branch that ends in BatchNorm adds a "
       "third of "
       "the variance",
       {}},
      {"fail-zeros",
       "conv?=zeros;linear?=zeros",
       "a failure on purpose: no signal, and through ReLU no gradient but the last bias's",
       {}},
      {"fail-constant",
       "conv?=constant:value=0.01;linear?=constant:value=0.01",
       "a failure on purpose: all units of a layer are equal and stay equal",
       {}},
      {"fail-small",
       "conv?=variance_scaling:scale=0.02;linear?=variance_scaling:scale=0.02",
       "a failure on purpose: a hundredth of He's variance, so through ReLU each layer divides the second moment by "
       "100",
       {}},
      {"fail-large",
       "conv?=variance_scaling:scale=20;linear?=variance_scaling:scale=20",
       "a failure on purpose: ten times He's variance, so through ReLU each layer multiplies the second moment by 10",
       {}},
  };
  return list;
}

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : presets())
    if (preset.name == name) return &preset;
  return nullptr;
}

}  // namespace fanin
