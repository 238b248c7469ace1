// What the page of a comparison says, in its languages.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/text.h"

namespace fanin {

// the page
inline constexpr Text kReportTitle{"Initialization schemes compared", "初始化方案比较"};
inline constexpr Text kReportSize{"{}, {}, {}, data {}, {} of batch {}.", "{}，{}，{}，数据 {}，{}，批大小 {}。"};
inline constexpr Text kOneScheme{"{} scheme", "{} 个方案"};
inline constexpr Text kSchemes{"{} schemes", "{} 个方案"};
inline constexpr Text kOneNetwork{"{} network", "{} 个网络"};
inline constexpr Text kNetworks{"{} networks", "{} 个网络"};
inline constexpr Text kOneSeed{"{} paired seed", "{} 个配对种子"};
inline constexpr Text kSeeds{"{} paired seeds", "{} 个配对种子"};
inline constexpr Text kOneEpoch{"{} epoch", "{} 轮"};
inline constexpr Text kEpochs{"{} epochs", "{} 轮"};
inline constexpr Text kAllNetworks{"All networks", "所有网络"};
inline constexpr Text kSharedSettings{"Settings that all runs share", "所有运行共用的设置"};
inline constexpr Text kWhereMade{"Where this page was made", "本页的生成环境"};

// the signal at birth
inline constexpr Text kSignalAtBirth{"The signal at birth", "初始时刻的信号"};
inline constexpr Text kWhatSignalSays{
    "Before any training, one batch: how large values and gradients are at the output of each layer. A good scheme "
    "keeps both level; what shrinks or grows by a factor per layer is lost or explodes with depth.",
    "训练之前，用一批图像：每层输出处的值和梯度有多大。好的方案使两者保持平稳；每层按固定倍数缩小或放大的量，会随深度消"
    "失或爆炸。"};
inline constexpr Text kValues{"Values", "值"};
inline constexpr Text kGradients{"Gradients", "梯度"};
inline constexpr Text kWeightedLayers{"layer with weights, input to output", "带权重的层，从输入到输出"};
inline constexpr Text kStandardDeviation{"standard deviation", "标准差"};
inline constexpr Text kNotFinite{"not finite", "非有限"};
inline constexpr Text kLayerColumn{"layer (std of values / of gradients)", "层（值的标准差 / 梯度的标准差）"};
inline constexpr Text kBatchLoss{"loss of the batch", "这批图像的损失"};
inline constexpr Text kAsTable{"The same as a table", "同样内容的表格"};
inline constexpr Text kPromises{"Promised and measured standard deviation of every weight",
                                "每个权重承诺的与实测的标准差"};
inline constexpr Text kWeight{"weight", "权重"};
inline constexpr Text kInitializer{"initializer", "初始化器"};
inline constexpr Text kFanIn{"fan in", "扇入"};
inline constexpr Text kFanOut{"fan out", "扇出"};
inline constexpr Text kPromised{"promised", "承诺"};
inline constexpr Text kNoPromise{"none", "无"};
inline constexpr Text kMeasured{"measured", "实测"};
inline constexpr Text kPromiseRatio{"measured / promised", "实测 / 承诺"};

// learning rates
inline constexpr Text kLearningRates{"Learning rates", "学习率"};
inline constexpr Text kLearningRate{"learning rate", "学习率"};
inline constexpr Text kTrials{"The trials", "各次试验"};
inline constexpr Text kTrialAccuracy{"Validation accuracy, tuning", "验证准确率（调参）"};
inline constexpr Text kAtEdge{"at the edge of what was tried", "位于所试范围的边缘"};
inline constexpr Text kTuned{
    "Every scheme has a learning rate of its own, the best of {} on {} training images kept from training, median over "
    "{} seeds that the comparison does not use. All schemes had the same number of trials.",
    "每个方案使用各自的学习率：从 {} 中选出在 {} 张留出的训练图像上最好的一个（取 {} "
    "个种子的中位数，这些种子不参与比较）。所有方案的试验次数相同。"};
inline constexpr Text kTunedWithOneSeed{
    "Every scheme has a learning rate of its own, the best of {} on {} training images kept from training, median over "
    "{} seed that the comparison does not use. All schemes had the same number of trials.",
    "每个方案使用各自的学习率：从 {} 中选出在 {} 张留出的训练图像上最好的一个（取 {} "
    "个种子，该种子不参与比较）。所有方案的试验次数相同。"};

// training
inline constexpr Text kTraining{"Training", "训练"};
inline constexpr Text kFirstSteps{"The first steps", "最初的步骤"};
inline constexpr Text kLoggedStep{"logged training step", "记录的训练步"};
inline constexpr Text kBatchLossMedian{"training loss of the batch, median over seeds",
                                       "该批的训练损失，各种子的中位数"};
inline constexpr Text kTestAccuracy{"Test accuracy", "测试准确率"};
inline constexpr Text kEpoch{"epoch", "轮"};
inline constexpr Text kPercentMedian{"%, median over seeds", "%，各种子的中位数"};
inline constexpr Text kPublished{"{} on {} (published)", "{}，{}（已发表）"};

// what --record recorded
inline constexpr Text kWeightsByEpoch{"Weights, epoch by epoch", "逐轮的权重"};
inline constexpr Text kWeightsRecorded{
    "Of seed {}, at birth and after every epoch. All of them are in the runs' weight_histograms.csv.",
    "种子 {}，初始时刻和每轮之后。全部数据在各次运行的 weight_histograms.csv 中。"};
inline constexpr Text kNodesByEpoch{"Values and gradients, epoch by epoch", "逐轮的值和梯度"};
inline constexpr Text kNodesRecorded{
    "Of seed {}, on one batch of training images, the same for every epoch and scheme, without augmentation, in "
    "training mode. All nodes are in the runs' node_record.csv and node_histograms.csv. Histograms go from -4 to 4 "
    "times the root mean square of their epoch; what lies outside is in the outermost bins.",
    "种子 {}，一批训练图像，每轮、每个方案都相同，不做增强，训练模式。所有节点在各次运行的 node_record.csv 和 "
    "node_histograms.csv 中。直方图的范围是该轮均方根的 -4 到 4 倍；超出的计入最外侧的格。"};
inline constexpr Text kBirth{"birth", "初始"};
inline constexpr Text kAtBirth{"{}, birth", "{}，初始"};
inline constexpr Text kAtEpoch{"{0}, epoch {1}", "{0}，第 {1} 轮"};
inline constexpr Text kValuesThen{"Values, at birth and at the end", "值，初始时刻与结束时"};
inline constexpr Text kGradientsThen{"Gradients, at birth and at the end", "梯度，初始时刻与结束时"};
inline constexpr Text kNodes{"node, input to output", "节点，从输入到输出"};
inline constexpr Text kRmsOnBatch{"root mean square on the fixed batch", "固定批上的均方根"};
inline constexpr Text kDottedIsBirth{"Dotted lines with hollow points are the network at birth.",
                                     "带空心点的虚线是初始时刻的网络。"};
inline constexpr Text kValuesOf{"Values of {}", "{} 的值"};
inline constexpr Text kGradientsOf{"Gradients of {}", "{} 的梯度"};

// the ranking
inline constexpr Text kRanking{"Ranking", "排名"};
inline constexpr Text kFinalTestAccuracy{"Final test accuracy", "最终测试准确率"};
inline constexpr Text kScheme{"scheme", "方案"};
inline constexpr Text kRuns{"n", "n"};
inline constexpr Text kFinalAccuracy{"final test accuracy %", "最终测试准确率 %"};
inline constexpr Text kEpochsToTarget{"epochs to target", "达到目标的轮数"};
inline constexpr Text kCurveMean{"mean of curve %", "曲线均值 %"};
inline constexpr Text kDiverged{"diverged", "发散"};
inline constexpr Text kDifference{"paired difference to best, 95 % interval", "与最好者的配对差，95 % 区间"};
inline constexpr Text kVerdict{"verdict", "结论"};
inline constexpr Text kNever{"never", "从未"};
inline constexpr Text kTarget{
    "target {:.2f} %; [..] are quartiles over seeds; a diverged run counts as chance ({:.1f} %)",
    "目标 {:.2f} %；[..] 是各种子的四分位数；发散的运行按随机猜测计（{:.1f} %）"};
inline constexpr Text kMissingRuns{"; {} planned runs are not finished", "；计划中的 {} 次运行尚未完成"};
inline constexpr Text kHowCompared{
    ". Differences are paired by seed: runs of one seed see the same images in the same order. An interval that covers "
    "0 is reported as \"no difference found\"; it is the wider of Student's t and a bootstrap over seeds.",
    "。差值按种子配对：同一种子的运行以相同的顺序看到相同的图像。包含 0 的区间记为“未发现差异”；区间取学生 t "
    "区间和对种子的自助法区间中较宽的一个。"};
inline constexpr Text kDifferenceTo{"Paired difference to {}", "与 {} 的配对差"};
inline constexpr Text kPoints{"percentage points of final test accuracy, 95 % interval",
                              "最终测试准确率的百分点，95 % 区间"};
inline constexpr Text kDivergedRuns{"Diverged runs", "发散的运行"};
inline constexpr Text kDivergedRun{"{}, seed {}: {}", "{}，种子 {}：{}"};

// all networks
inline constexpr Text kEverywhere{"Final test accuracy of every scheme on every network",
                                  "每个方案在每个网络上的最终测试准确率"};
inline constexpr Text kNetwork{"network", "网络"};
inline constexpr Text kNetworkCount{"networks", "网络数"};
inline constexpr Text kMeanRank{"mean rank", "平均名次"};
inline constexpr Text kBestOrEqual{"best, or no difference to it found", "最好，或与最好者未发现差异"};
inline constexpr Text kWorseThanBest{"worse than the best", "比最好者差"};
inline constexpr Text kManyIntervals{
    "{} of {} intervals of a difference to the best exclude 0. Each is one of 95 %: without any true difference about "
    "{:.1f} of them would, by chance alone. And the best was picked for being the best.",
    "{1} 个与最好者之差的区间中有 {0} 个不含 0。每个都是 95 % 区间：即使没有任何真实差异，仅凭偶然也约有 {2:.1f} "
    "个不含 0。而且最好者正是因为最好才被选中的。"};

// RankingRow::verdict is the English one.
inline constexpr Text kBest{"best", "最好"};
inline constexpr Text kWorse{"worse", "更差"};
inline constexpr Text kBetter{"better", "更好"};
inline constexpr Text kNoDifference{"no difference found", "未发现差异"};
inline constexpr Text kTooFewSeeds{"too few seeds", "种子太少"};
inline std::string verdict_text(std::string_view verdict, Language language) {
  for (const Text& text : {kBest, kWorse, kBetter, kNoDifference, kTooFewSeeds})
    if (verdict == text.en) return std::string(text.in(language));
  return std::string(verdict);
}

}  // namespace fanin
