// SPDX-License-Identifier: MIT
#include "apps/study/catalog_zh.h"

#include <utility>

namespace fanin {

namespace {

constexpr std::pair<std::string_view, std::string_view> kClaims[] = {
    {"constant", "没有主张；同一层的所有单元永远相同"},
    {"zeros", "对权重没有主张：使用 ReLU 时没有梯度能到达它们；偏置通常这样初始化"},
    {"ones", "对权重没有主张；归一化的缩放参数通常这样初始化"},
    {"uniform", "没有主张；上下界由读者选择"},
    {"normal", "浅层网络可用，深层网络失败（He 等 2015，VGG）"},
    {"trunc_normal", "与 normal 相同，但没有离群值"},
    {"xavier_uniform", "一种折中：在 tanh 的零点附近，信号和梯度的大小都不精确保持，但都近似保持"},
    {"xavier_normal", "同 xavier_uniform"},
    {"kaiming_uniform", "同 kaiming_normal"},
    {"kaiming_normal", "ReLU 使二阶矩减半，2 / fan 把它补回来：30 层的无捷径网络可以训练"},
    {"lecun_uniform", "同 lecun_normal"},
    {"lecun_normal", "线性单元的方差为 1；SELU 需要它（Klambauer 等 2017）"},
    {"torch_default", "没有主张；经过 ReLU 时，每层使二阶矩除以 6"},
    {"variance_scaling", "以上各种方法的总称"},
    {"torch7_default", "没有主张"},
    {"depth_scaled", "没有归一化的残差网络：输出保持有界，而 scale / fan 会使它每经过一块就加倍"},
    {"random_walk", "梯度范数的对数既不上升也不下降：1000 层的全连接网络可以训练"},
    {"orthogonal", "深层线性网络的学习时间与深度无关"},
    {"dirac", "无捷径网络从恒等映射开始，不用捷径也能训练"},
    {"eye", "同 dirac，用于线性层"},
    {"sparse", "torch 中没有主张；见 sparse_martens"},
    {"sparse_martens", "各单元保持不同，它们的输入不随宽度变大或变小"},
    {"delta_orthogonal", "10,000 层的无捷径 tanh 卷积网络可以训练；作为卷积，范数保持不变"},
    {"looks_linear", "ReLU 网络在初始时是线性的，梯度不会破碎：200 层的无捷径网络可以训练"},
    {"zero_hadamard", "不用随机数：各次运行差别更小；不像只用恒等矩阵那样受秩的限制"},
    {"idinit", "收敛更快；残差分支的最后一层取 part=zero,tau=1e-6，避免全零的死起点"},
    {"covariance", "作者的公式：大的逐通道卷积核在 CIFAR-10 上常提高 1 % 以上（作者给出的数字）；此处的公式：没有主张"},
    {"sinusoidal", "在多个网络上准确率提高 4.9 %，速度快 21 %（作者给出的数字）"},
    {"lsuv", "17 到 19 层的无捷径网络用任何激活函数都能训练，效果与 BatchNorm 差不多"},
    {"zero_last", "残差块从恒等映射开始；没有归一化也不会爆炸"},
    {"zero_gamma", "残差块从恒等映射开始：大批量和大学习率时更稳定，ResNet-50 提高 0.2 到 0.5 个百分点"},
    {"stable_resnet", "没有归一化时，输出和梯度都不随深度爆炸，网络保持表达能力"},
    {"skipinit", "代替 BatchNorm 对深层残差网络的作用：1000 层不用归一化也能训练"},
    {"rezero", "深层网络可以训练，ResNet-56 在 CIFAR-10 上达到 85 % 所需的轮数减少 32 %"},
    {"fixup", "10,000 层不用归一化也能训练，学习率与 BatchNorm 相同"},
    {"kraehenbuehl", "所有层以相同的相对速度学习；在小数据上弥补了与预训练网络的大部分差距"},
    {"whitening", "CIFAR-10 上最快的训练方法的一部分"},
    {"metainit", "好的起点是梯度变化最小的地方；不了解网络结构也能修正错误的尺度"},
    {"gradinit", "没有 BatchNorm 的 VGG-19 和 1,202 层的残差网络可以训练"},
    {"covariance_by_depth",
     "作者的公式：大的逐通道卷积核在 CIFAR-10 上常提高 1 % 以上（作者给出的数字）；此处的公式：没有主张"},
    {"as_grouped", "没有主张：使 ResNeXt 的形式 B 和 C 从同一个函数开始"},
};

}  // namespace

std::string_view claim_zh(std::string_view name) {
  for (const auto& [known, claim] : kClaims)
    if (known == name) return claim;
  return {};
}

std::vector<std::string_view> names_with_claim_zh() {
  std::vector<std::string_view> names;
  for (const auto& [name, claim] : kClaims) names.push_back(name);
  return names;
}

}  // namespace fanin
