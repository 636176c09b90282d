#include "common/proto/completion_text.hpp"

namespace fanfold::proto {

std::string percent_text(std::uint64_t per_million) {
  std::string text = std::to_string(per_million / 10'000);
  std::string fraction = std::to_string(10'000 + per_million % 10'000).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  if (!fraction.empty()) text += "." + fraction;
  return text + "%";
}

std::string text_of(const CompletionPolicy& policy) {
  std::string text = name_of(policy.rule);
  if (policy.count != 0) return text + "=" + std::to_string(policy.count);
  if (policy.rule != CompletionRule::kMinSuccessful) return text;
  return text + "=" + percent_text(policy.per_million);
}

}  // namespace fanfold::proto
