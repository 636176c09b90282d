// Reads what we need of an ELF file without running or mapping it: its kind, its notes, its load
// segments and its function symbols.  Total: any bytes give an answer or a Status, because the
// file may be anything a user typed.  Refuses to know relocations, DWARF or other word sizes.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::worker {

class ElfFile {
 public:
  /// kInvalidArgument: missing, not a regular file, not ELF, another word size or architecture.
  /// Errors call it `called`.
  static Result<ElfFile> open(const std::string& path, const std::string& called);
  static Result<ElfFile> open(const std::string& path) { return open(path, path); }
  ElfFile(ElfFile&& other) noexcept;
  ElfFile& operator=(ElfFile&&) = delete;
  ~ElfFile();

  bool is_shared_object() const;
  /// The descriptor of the first note with this name and type.
  std::optional<std::string> note(std::string_view name, std::uint32_t type) const;
  /// The address, as linked, of a byte of the file that is mapped when the file is loaded.
  std::optional<std::uint64_t> address_of_offset(std::uint64_t offset) const;
  /// The (mangled) function that covers an address as linked; empty when no symbol does.
  std::string function_at(std::uint64_t address) const;

 private:
  struct LoadSegment {
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::uint64_t address = 0;
    std::uint64_t file_bytes = 0;
  };

  ElfFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  Status read_headers(const std::string& path);
  /// Exactly `length` bytes, or nullopt: out of bounds or unreadable.
  std::optional<std::string> bytes_at(std::uint64_t offset, std::uint64_t length) const;

  int descriptor_;
  std::uint64_t size_;
  std::uint16_t type_ = 0;
  std::uint64_t section_offset_ = 0;
  std::uint16_t section_count_ = 0;
  std::vector<LoadSegment> segments_;
};

}  // namespace fanfold::worker
