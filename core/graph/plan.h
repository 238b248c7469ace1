// Where every value and gradient of a network lives. Shapes are static, so all of it is decided once, before the first step.
// SPDX-License-Identifier: MIT
#pragma once
