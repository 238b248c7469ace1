// How much memory a run may take, asked before it starts: the smaller of what the machine has free and what the control
// group allows. And how much this process has.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <cstdint>
#include <string>

namespace fanin {

// Bytes. `root` is "/" except in tests. Huge if nothing can be found out.
std::uint64_t available_memory(const io::Path& root = "/");

// Throws ErrorKind::memory with the numbers if `needed` exceeds `available`.
void check_memory(std::uint64_t needed, std::uint64_t available, const std::string& what);

// Bytes of memory that this process has in use now, and the most that it ever had. 0 if nothing can be found out.
std::uint64_t resident_memory(const io::Path& root = "/");
std::uint64_t peak_memory();

// From now on large blocks go back to the system when they are freed, so that the peak is what `fanin summary` announces.
// GNU's allocator would keep them once it has seen a few: 9 MiB of vgg-11, from the initialization of its largest weights.
void return_large_blocks();

std::string mebibytes(std::uint64_t bytes);  // "12.5 MiB"

}  // namespace fanin
