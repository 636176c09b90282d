// Publishing where nothing can be renamed: in an object store.
//
// Reduces have uploaded their files to where they belong, unseen.  Who holds the claim, an object
// that only one can create, makes them seen one after the other; the manifest comes last.  So a
// reader who waits for the manifest, as all of ours do, sees all or nothing; a listing may show
// files before. What is to be replaced loses its manifest first.  docs/decisions/0010-* has the
// reasons.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::master {

inline constexpr const char* kClaimName = "_COMMITTING";

/// As publish().
Result<Published> publish_objects(io::FileSystem& files, const PublishRequest& request);

/// Of a job that has ended: its staging directory, in any file system.  In an object store also the
/// uploads that it knows of, and what an interrupted publication has made visible.
Status remove_staging_directory(io::FileSystem& files, const std::string& staging);

}  // namespace fanfold::master
