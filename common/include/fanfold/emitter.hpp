// What map() gives its pairs to.  emit() appends to a small batch; once a batch is full, one call
// of a function made for the job hashes, combines or stores all of it.  No call per pair, no
// allocation: a key or value that views the current input block is not even copied.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "fanfold/bytes.hpp"
#include "fanfold/key_codec.hpp"
#include "fanfold/value_codec.hpp"
#include "fanfold/writer.hpp"

namespace fanfold {

namespace detail {

/// A key and a value share one run block, which every merge must be able to hold.
inline constexpr std::size_t kRecordBytesMax = 64u << 20;
inline constexpr std::size_t kBatchPairs = 128;

/// Small plain values travel as they are; others travel encoded.
template <class V>
inline constexpr bool kPlainValue =
    std::is_trivially_copyable_v<V> && !kHasView<V> && sizeof(V) <= 16;

struct EncodedValue {
  const char* data;
};

/// One pair on its way.  Its bytes are good until the batch has been taken.
template <class V>
struct Pair {
  const char* key;  // Encoded.
  std::uint32_t key_size;
  std::uint32_t value_size;  // Of an encoded value.
  std::conditional_t<kPlainValue<V>, V, EncodedValue> value;
};

/// What emit() accepts: strings of any kind for string types, small things by value.
template <class T>
using Argument = std::conditional_t<
    StringLike<T>, std::string_view,
    std::conditional_t<std::is_trivially_copyable_v<T> && sizeof(T) <= 16, T, const T&>>;

}  // namespace detail

template <class K, class V>
class Emitter {
 public:
  using Key = K;
  using Value = V;
  using Pair = detail::Pair<V>;
  /// Takes a full batch: `owner` is the job's own side.
  using Take = void (*)(void* owner, const Pair* pairs, std::size_t count);

  static_assert(!std::is_reference_v<K> && !std::is_const_v<K> && !std::is_reference_v<V> &&
                    !std::is_const_v<V>,
                "fanfold: Emitter<Key, Value> takes plain types, without const and &");
  static_assert(
      KeyEncodable<K>,
      "fanfold: this type cannot be a key; use strings, numbers, enums, or pairs, tuples, "
      "arrays, vectors or optionals of them, or specialise fanfold::KeyCodec for it");
  static_assert(ValueEncodable<V>,
                "fanfold: this type cannot be a value; use strings, numbers, or pairs, tuples, "
                "vectors of them, or include <fanfold/cereal.hpp> and give the struct a "
                "serialize() function, or specialise fanfold::ValueCodec for it");

  Emitter(detail::Outputs& outputs, void* owner, Take take, bool ordered_values)
      : outputs_(outputs), owner_(owner), take_(take), ordered_values_(ordered_values) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  void emit(detail::Argument<K> key, detail::Argument<V> value) {
    if constexpr (StringLike<K> && detail::kPlainValue<V>) {
      if (in_block(key) && key.size() <= detail::kRecordBytesMax) [[likely]] {
        append(key.data(), key.size(), value, 0);
        return;
      }
    }
    emit_slowly(key, value);
  }

  /// A key that needs no value.
  void emit(detail::Argument<K> key) requires std::is_same_v<V, Nothing> { emit(key, Nothing{}); }

  /// A named output, written by the map task itself: out.to("rejects").write_line(line).
  Writer& to(std::string_view name) { return outputs_.to(name); }

  /// The engine's side: views into `block` stay good until end_block().
  void begin_block(std::string_view block) {
    block_ = block.data();
    block_size_ = block.size();
  }
  void end_block() {
    flush();
    block_ = nullptr;
    block_size_ = 0;
  }
  void flush() {
    const std::size_t count = count_;
    count_ = 0;
    if (count != 0) {
      flushed_ = true;
      take_(owner_, pairs_, count);
    }
    copied_ = 0;
  }
  /// Of a tolerant task: what is emitted from here on can be taken back, unless it is very much.
  void begin_record() {
    // A record of up to half a batch always stays in it.
    if (count_ > detail::kBatchPairs / 2) flush();
    flushed_ = false;
    marked_ = count_;
    marked_copies_ = copied_;
  }
  /// False: some of it was handed over already.
  bool undo_record() {
    if (flushed_) return false;
    count_ = marked_;
    copied_ = marked_copies_;
    return true;
  }

