// Threads that share a machine with other programs.
// SPDX-License-Identifier: MIT
#pragma once

namespace fanin {

// GNU's OpenMP lets a thread that waits for others spin for milliseconds. Where another program has taken the core of
// one of them, all the others burn theirs: a training step then takes 20 times as long. The limit is read before main
// begins, so this starts the program anew, once, with a shorter one. Whoever sets GOMP_SPINCOUNT or
// OMP_WAIT_POLICY is obeyed. Results do not depend on it. Returns if there is nothing to do or the system refuses.
void limit_spinning(char** argv);

}  // namespace fanin
