// tenant_words: how often each tenant says each word, one part for some tenants.  Whose a line is
// follows from its hash: six of ten are of one tenant, so that one partition has most of the keys.

#include <cstdint>
#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>
#include <string_view>
#include <utility>

namespace {

struct TenantWords {
  using Key = std::pair<std::uint32_t, std::string_view>;  // Tenant, word.

  void map(std::string_view line, fanfold::Emitter<Key, std::uint64_t>& out) {
    const std::uint64_t bits = fanfold::hash(line);
    const auto tenant = static_cast<std::uint32_t>(bits % 10 < 6 ? 0 : 1 + bits / 10 % 100);
    for (const std::string_view word : fanfold::words(line)) out.emit({tenant, word}, 1);
  }
  static std::uint32_t partition(const Key& key, std::uint32_t partitions) {
    return key.first % partitions;
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(const Key& key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(key, fanfold::sum(counts));
  }
};

}  // namespace

FANFOLD_JOB(TenantWords, "tenant_words", "Counts words by tenant, of whom one has most.");
