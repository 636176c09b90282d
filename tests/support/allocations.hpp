// Counts what a program asks of the allocator.  Linking allocations.cpp replaces operator new, so
// the test that does is a program of its own.

#pragma once

#include <cstddef>

namespace fanfold {

/// Calls of operator new since the program's start.  Any thread.
std::size_t allocations();
/// Bytes asked for since the program's start, freed ones included.  Any thread.
std::size_t allocated_bytes();

}  // namespace fanfold
