// SPDX-License-Identifier: MIT
#include "apps/commands.h"

#include <csignal>
#include <unistd.h>

namespace fanin {

std::atomic<int> stop_signal{0};

namespace {
void on_stop(int number) {
  if (stop_signal.exchange(number) != 0) ::_exit(kExitSignalBase + number);
}
}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace fanin
