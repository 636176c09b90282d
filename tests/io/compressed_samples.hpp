// Compressed bytes for tests, made with the libraries themselves.

#pragma once

#include <string>
#include <string_view>

#include "common/io/piece_reader.hpp"

namespace fanfold::io {

/// One gzip member, zstd frame or lz4 frame, with a checksum of its contents.
std::string compressed(Compression compression, std::string_view bytes);

}  // namespace fanfold::io
