// Counts what a program asks of the allocator.  Linking allocations.cpp replaces operator new.

#pragma once

#include <cstddef>

namespace fanfold {

/// Since the program's start.  One thread.
std::size_t allocations();

}  // namespace fanfold
