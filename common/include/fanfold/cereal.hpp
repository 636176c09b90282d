// Makes every struct that cereal can serialise a value:
//
//   #include <fanfold/cereal.hpp>
//   struct Visit {
//     std::string page;
//     std::uint64_t time = 0;
//     template <class Archive>
//     void serialize(Archive& archive) { archive(page, time); }
//   };
//
// Include it before the job.  Types of the standard library inside such a struct need cereal's own
// headers (<cereal/types/vector.hpp>, ...); strings come with this one.  Pointers are refused.

#pragma once

#include <cereal/cereal.hpp>
#include <cereal/types/string.hpp>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "fanfold/bytes.hpp"
#include "fanfold/value_codec.hpp"

namespace fanfold {
namespace detail {

/// Appends numbers as their bytes, little-endian like the machine; sizes as varints.
class CerealWriter : public cereal::OutputArchive<CerealWriter, cereal::AllowEmptyClassElision> {
 public:
  explicit CerealWriter(Bytes& out) : OutputArchive(this), out_(out) {}
  void write(const void* data, std::size_t size) {
    out_.append(static_cast<const char*>(data), size);
  }
  void write_size(std::uint64_t size) { append_varint(out_, size); }

 private:
  Bytes& out_;
};

/// Reads within its bytes and never believes a size that they cannot hold.
class CerealReader : public cereal::InputArchive<CerealReader, cereal::AllowEmptyClassElision> {
 public:
  CerealReader(const char* from, const char* end) : InputArchive(this), from_(from), end_(end) {}
  void read(void* data, std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - from_)) fail();
    if (size != 0) std::memcpy(data, from_, size);
    from_ += size;
  }
  std::uint64_t read_size() {
    std::uint64_t size = 0;
    const char* next = get_varint(from_, end_, size);
    if (next == nullptr || size > static_cast<std::uint64_t>(end_ - next)) fail();
    from_ = next;
    return size;
  }
  const char* position() const { return from_; }

 private:
  [[noreturn]] static void fail() { throw cereal::Exception("the value ends too early"); }

  const char* from_;
  const char* end_;
};

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(CerealWriter& archive, const T& value) {
  archive.write(&value, sizeof value);
}
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(CerealReader& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    unsigned char byte = 0;  // Other bytes than 0 and 1 are no bool.
    archive.read(&byte, 1);
    value = byte != 0;
  } else {
    archive.read(&value, sizeof value);
  }
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(CerealWriter& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(CerealReader& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CerealWriter& archive, const cereal::SizeTag<T>& tag) {
  archive.write_size(static_cast<std::uint64_t>(tag.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CerealReader& archive, cereal::SizeTag<T>& tag) {
  tag.size = static_cast<std::remove_cvref_t<T>>(archive.read_size());
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CerealWriter& archive, const cereal::BinaryData<T>& data) {
  archive.write(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CerealReader& archive, cereal::BinaryData<T>& data) {
  archive.read(data.data, static_cast<std::size_t>(data.size));
}

}  // namespace detail

template <class T>
requires(
    !detail::kHasOwnValueCodec<T> &&
    cereal::traits::is_output_serializable<T, detail::CerealWriter>::value &&
    cereal::traits::is_input_serializable<T, detail::CerealReader>::value) struct ValueCodec<T> {
  static void encode(const T& value, Bytes& out) {
    detail::CerealWriter archive(out);
    archive(value);
  }
  static bool decode(const char*& from, const char* end, T& value, Scratch&) {
    try {
      detail::CerealReader archive(from, end);
      archive(value);
      from = archive.position();
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
};

}  // namespace fanfold

CEREAL_SETUP_ARCHIVE_TRAITS(fanfold::detail::CerealReader, fanfold::detail::CerealWriter)
