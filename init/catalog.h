// Every initializer by name, and schemes in one line of text: what `fanin list` prints and what `--scheme` accepts.
//   kaiming_normal                      an initializer for conv and linear weights; biases 0, norm scales 1
//   kaiming_normal:mode=fan_out,a=0.1   with options
//   prlz77-resnext                      a preset (init/presets.h)
//   conv=orthogonal;linear=xavier_uniform;*.bn2.weight=zeros   rules: role or name pattern = initializer; later ones win
//   prlz77-resnext;classifier.weight=zeros                     rules on top of an initializer or a preset
// SPDX-License-Identifier: MIT
#pragma once

#include "init/scheme.h"

#include <string_view>
#include <vector>

namespace fanin {

struct InitializerEntry {
  std::string name, options;    // "mode=fan_in|fan_out, a=0"
  std::string formula, source;  // "N(0, 2 / ((1 + a^2) fan))", "He et al. 2015"
  std::string claim;            // what its authors say it does for training
  std::string example = name;   // a spec that makes one: the name, and options that have no default
};
const std::vector<InitializerEntry>& initializer_catalog();

// Both throw ErrorKind::usage: unknown name ("did you mean"), unknown option, bad value; they list what is legal.
InitializerPtr make_initializer(std::string_view spec);
std::unique_ptr<Scheme> make_scheme(std::string_view spec);

}  // namespace fanin
