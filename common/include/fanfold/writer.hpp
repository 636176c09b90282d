// Writes the job's output.  The user chooses the format when the job is run:
//
//   text     key TAB value LF.  Strings have TAB, LF, CR and backslash written as \t \n \r \\.
//            Numbers take the shortest form that reads back the same.  Pairs, tuples and vectors
//            are joined by commas, a comma in a string inside them is written as \, .
//   JSON     {"key":...,"value":...} a line; composites are arrays, bytes that are no UTF-8
//   lines    become U+FFFD, numbers that JSON does not know become null.
//   binary   varint key size, varint value size, key, value: both as in key_codec.hpp (a key
//            without an order as in value_codec.hpp) and value_codec.hpp.
//
// write(key) prints a key without a value, write_line(text) a ready line (JSON: {"line":...},
// binary: an empty key).  A type of your own prints through `std::string to_text(const T&)`.

#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/bytes.hpp"
#include "fanfold/detail/format.hpp"
#include "fanfold/detail/user_code.hpp"
#include "fanfold/key_codec.hpp"
#include "fanfold/value_codec.hpp"

namespace fanfold {

class Writer;

namespace detail {

/// Takes the records of the part one by one, as they are printed.
class RecordSink {
 public:
  virtual void take(std::string_view record) = 0;

 protected:
  ~RecordSink() = default;
};

/// All outputs of one task, by name; the empty name is the part file.
class Outputs {
 public:
  Outputs(abi::TaskHost& host, abi::OutputFormat format, abi::ProgressSlot& progress)
      : host_(host), format_(format), progress_(progress) {}

  Writer& to(std::string_view name);
  /// Before anything is written: records of the part go to `sink`, which outlives the writing, and
  /// not to the host.
  void keep_in(RecordSink& sink) { part_sink_ = &sink; }
  /// Hands over what the writers still hold.
  void flush();
  /// That were written so far, to all of them.
  std::uint64_t records() const;

 private:
  friend class fanfold::Writer;
  abi::TaskHost& host_;
  abi::OutputFormat format_;
  abi::ProgressSlot& progress_;
  RecordSink* part_sink_ = nullptr;
  std::vector<std::unique_ptr<Writer>> writers_;
};

/// Strings of any kind as std::string_view, everything else as it is.
template <class T>
decltype(auto) as_text_or_self(const T& value) {
  if constexpr (ViewableText<T> && !HasToText<T>) {
    return std::string_view(value);
  } else {
    return (value);
  }
}

/// Names of outputs become file names.
constexpr bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && (i == 0 || (c != '.' && c != '_' && c != '-'))) return false;
  }
  return true;
}

}  // namespace detail

class Writer {
 public:
  Writer(detail::Outputs& outputs, std::string_view name)
      : outputs_(outputs),
        format_(outputs.format_),
        name_(name),
        sink_(name.empty() ? outputs.part_sink_ : nullptr),
        flush_bytes_(sink_ != nullptr ? 0 : kFlushBytes) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <class K, class V>
  void write(const K& key, const V& value) {
    write_pair(detail::as_text_or_self(key), detail::as_text_or_self(value));
  }

  /// A key without a value.
  template <class K>
  void write(const K& key) {
    write_pair(detail::as_text_or_self(key), Nothing{});
  }

  /// A line as it is, whatever it holds; only a line feed inside is written as \n.
  void write_line(std::string_view line) {
    switch (format_) {
      case abi::OutputFormat::kText:
        append_line(line);
        break;
      case abi::OutputFormat::kJsonLines:
        buffer_.append("{\"line\":");
        detail::append_json_string(buffer_, line);
        buffer_.append("}\n");
        break;
      case abi::OutputFormat::kBinary:
        append_binary({}, line);
        break;
    }
    end_record();
  }

  /// The output called `name` (letters, digits, '.', '_', '-'): a file of its own beside the parts.
  Writer& to(std::string_view name) { return outputs_.to(name); }