 private:
  static constexpr std::size_t kCopyBytes = 32u << 10;

  bool in_block(std::string_view bytes) const {
    return reinterpret_cast<std::uintptr_t>(bytes.data()) -
               reinterpret_cast<std::uintptr_t>(block_) <
           block_size_;
  }

  template <class Stored>
  void append(const char* key, std::size_t key_size, const Stored& value, std::size_t value_size) {
    Pair& pair = pairs_[count_];
    pair.key = key;
    pair.key_size = static_cast<std::uint32_t>(key_size);
    pair.value_size = static_cast<std::uint32_t>(value_size);
    pair.value = value;
    if (++count_ == detail::kBatchPairs) flush();
  }

  void emit_slowly(detail::Argument<K> key, detail::Argument<V> value) {
    const std::string_view key_bytes = encoded_key(key);
    const bool keep_key = in_block(key_bytes);
    if constexpr (detail::kPlainValue<V>) {
      reserve(key_bytes.size(), 0, keep_key ? 0 : key_bytes.size());
      append(keep_key ? key_bytes.data() : copy(key_bytes), key_bytes.size(), value, 0);
    } else {
      const std::string_view value_bytes = encoded_value(value);
      const bool keep_value = in_block(value_bytes);
      reserve(key_bytes.size(), value_bytes.size(),
              (keep_key ? 0 : key_bytes.size()) + (keep_value ? 0 : value_bytes.size()));
      const char* kept_key = keep_key ? key_bytes.data() : copy(key_bytes);
      const char* kept_value = keep_value ? value_bytes.data() : copy(value_bytes);
      append(kept_key, key_bytes.size(), detail::EncodedValue{kept_value}, value_bytes.size());
    }
  }

  std::string_view encoded_key(detail::Argument<K> key) {
    if constexpr (StringLike<K>) {
      return key;
    } else {
      key_bytes_.clear();
      KeyCodec<K>::encode(key, key_bytes_);
      return key_bytes_.view();
    }
  }

  std::string_view encoded_value(detail::Argument<V> value) {
    if constexpr (StringLike<V>) {
      return value;
    } else {
      value_bytes_.clear();
      if constexpr (KeyEncodable<V>) {
        if (ordered_values_) {
          KeyCodec<V>::encode(value, value_bytes_);
          return value_bytes_.view();
        }
      }
      ValueCodec<V>::encode(value, value_bytes_);
      return value_bytes_.view();
    }
  }

  /// Makes room for copies of `copies` bytes.  Afterwards nothing moves until the pair is in.
  void reserve(std::size_t key, std::size_t value, std::size_t copies) {
    if (key > detail::kRecordBytesMax || value > detail::kRecordBytesMax - key) {
      throw std::length_error("a pair of " + std::to_string(key + value) +
                              " bytes was emitted; the limit is " +
                              std::to_string(detail::kRecordBytesMax));
    }
    const bool ready = copies_ != nullptr;
    if (ready && copied_ + copies <= capacity_) return;
    flush();
    if (ready && copies <= capacity_) return;
    capacity_ = copies < kCopyBytes ? kCopyBytes : copies;
    copies_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  /// Receivers look at keys sixteen bytes at a time, so even an empty one must lie in memory.
  const char* copy(std::string_view bytes) {
    if (bytes.empty()) return copies_.get();
    char* to = copies_.get() + copied_;
    std::memcpy(to, bytes.data(), bytes.size());
    copied_ += bytes.size();
    return to;
  }

  std::size_t count_ = 0;
  const char* block_ = nullptr;
  std::size_t block_size_ = 0;
  Pair pairs_[detail::kBatchPairs];

  detail::Outputs& outputs_;
  void* owner_;
  Take take_;
  bool ordered_values_;
  Bytes key_bytes_;
  Bytes value_bytes_;
  std::unique_ptr<char[]> copies_;
  std::size_t capacity_ = 0;
  std::size_t copied_ = 0;
  bool flushed_ = false;  // Since begin_record().
  std::size_t marked_ = 0;
  std::size_t marked_copies_ = 0;
};

}  // namespace fanfold
