// Values of the combine table.  A small plain value lives in its slot; any other is an object in an
// arena with its address in the slot.  Views are kept by copying their bytes into the arena.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/detail/arena.hpp"
#include "fanfold/emitter.hpp"
#include "fanfold/value_codec.hpp"

namespace fanfold::detail {

[[noreturn]] inline void throw_undecodable_value() {
  throw std::runtime_error(
      "an emitted value does not decode again: encode() and decode() of its "
      "codec disagree");
}

/// Bytes on the heap that belong to a value, for the memory budget.
template <class T>
std::size_t heap_bytes(const T& value) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    return 0;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.capacity() > 15 ? value.capacity() + 1 : 0;
  } else if constexpr (requires {
                         typename T::allocator_type;
                         value.capacity();
                         value[0];
                       }) {
    std::size_t bytes = value.capacity() * sizeof(typename T::value_type);
    if constexpr (!std::is_trivially_copyable_v<typename T::value_type>) {
      for (const auto& element : value) bytes += heap_bytes(element);
    }
    return bytes;
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    return std::apply([](const auto&... part) { return (heap_bytes(part) + ... + 0); }, value);
  } else if constexpr (requires {
                         value.has_value();
                         *value;
                       }) {
    return value.has_value() ? heap_bytes(*value) : 0;
  } else {
    // Nothing is known of a user's type but what it encodes to.
    Bytes encoded;
    ValueCodec<T>::encode(value, encoded);
    return encoded.size();
  }
}

/// Small plain values need no memory but their slot.
template <class V>
inline constexpr bool kLivesInSlot = kPlainValue<V> && sizeof(V) <= 8;

template <class V, bool ordered>
class StoredValues {
 public:
  StoredValues() = default;
  StoredValues(const StoredValues&) = delete;
  StoredValues& operator=(const StoredValues&) = delete;
  ~StoredValues() { clear(); }

  /// What a slot holds for the pair's value.
  std::uint64_t store(const Pair<V>& pair) {
    if constexpr (kInline) {
      return bits_of(pair.value);
    } else if constexpr (kHasView<V>) {
      return store_view({pair.value.data, pair.value_size});
    } else {
      V value = take_value(pair);
      heap_ += heap_bytes(value);
      return place(std::move(value));
    }
  }

  /// Folds the pair's value into the one of the slot.
  template <class Job>
  void fold(Job& job, std::uint64_t& slot, const Pair<V>& pair) {
    if constexpr (kInline) {
      slot = bits_of(job.combine(value_of(slot), pair.value));
    } else if constexpr (kHasView<V>) {
      fold_view(job, slot, pair);
    } else {
      V& value = *reinterpret_cast<V*>(slot);
      heap_ -= heap_bytes(value);
      value = job.combine(std::move(value), take_value(pair));
      heap_ += heap_bytes(value);
    }
  }

  void encode(std::uint64_t slot, Bytes& out) const {
    if constexpr (kInline) {
      encode_value<ordered>(value_of(slot), out);
    } else {
      encode_value<ordered>(*reinterpret_cast<const V*>(slot), out);
    }
  }

  /// Of values that live in their slots: the value.
  static V plain(std::uint64_t slot) requires kLivesInSlot<V> { return value_of(slot); }

  std::size_t bytes() const { return arena_.used() + heap_ + objects_.capacity() * sizeof(V*); }

  void clear() {
    for (V* object : objects_) std::destroy_at(object);
    objects_.clear();
    scratch_.reset();
    arena_.rewind();
    heap_ = 0;
  }
  /// The same, and gives its memory back.
  void release() {
    clear();
    arena_ = Arena();
  }

 private:
  static constexpr bool kInline = kLivesInSlot<V>;

  static std::uint64_t bits_of(const V& value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  static V value_of(std::uint64_t slot) {
    V value{};
    std::memcpy(&value, &slot, sizeof value);
    return value;
  }

  V take_value(const Pair<V>& pair) {
    if constexpr (kPlainValue<V>) {
      return pair.value;
    } else {
      V value{};
      if (!decode_value<ordered>({pair.value.data, pair.value_size}, value, scratch_)) {
        throw_undecodable_value();
      }
      return value;
    }
  }

  std::uint64_t place(V value) {
    char* memory = arena_.allocate_aligned(sizeof(V), alignof(V));
    V* object = ::new (memory) V(std::move(value));
    if constexpr (!std::is_trivially_destructible_v<V>) objects_.push_back(object);
    return reinterpret_cast<std::uint64_t>(object);
  }

  /// The view that `encoded` stands for, over a copy of its own.
  V kept(std::string_view encoded) {
    V value{};
    const std::string_view copy(arena_.copy(encoded), encoded.size());
    if (!decode_value<ordered>(copy, value, scratch_)) throw_undecodable_value();
    return value;
  }
  std::uint64_t store_view(std::string_view encoded) { return place(kept(encoded)); }

  template <class Job>
  void fold_view(Job& job, std::uint64_t& slot, const Pair<V>& pair) {
    V& value = *reinterpret_cast<V*>(slot);
    V next{};
    const std::string_view encoded(pair.value.data, pair.value_size);
    if (!decode_value<ordered>(encoded, next, scratch_)) throw_undecodable_value();
    const V result = job.combine(value, next);
    if constexpr (std::is_same_v<V, std::string_view>) {
      if (result.data() == value.data()) {
        value = result;
        return;
      }
    }
    encoded_.clear();
    encode_value<ordered>(result, encoded_);
    value = kept(encoded_.view());
  }

  Arena arena_;
  Scratch scratch_;
  Bytes encoded_;
  std::vector<V*> objects_;  // Those to destroy.
  std::size_t heap_ = 0;
};

}  // namespace fanfold::detail
