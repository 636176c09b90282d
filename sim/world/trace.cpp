#include "sim/world/trace.hpp"

#include <cinttypes>

namespace fanfold::sim {

void Trace::print(Instant now, std::string_view event,
                  std::initializer_list<std::uint64_t> numbers) {
  const std::int64_t us = now.since_origin.count() / 1000;
  std::fprintf(out_, "%6" PRId64 ".%06" PRId64 "  %.*s", us / 1'000'000, us % 1'000'000,
               static_cast<int>(event.size()), event.data());
  for (const std::uint64_t number : numbers) std::fprintf(out_, " %" PRIu64, number);
  std::fputc('\n', out_);
}

}  // namespace fanfold::sim
