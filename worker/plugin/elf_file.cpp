#include "worker/plugin/elf_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fanfold::worker {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kOwnMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t kOwnMachine = EM_RISCV;
#else
#error "Name this machine's ELF architecture here."
#endif

/// Notes and symbol tables of real plugins are far smaller; larger ones are damage.
constexpr std::uint64_t kNotesBytesMax = 1u << 20;
constexpr std::uint64_t kSymbolsBytesMax = 256u << 20;

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "x86 (32-bit)";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "arm (32-bit)";
    case EM_AARCH64:
      return "aarch64";
    case EM_RISCV:
      return "riscv";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

Status refused(const std::string& path, const std::string& why) {
  return {StatusCode::kInvalidArgument, "plugin '" + path + "' " + why};
}

template <class Header>
Header header_in(std::string_view bytes, std::uint64_t offset = 0) {
  Header header;
  std::memcpy(&header, bytes.data() + offset, sizeof header);
  return header;
}

Status check_identity(const Elf64_Ehdr& header, const std::string& path) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return refused(path, "is not an ELF file; give the .so that fanfold_add_job() builds");
  }
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return refused(
        path, "is big-endian; rebuild it on this architecture (" + machine_name(kOwnMachine) + ")");
  }
  // e_machine has the same place in 32-bit and 64-bit headers.
  if (header.e_machine != kOwnMachine) {
    return refused(path, "is built for " + machine_name(header.e_machine) + ", this host is " +
                             machine_name(kOwnMachine) + "; rebuild it here");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64) {
    return refused(path, "is a 32-bit file, this host is 64-bit " + machine_name(kOwnMachine) +
                             "; rebuild it here");
  }
  return {};
}

std::uint64_t aligned(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

/// Walks the notes of one segment.
std::optional<std::string> find_note(std::string_view notes, std::string_view name,
                                     std::uint32_t type) {
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    const auto header = header_in<Elf64_Nhdr>(notes);
    notes.remove_prefix(sizeof header);
    const std::uint64_t name_end = aligned(header.n_namesz);
    const std::uint64_t end = name_end + aligned(header.n_descsz);
    if (name_end + header.n_descsz > notes.size()) return std::nullopt;
    std::string_view found = notes.substr(0, header.n_namesz);
    if (!found.empty() && found.back() == '\0') found.remove_suffix(1);
    if (header.n_type == type && found == name) {
      std::string_view text = notes.substr(name_end, header.n_descsz);
      if (const auto zero = text.find('\0'); zero != text.npos) text = text.substr(0, zero);
      return std::string(text);
    }
    notes.remove_prefix(std::min<std::uint64_t>(end, notes.size()));
  }
  return std::nullopt;
}

}  // namespace

Result<ElfFile> ElfFile::open(const std::string& path, const std::string& called) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT) return refused(called, "does not exist");
    const bool of_the_host = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO;
    const Status status = refused(called, std::string("cannot be opened: ") + std::strerror(errno));
    return of_the_host ? Status(StatusCode::kIoError, status.message()) : status;
  }
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) {
    const std::string why = std::strerror(errno);
    ::close(descriptor);
    return refused(called, "cannot be examined: " + why);
  }
  ElfFile file(descriptor, static_cast<std::uint64_t>(info.st_size));
  if (!S_ISREG(info.st_mode)) return refused(called, "is not a regular file");
  FANFOLD_RETURN_IF_ERROR(file.read_headers(called));
  return file;
}

ElfFile::ElfFile(ElfFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      type_(other.type_),
      section_offset_(other.section_offset_),
      section_count_(other.section_count_),
      segments_(std::move(other.segments_)) {}

ElfFile::~ElfFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<std::string> ElfFile::bytes_at(std::uint64_t offset, std::uint64_t length) const {
  if (offset > size_ || length > size_ - offset) return std::nullopt;
  std::string bytes(length, '\0');
  std::uint64_t done = 0;
  while (done < length) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    done += static_cast<std::uint64_t>(got);
  }
  return bytes;
}

Status ElfFile::read_headers(const std::string& path) {
  // A short file is first of all no ELF file; a cut one says so by its magic number.
  std::string bytes = bytes_at(0, std::min<std::uint64_t>(size_, sizeof(Elf64_Ehdr))).value_or("");
  const bool whole = bytes.size() == sizeof(Elf64_Ehdr);
  const bool magic = bytes.compare(0, SELFMAG, ELFMAG) == 0;
  if (!whole && magic) return refused(path, "is cut short; copy or build it again");
  bytes.resize(sizeof(Elf64_Ehdr));
  const auto header = header_in<Elf64_Ehdr>(bytes);
  FANFOLD_RETURN_IF_ERROR(check_identity(header, path));
  type_ = header.e_type;
  section_offset_ = header.e_shoff;
  section_count_ = header.e_shentsize == sizeof(Elf64_Shdr) ? header.e_shnum : 0;

  const std::uint64_t table_bytes = std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  const auto table = bytes_at(header.e_phoff, table_bytes);
  if (!table || (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr))) {
    return refused(path, "is damaged or cut short; copy or build it again");
  }
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = header_in<Elf64_Phdr>(*table, i * sizeof(Elf64_Phdr));
    segments_.push_back({segment.p_type, segment.p_offset, segment.p_vaddr, segment.p_filesz});
  }
  return {};
}

bool ElfFile::is_shared_object() const { return type_ == ET_DYN; }

std::optional<std::string> ElfFile::note(std::string_view name, std::uint32_t type) const {
  for (const LoadSegment& segment : segments_) {
    if (segment.type != PT_NOTE || segment.file_bytes > kNotesBytesMax) continue;
    const auto notes = bytes_at(segment.offset, segment.file_bytes);
    if (!notes) continue;
    if (auto text = find_note(*notes, name, type)) return text;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ElfFile::address_of_offset(std::uint64_t offset) const {
  for (const LoadSegment& segment : segments_) {
    if (segment.type != PT_LOAD || offset < segment.offset) continue;
    if (offset - segment.offset < segment.file_bytes) {
      return segment.address + (offset - segment.offset);
    }
  }
  return std::nullopt;
}

std::string ElfFile::function_at(std::uint64_t address) const {
  const auto sections =
      bytes_at(section_offset_, std::uint64_t{section_count_} * sizeof(Elf64_Shdr));
  if (!sections) return {};
  // The full table names static functions as well; a stripped file has only the dynamic one.
  for (const std::uint32_t wanted : {SHT_SYMTAB, SHT_DYNSYM}) {
    for (std::uint64_t i = 0; i < section_count_; ++i) {
      const auto section = header_in<Elf64_Shdr>(*sections, i * sizeof(Elf64_Shdr));
      if (section.sh_type != wanted || section.sh_link >= section_count_) continue;
      const auto strings_section =
          header_in<Elf64_Shdr>(*sections, section.sh_link * sizeof(Elf64_Shdr));
      if (section.sh_size > kSymbolsBytesMax || strings_section.sh_size > kSymbolsBytesMax)
        continue;
      const auto symbols = bytes_at(section.sh_offset, section.sh_size);
      const auto strings = bytes_at(strings_section.sh_offset, strings_section.sh_size);
      if (!symbols || !strings) continue;
      for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols->size();
           at += sizeof(Elf64_Sym)) {
        const auto symbol = header_in<Elf64_Sym>(*symbols, at);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || address < symbol.st_value) continue;
        if (address - symbol.st_value >= symbol.st_size) continue;
        if (symbol.st_name >= strings->size()) continue;
        return {strings->c_str() + symbol.st_name};
      }
    }
  }
  return {};
}

}  // namespace fanfold::worker