  const std::string& name() const { return name_; }

  /// The engine's side: hands over what is buffered.
  void flush() {
    if (records_ == 0) return;
    if (sink_ != nullptr) return hand_to_sink();
    const detail::InHost in_host(outputs_.progress_);
    outputs_.host_.write_output(name_, buffer_.view(), records_);
    buffer_.clear();
    handed_over_ += std::exchange(records_, 0);
  }
  std::uint64_t records() const { return handed_over_ + records_; }

 private:
  static constexpr std::size_t kFlushBytes = 256u << 10;

  void hand_to_sink() {
    sink_->take(buffer_.view());
    buffer_.clear();
    handed_over_ += std::exchange(records_, 0);
  }

  template <class K, class V>
  void write_pair(const K& key, const V& value) {
    switch (format_) {
      case abi::OutputFormat::kText:
        detail::append_text(buffer_, key);
        if constexpr (!std::is_same_v<V, Nothing>) {
          buffer_.push_back('\t');
          detail::append_text(buffer_, value);
        }
        buffer_.push_back('\n');
        break;
      case abi::OutputFormat::kJsonLines:
        buffer_.append("{\"key\":");
        detail::append_json(buffer_, key);
        if constexpr (!std::is_same_v<V, Nothing>) {
          buffer_.append(",\"value\":");
          detail::append_json(buffer_, value);
        }
        buffer_.append("}\n");
        break;
      case abi::OutputFormat::kBinary:
        key_bytes_.clear();
        value_bytes_.clear();
        encode(key, key_bytes_, true);
        encode(value, value_bytes_, false);
        append_binary(key_bytes_.view(), value_bytes_.view());
        break;
    }
    end_record();
  }

  template <class T>
  void encode(const T& item, Bytes& out, bool is_key) {
    if constexpr (KeyEncodable<T>) {
      if (is_key) return encode_key(item, out);
    }
    if constexpr (ValueEncodable<T>) {
      encode_value(item, out);
    } else {
      detail::append_text(out, item);
    }
  }

  void append_binary(std::string_view key, std::string_view value) {
    detail::append_varint(buffer_, key.size());
    detail::append_varint(buffer_, value.size());
    buffer_.append(key);
    buffer_.append(value);
  }

  void append_line(std::string_view line) {
    for (;;) {
      const std::size_t feed = line.find('\n');
      buffer_.append(line.substr(0, feed));
      if (feed == std::string_view::npos) break;
      buffer_.append("\\n");
      line.remove_prefix(feed + 1);
    }
    buffer_.push_back('\n');
  }

  void end_record() {
    ++records_;
    if (buffer_.size() >= flush_bytes_) flush();
  }

  detail::Outputs& outputs_;
  const abi::OutputFormat format_;
  const std::string name_;
  detail::RecordSink* const sink_;
  const std::size_t flush_bytes_;  // With a sink each record is handed over.
  Bytes buffer_;
  Bytes key_bytes_;
  Bytes value_bytes_;
  std::uint64_t records_ = 0;  // In the buffer.
  std::uint64_t handed_over_ = 0;
};

inline Writer& detail::Outputs::to(std::string_view name) {
  for (const auto& writer : writers_) {
    if (writer->name() == name) return *writer;
  }
  // Files of the job itself are called "part-...".
  if (!name.empty() && (!valid_name(name) || name == "part")) {
    throw std::invalid_argument("'" + std::string(name) +
                                "' cannot name an output: use up to 64 letters, digits, '.', '_' "
                                "and '-', beginning with a letter or digit, and not 'part'");
  }
  return *writers_.emplace_back(std::make_unique<Writer>(*this, name));
}

inline void detail::Outputs::flush() {
  for (const auto& writer : writers_) writer->flush();
}

inline std::uint64_t detail::Outputs::records() const {
  std::uint64_t records = 0;
  for (const auto& writer : writers_) records += writer->records();
  return records;
}

}  // namespace fanfold
