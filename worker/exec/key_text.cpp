#include "worker/exec/key_text.hpp"

#include <algorithm>
#include <cstdint>

#include "fanfold/key_codec.hpp"

namespace fanfold::worker {
namespace {

/// Encoded numbers of a job's key may have any size.
template <class... Numbers>
std::string number_text(std::string_view key) {
  std::string text;
  const auto try_as = [&]<class Number>(Number number) {
    Scratch scratch;
    if (key.size() == sizeof number && decode_key(key, number, scratch)) {
      text = std::to_string(number);
    }
  };
  (try_as(Numbers{}), ...);
  return text;
}

std::string quoted(std::string_view beginning, bool cut) {
  return "\"" + std::string(beginning) + (cut ? "...\"" : "\"");
}

}  // namespace

std::optional<std::string_view> current_key(const abi::ProgressSlot& progress) {
  const std::uint64_t size = progress.key_size.load(std::memory_order_relaxed);
  const char* const key = progress.key.load(std::memory_order_relaxed);
  if (size == abi::ProgressSlot::kNoKey) return std::nullopt;
  return std::string_view(key, std::min<std::uint64_t>(size, kKeyBytes + 1));
}

std::string key_text(std::string_view key_order, std::optional<std::string_view> key) {
  if (!key) return "";
  return key_text(key_order, key->substr(0, kKeyBytes), key->size());
}

std::string key_text(std::string_view key_order, std::string_view beginning, std::uint64_t size) {
  std::string text;
  const bool cut = size > beginning.size();
  if (!cut && key_order == "uint") {
    text = number_text<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>(beginning);
  } else if (!cut && key_order == "int") {
    text = number_text<std::int8_t, std::int16_t, std::int32_t, std::int64_t>(beginning);
  } else if (!cut && key_order == "float") {
    text = number_text<float, double>(beginning);
  }
  return text.empty() ? quoted(beginning, cut) : text;
}

}  // namespace fanfold::worker
