// The start of the CIFAR-10 speed runs (Jordan 2024, arXiv 2404.00498, sections 3.1 and 3.2; Page 2018 for the whitening):
//   first convolution   eigenvectors of the second moments of image patches, each over sqrt(eigenvalue + epsilon), largest
//                       first, and then their negatives: what leaves it is white. Filters that are left keep the base
//   other convolutions  the first outputs pass the inputs on, as dirac; the other filters keep the base
// There the first convolution is frozen and has room for all eigenvectors twice; here it learns, and takes as many
// eigenvectors as fit: half of its output channels, at most one for each number of a patch.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// epsilon > 0. Throws ErrorKind::usage for networks whose first weight layer is not a convolution of the image.
NetworkInitializerPtr whitening(double epsilon);

}  // namespace fanin
