// s3://bucket/key behind the door to files.
//
// There are no directories in a bucket, only keys with slashes in them: "s3://b/a" is a directory
// when some key begins with "a/".  A name that two slashes leave empty cannot be told by a path, so
// it is refused where it is met; so is an object that ends in a slash and is not empty.

#pragma once

#include <memory>
#include <optional>

#include "common/core/mutex.hpp"
#include "common/io/file_system.hpp"
#include "common/s3/client_pool.hpp"

namespace fanfold::s3 {

/// Of the settings that `variables` give at its first use.
std::unique_ptr<io::FileSystem> make_s3_file_system(Variables variables);

/// Process-wide, of the variables of this process; never destroyed.
io::FileSystem& s3_file_system();

}  // namespace fanfold::s3
