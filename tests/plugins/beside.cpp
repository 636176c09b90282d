// A library that lies beside the plugin that needs it.

#include <cstdint>

std::uint64_t one_from_beside() { return 1; }
