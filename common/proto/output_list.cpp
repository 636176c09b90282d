#include "common/proto/output_list.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "common/core/limits.hpp"

namespace fanfold::proto {
namespace {

/// A split, an attempt and a holder take a byte each at least.
constexpr std::size_t kOutputBytesMin = 3;
/// A worker, and two numbers for each of three texts.
constexpr std::size_t kHolderBytesMin = 7;

void put_varint(std::uint64_t value, std::string* out) {
  for (; value >= 128; value >>= 7) out->push_back(static_cast<char>(value | 128));
  out->push_back(static_cast<char>(value));
}

std::uint64_t zigzag(std::uint64_t now, std::uint64_t before) {
  const auto difference = static_cast<std::int64_t>(now - before);
  return (static_cast<std::uint64_t>(difference) << 1) ^
         static_cast<std::uint64_t>(difference >> 63);
}

std::uint64_t unzigzag(std::uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

void put_text(std::string_view text, std::string_view before, std::string* out) {
  const auto differ = std::mismatch(text.begin(), text.end(), before.begin(), before.end());
  const auto shared = static_cast<std::size_t>(differ.first - text.begin());
  put_varint(shared, out);
  put_varint(text.size() - shared, out);
  out->append(text.substr(shared));
}

/// One page while it grows.
class Page {
 public:
  void add(const MapOutput& output, const std::vector<Holder>& holders) {
    const auto [place, fresh] = places_.emplace(output.holder, places_.size());
    if (fresh) add(holders[output.holder]);
    put_varint(output.split - split_, &outputs_);
    put_varint(zigzag(output.attempt.value, attempt_), &outputs_);
    put_varint(place->second, &outputs_);
    split_ = output.split;
    attempt_ = output.attempt.value;
    ++count_;
  }
  std::size_t bytes() const { return holders_.size() + outputs_.size(); }
  std::string take() const {
    std::string page;
    page.reserve(bytes() + 20);
    put_varint(places_.size(), &page);
    page += holders_;
    put_varint(count_, &page);
    page += outputs_;
    return page;
  }

 private:
  void add(const Holder& holder) {
    static const Holder kNobody;
    const Holder& before = last_ != nullptr ? *last_ : kNobody;
    put_varint(holder.worker.value, &holders_);
    put_text(holder.host_id, before.host_id, &holders_);
    put_text(holder.scratch, before.scratch, &holders_);
    put_text(holder.data_endpoint, before.data_endpoint, &holders_);
    last_ = &holder;
  }

  std::map<std::uint32_t, std::size_t> places_;
  std::string holders_;
  std::string outputs_;
  const Holder* last_ = nullptr;
  std::uint32_t split_ = 0;
  std::uint64_t attempt_ = 0;
  std::size_t count_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
    good_ = false;
    return 0;
  }
  /// Of things of `bytes_min` bytes or more: nobody makes room for what cannot be there.
  std::size_t count(std::size_t bytes_min, std::size_t most) {
    const std::uint64_t value = varint();
    if (value > bytes_.size() / bytes_min || value > most) good_ = false;
    return good_ ? value : 0;
  }
  void text(std::string* value) {
    const std::uint64_t shared = varint();
    const std::uint64_t rest = varint();
    if (shared > value->size() || rest > bytes_.size() || shared + rest > limits::kPathBytes) {
      good_ = false;
    }
    if (!good_) return;
    value->resize(shared);
    value->append(bytes_.substr(0, rest));
    bytes_.remove_prefix(rest);
  }
  void fail() { good_ = false; }
  bool good() const { return good_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

std::vector<std::string> pack_outputs(const OutputList& list, std::size_t page_bytes) {
  std::vector<std::string> pages;
  Page page;
  for (const MapOutput& output : list.outputs) {
    page.add(output, list.holders);
    if (page.bytes() < page_bytes) continue;
    pages.push_back(page.take());
    page = Page();
  }
  if (pages.empty() || page.bytes() > 0) pages.push_back(page.take());
  return pages;
}

Status OutputUnpacker::add(std::string_view page) {
  Reader reader(page);
  const std::size_t holders = reader.count(kHolderBytesMin, limits::kWorkers);
  std::vector<std::uint32_t> places;
  places.reserve(holders);
  Holder holder;
  for (std::size_t i = 0; i < holders && reader.good(); ++i) {
    holder.worker.value = reader.varint();
    reader.text(&holder.host_id);
    reader.text(&holder.scratch);
    reader.text(&holder.data_endpoint);
    const auto [place, fresh] = places_.emplace(holder.worker, list_.holders.size());
    if (fresh) list_.holders.push_back(holder);
    places.push_back(place->second);
  }
  const std::size_t outputs = reader.count(kOutputBytesMin, limits::kSplits);
  list_.outputs.reserve(list_.outputs.size() + outputs);
  MapOutput output;
  for (std::size_t i = 0; i < outputs && reader.good(); ++i) {
    const std::uint64_t split = output.split + reader.varint();
    output.attempt.value += unzigzag(reader.varint());
    const std::uint64_t place = reader.varint();
    const bool ascends = list_.outputs.empty() || split > list_.outputs.back().split;
    if (split >= limits::kSplits || !ascends || place >= places.size()) {
      reader.fail();
      break;
    }
    output.split = static_cast<std::uint32_t>(split);
    output.holder = places[place];
    list_.outputs.push_back(output);
  }
  if (reader.good() && reader.at_end()) return {};
  return {StatusCode::kCorruption, "a damaged page of a list of map outputs"};
}

}  // namespace fanfold::proto
