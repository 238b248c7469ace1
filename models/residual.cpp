// SPDX-License-Identifier: MIT
#include "models/residual.h"

#include "core/check.h"
#include "layers/scalar.h"

namespace fanin {

ResidualForm read_residual(ModelSpec& spec, const ModelOptions& options) {
  const std::string word = spec.options.word("residual", "plain", {"plain", "skipinit", "rezero", "fixup"});
  FANIN_CHECK(word != "fixup" || !options.norm, usage,
              "model '{}': residual=fixup does without norm; write residual=fixup,norm=none", spec.options.name());
  return word == "fixup"      ? ResidualForm::fixup
         : word == "skipinit" ? ResidualForm::skipinit
         : word == "rezero"   ? ResidualForm::rezero
                              : ResidualForm::plain;
}

bool branch_biases(ResidualForm form) { return form == ResidualForm::skipinit; }

Node shifted(Network& net, const std::string& name, Node x, ResidualForm form) {
  return form == ResidualForm::fixup ? scalar_bias(net, name, x) : x;
}

Node branch_end(Network& net, Node y, ResidualForm form) {
  if (form == ResidualForm::plain) return y;
  return shifted(net, "bias", scalar_multiplier(net, "scale", y), form);
}

}  // namespace fanin
