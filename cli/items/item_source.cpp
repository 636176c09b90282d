#include "cli/items/item_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "cli/items/csv_rows.hpp"
#include "cli/items/json_array.hpp"
#include "common/core/limits.hpp"
#include "common/io/piece_reader.hpp"

namespace fanfold::cli {
namespace {

Status corrupt(const std::string& path, std::uint64_t line, const std::string& why) {
  return {StatusCode::kCorruption, path + ", line " + std::to_string(line) + ": " + why};
}

/// Whole records of a file, decompressed, block by block.
Status for_each_block(io::FileSystem& files, const std::string& path, abi::RecordFormat format,
                      const std::function<Result<bool>(std::string_view block)>& visit) {
  FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files.stat(path));
  if (info.kind != io::FileKind::kFile) {
    return {StatusCode::kInvalidArgument, path + " is no file"};
  }
  io::Piece piece;
  piece.path = path;
  piece.end = info.size;
  io::ReadOptions options;
  options.format = format;
  options.record_bytes_max = limits::kRecordBytes / 4;
  FANFOLD_ASSIGN_OR_RETURN(const auto reader, io::open_piece(files, piece, options));
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(const auto block, reader->next());
    if (!block) return {};
    FANFOLD_ASSIGN_OR_RETURN(const bool more, visit(block->bytes));
    if (!more) return {};
  }
}

using VisitLine = std::function<Result<bool>(std::string_view line, std::uint64_t number)>;

/// Without their ends; blank ones are left out, but counted.
Status for_each_line(io::FileSystem& files, const std::string& path, const VisitLine& visit) {
  std::uint64_t number = 0;
  return for_each_block(files, path, abi::RecordFormat::kLines,
                        [&](std::string_view rest) -> Result<bool> {
                          while (!rest.empty()) {
                            const std::size_t end = std::min(rest.find('\n'), rest.size());
                            std::string_view line = rest.substr(0, end);
                            rest.remove_prefix(std::min(end + 1, rest.size()));
                            ++number;
                            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
                            if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
                            FANFOLD_ASSIGN_OR_RETURN(const bool more, visit(line, number));
                            if (!more) return false;
                          }
                          return true;
                        });
}

Status read_json_lines(io::FileSystem& files, const std::string& path, const VisitItem& visit) {
  return for_each_line(files, path,
                       [&](std::string_view line, std::uint64_t number) -> Result<bool> {
                         Result<Json> item = items::parse_json(line);
                         if (!item.ok()) return corrupt(path, number, item.status().message());
                         return visit(*std::move(item));
                       });
}

/// A field that is text can be put into JSON.
bool is_utf8(const std::string& text) {
  const std::string shown = Json(text).dump(-1, ' ', false, Json::error_handler_t::ignore);
  return Json::parse(shown).get_ref<const std::string&>() == text;
}

class CsvItems {
 public:
  CsvItems(const ItemReader& reader, const VisitItem& visit)
      : reader_(reader), visit_(visit), names_(reader.headers) {}

  Result<bool> take_block(std::string_view rest) {
    while (!rest.empty()) {
      const std::vector<std::string> row = take_csv_row(&rest, reader_.delimiter);
      ++number_;
      if (row.size() == 1 && row[0].empty()) continue;
      if (names_.empty()) {
        FANFOLD_RETURN_IF_ERROR(take_header(row));
        continue;
      }
      Json item = Json::object();
      for (std::size_t i = 0; i < names_.size(); ++i) {
        item[names_[i]] = i < row.size() ? row[i] : "";
        if (i < row.size() && !is_ascii(row[i]) && !is_utf8(row[i])) {
          return corrupt(reader_.path, number_, "field '" + names_[i] + "' is no UTF-8");
        }
      }
      FANFOLD_ASSIGN_OR_RETURN(const bool more, visit_(std::move(item)));
      if (!more) return false;
    }
    return true;
  }

 private:
  static bool is_ascii(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  Status take_header(const std::vector<std::string>& row) {
    std::set<std::string> seen;
    for (const std::string& name : row) {
      if (!is_utf8(name)) return corrupt(reader_.path, number_, "a header is no UTF-8");
      if (!seen.insert(name).second) {
        return corrupt(reader_.path, number_, "the header '" + name + "' is there twice");
      }
    }
    names_ = row;
    return {};
  }

  const ItemReader& reader_;
  const VisitItem& visit_;
  std::vector<std::string> names_;
  std::uint64_t number_ = 0;  // Of the row.
};

Json item_of(const std::string& path, const struct ::stat& info) {
  return {{"Key", path},
          {"Size", static_cast<std::uint64_t>(info.st_size)},
          {"LastModified", static_cast<std::int64_t>(info.st_mtime)}};
}

Status read_manifest_list(io::FileSystem& files, const std::string& path, const VisitItem& visit) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  return for_each_line(
      files, path, [&](std::string_view line, std::uint64_t number) -> Result<bool> {
        std::string file(line);
        if (!is_utf8(file)) return corrupt(path, number, "a name that is no UTF-8");
        if (file.front() != '/') file.insert(0, directory);
        struct ::stat info {};
        if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
          return Status(StatusCode::kNotFound,
                        path + ", line " + std::to_string(number) + ": there is no file " + file);
        }
        return visit(item_of(file, info));
      });
}

/// Files below a directory, by name.  Like inputs of any job, what begins with '.' or '_' is left
/// out; links to directories are not followed.
Result<bool> read_listing(io::FileSystem& files, const std::string& directory,
                          const VisitItem& visit) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names) {
    if (name.front() == '.' || name.front() == '_') continue;
    const std::string path = directory + "/" + name;
    struct ::stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;  // Gone since.
    if (S_ISDIR(info.st_mode)) {
      FANFOLD_ASSIGN_OR_RETURN(const bool more, read_listing(files, path, visit));
      if (!more) return false;
      continue;
    }
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (!is_utf8(path)) {
      return Status(StatusCode::kCorruption,
                    "a file below " + directory + " has a name that is no UTF-8");
    }
    FANFOLD_ASSIGN_OR_RETURN(const bool more, visit(item_of(path, info)));
    if (!more) return false;
  }
  return true;
}

Status read_state(const MapState& state, const VisitItem& visit) {
  const Json* found = state.items_path.find({state.input, state.context});
  if (found == nullptr || !found->is_array()) {
    return {StatusCode::kInvalidArgument,
            "ItemsPath is " + state.items_path.text() + ", and there is no array in the input of " +
                "the state; an ItemReader takes items from a file, and INPUT.json behind the file "
                "of the Map is that input"};
  }
  for (const Json& item : *found) {
    FANFOLD_ASSIGN_OR_RETURN(const bool more, visit(item));
    if (!more) return {};
  }
  return {};
}

}  // namespace

Status for_each_item(io::FileSystem& files, const MapState& state, const VisitItem& visit) {
  const ItemReader& reader = state.reader;
  switch (reader.input) {
    case ItemInput::kState:
      return read_state(state, visit);
    case ItemInput::kJson:
      return for_each_element(reader.path, reader.pointer, visit);
    case ItemInput::kJsonLines:
      return read_json_lines(files, reader.path, visit);
    case ItemInput::kCsv: {
      CsvItems rows(reader, visit);
      return for_each_block(files, reader.path, abi::RecordFormat::kCsv,
                            [&](std::string_view block) { return rows.take_block(block); });
    }
    case ItemInput::kManifest:
      return read_manifest_list(files, reader.path, visit);
    case ItemInput::kListing:
      return read_listing(files, reader.path, visit).status();
  }
  return {};
}

}  // namespace fanfold::cli
