// SPDX-License-Identifier: MIT
#include "apps/commands.h"

#include <sys/prctl.h>
#include <unistd.h>
#include <csignal>

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

// The kernel sends the death signal again for every thread that the dying parent had, and a second SIGTERM would end
// the process before it has saved; hence a signal of its own.
void end_with_parent(int parent) {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_signal = SIGTERM; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
  if (::getppid() != parent) stop_signal = SIGTERM;  // it was gone already
}

}  // namespace fanin
