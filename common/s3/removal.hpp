// Objects and unfinished uploads, removed.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/s3/client.hpp"

namespace fanfold::s3 {

/// What an upload's record is called: the name of the file that the upload is for, and this.
inline constexpr const char* kRecordSuffix = ".upload";

/// Fine when it is not there.
Status remove_object(Client& client, const Location& object);

/// All objects below `directory`, and what stands for it.  Uploads whose records are among them are
/// aborted.  What somebody puts there meanwhile is removed too, within reason.
Status remove_below(Client& client, const Location& directory);

}  // namespace fanfold::s3
