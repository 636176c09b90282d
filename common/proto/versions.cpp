#include "common/proto/versions.hpp"

#include <charconv>

namespace fanfold::proto {
namespace {

// Of protocol 1 and ever since.
constexpr std::string_view kRefused = "the peer speaks protocol ";
constexpr std::string_view kSpoken = ", this build speaks ";

/// Reads `words` and the number behind them from the front of `text`.
std::optional<std::uint32_t> take(std::string_view words, std::string_view* text) {
  if (!text->starts_with(words)) return std::nullopt;
  text->remove_prefix(words.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) return std::nullopt;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return number;
}

}  // namespace

Status other_protocol(std::uint32_t protocol) {
  return {StatusCode::kInvalidArgument,
          std::string(kRefused) + std::to_string(protocol) + std::string(kSpoken) +
              std::to_string(kProtocolVersion) + " and " + std::to_string(kProtocolBefore) +
              ": use versions of Fanfold on both sides that are at most one protocol apart"};
}

std::optional<ProtocolRefusal> read_refusal(std::string_view message) {
  const auto refused = take(kRefused, &message);
  if (!refused) return std::nullopt;
  const auto spoken = take(kSpoken, &message);
  if (!spoken) return std::nullopt;
  return ProtocolRefusal{*refused, *spoken};
}

SpokenVersion::Heard SpokenVersion::hear(const Answer& answer) {
  if (answer.code != static_cast<std::uint8_t>(StatusCode::kInvalidArgument)) {
    return Heard::kNothing;
  }
  const auto refusal = read_refusal(answer.message);
  if (!refusal) return Heard::kNothing;
  if (refusal->refused != number_) return Heard::kStale;
  // The newer side adapts, and to a newer one there is nothing to adapt here.
  if (!is_spoken(refusal->spoken) || refusal->spoken >= number_) return Heard::kRefused;
  number_ = refusal->spoken;
  return Heard::kChanged;
}

}  // namespace fanfold::proto
